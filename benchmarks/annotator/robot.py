"""A robot in the place of a person: it sees a view, and corrects what looks wrong.

It knows the truth of a view alone: of the objects that lie in it with more than half of
their pixels. What it does goes through `Annotation`, as the strokes of the dock do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from benchmarks.annotator.hand import Hand
from benchmarks.annotator.kinds import Image
from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.cli.annotator import mostly_inside, take_over
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.views import cut_views
from napari_unet.inference.measure import typical_diameter

_OBJECTS_ACROSS = 8.0
_LEAST_VIEW, _LARGEST_VIEW = 96, 512
_MARGIN = 12
_STRANGER = 0.5


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done: what it cost, and whether an object was corrected."""

    seconds: float
    corrected: bool = False


def views_of(truth: LabelMap) -> list[Box]:
    """Cut an image into views that show about eight objects across."""
    size = _OBJECTS_ACROSS * (typical_diameter(truth) or _LARGEST_VIEW)
    size = float(np.clip(size, _LEAST_VIEW, _LARGEST_VIEW))
    return cut_views(truth.shape, "YX", round(size))


@dataclass(slots=True, eq=False)
class Desk:
    """An image that is worked on, and which of its objects the robot is done with.

    `refreshed` says that it was predicted anew since the robot looked last.
    """

    image: Image
    annotation: Annotation
    finished: set[int] = field(default_factory=set)
    refreshed: bool = False

    @classmethod
    def of(cls, image: Image) -> Desk:
        """Return an image of which nothing is known."""
        return cls(image, Annotation(np.zeros(image.truth.shape, np.int32)))

    def refresh(self, predicted: LabelMap) -> None:
        """Take over what was predicted anew, where nobody has verified anything."""
        take_over(self.annotation, predicted)
        self.refreshed = True

    def write(self, box: Box, wanted: LabelMap) -> bool:
        """Let pixels of a box get other labels, as the brush does."""
        labels = self.annotation.labels[box.slices]
        changed = wanted != labels
        if not changed.any():
            return False
        labels[changed] = wanted[changed]
        self.annotation.notice_change(box)
        return True

    def erase(self, object_id: int) -> None:
        """Erase an object."""
        box = self.annotation.pixels.objects.box(object_id)
        labels = self.annotation.labels[box.slices]
        self.write(box, np.where(labels == object_id, 0, labels))

    def accept(self, view: Box) -> None:
        """Accept what is in a view."""
        self.annotation.do(Settle())
        self.annotation.do(AcceptView(view))
        self.finished.update(mostly_inside(self.annotation.labels, view))


@dataclass(slots=True)
class Robot:
    """Corrects annotations towards a truth."""

    rng: np.random.Generator
    hand: Hand = field(default_factory=Hand)

    def work_on(self, desk: Desk, view: Box) -> Iterator[Action]:
        """Open a view, correct what is wrong in it, and accept it.

        Where labels were refreshed meanwhile it looks again before it accepts them.
        """
        yield Action(self.hand.open_view)
        desk.refreshed = True
        while desk.refreshed:
            desk.refreshed = False
            yield from self._correct_all(desk, view)
            yield from self._erase_strangers(desk, view)
            yield from self._erase_what_hangs_in(desk, view)
        desk.accept(view)
        yield Action(self.hand.accept_view)

    def _correct_all(self, desk: Desk, view: Box) -> Iterator[Action]:
        """Correct the true objects of a view; the nearest one is next."""
        enlarged = self.hand.screen / max(view.shape)
        truth = desk.image.truth
        places = ndi.find_objects(truth)
        ids = mostly_inside(truth, view)
        centres = {i: _centre(places[i - 1]) for i in ids}
        here = (np.array(view.start) + view.stop) / 2
        while ids:
            nearest = min(ids, key=lambda i: _distance(centres[i], here))
            ids.remove(nearest)
            box = Box.from_slices(places[nearest - 1]).grow(_MARGIN, truth.shape)
            seconds = self._correct(desk, truth[box.slices] == nearest, box, enlarged)
            if seconds:
                way = enlarged * _distance(centres[nearest], here)
                here = centres[nearest]
                yield Action(seconds + self.hand.seconds_to_reach(way), corrected=True)

    def _correct(self, desk: Desk, mask: Mask, box: Box, enlarged: float) -> float:
        """Correct an object where that seems to be needed; return the seconds."""
        work, labels = desk.annotation, desk.annotation.labels[box.slices]
        ids, common = _counted(labels[mask])
        best, overlap = _best(work, mask, ids, common)
        if not self._looks_wrong(overlap):
            if best and self.rng.random() < self.hand.wrong_decision / 2:
                desk.erase(best)
                return self.hand.click
            return 0.0
        # Found objects of which most lies in this one are parts of it.
        parts = [
            i
            for i, n in zip(ids.tolist(), common.tolist(), strict=True)
            if 2 * n > work.pixels_of(i) and i not in desk.finished
        ]
        owner = max(parts, key=work.pixels_of, default=0)
        label = owner or work.new_id()
        painted = self.hand.painted(mask, enlarged, self.rng)
        painted &= ~np.isin(labels, list(desk.finished))
        spill = np.isin(labels, parts) & ~painted
        missing = painted & ~np.isin(labels, parts)
        if not painted.any() or not self._write(desk, box, painted, spill, label):
            return 0.0
        desk.finished.add(label)
        # Parts are filled by a click each, what is missing is painted, spill erased.
        return (
            self.hand.click * max(0, len(parts) - 1)
            + self.hand.seconds_to_paint(missing, enlarged)
            + self.hand.seconds_to_paint(spill, enlarged)
        )

    def _write(
        self, desk: Desk, box: Box, painted: Mask, spill: Mask, label: int
    ) -> bool:
        wanted = desk.annotation.labels[box.slices].copy()
        wanted[spill] = 0
        wanted[painted] = label
        return desk.write(box, wanted)

    def _looks_wrong(self, overlap: float) -> bool:
        if overlap >= self.hand.sees:
            return False
        if overlap >= self.hand.sees_surely:
            return bool(self.rng.random() < 0.5)
        return bool(self.rng.random() >= self.hand.wrong_decision)

    def _erase_strangers(self, desk: Desk, view: Box) -> Iterator[Action]:
        """Erase what is no object, or a part of one that was painted already."""
        reached = self.hand.seconds_to_reach(self.hand.screen / 4)
        truth, work = desk.image.truth, desk.annotation
        areas = np.bincount(truth.ravel())
        for found in mostly_inside(work.labels, view):
            if found in desk.finished or not work.pixels_of(found):
                continue
            box = work.pixels.objects.box(found)
            mask = work.labels[box.slices] == found
            ids, common = _counted(truth[box.slices][mask])
            both = areas[ids] + work.pixels_of(found) - common
            right = (common / both).max(initial=0.0) >= _STRANGER
            if not right and self.rng.random() >= self.hand.wrong_decision:
                desk.erase(found)
                yield Action(self.hand.click + reached, corrected=True)

    def _erase_what_hangs_in(self, desk: Desk, view: Box) -> Iterator[Action]:
        """Erase, in the view alone, what reaches into it and is mostly no object.

        A model that does not know a kind sees a field of cells as one. Where it lies
        between those that were painted over it a person sees that it is background.
        """
        labels, truth = (
            a[view.slices] for a in (desk.annotation.labels, desk.image.truth)
        )
        enlarged = self.hand.screen / max(view.shape)
        ids, sizes = _counted(labels)
        for found, size in zip(ids.tolist(), sizes.tolist(), strict=True):
            wrong = (labels == found) & (truth == 0)
            if found in desk.finished or 2 * np.count_nonzero(wrong) <= size:
                continue
            if desk.write(view, np.where(wrong, 0, labels)):
                seconds = self.hand.seconds_to_paint(wrong, enlarged)
                yield Action(seconds + self.hand.click, corrected=True)


def _counted(
    values: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.intp]]:
    """Return the ids other than 0, and how often each is there."""
    ids, counts = np.unique(values, return_counts=True)
    return ids[ids > 0], counts[ids > 0]


def _best(
    annotation: Annotation,
    mask: Mask,
    ids: npt.NDArray[np.int32],
    common: npt.NDArray[np.intp],
) -> tuple[int, float]:
    """Return the found object that overlaps a true one best, and its IoU; or 0, 0."""
    area = np.count_nonzero(mask)
    overlaps = [
        (int(i), float(n / (area + annotation.pixels_of(int(i)) - n)))
        for i, n in zip(ids, common, strict=True)
    ]
    return max(overlaps, key=lambda each: each[1], default=(0, 0.0))


def _distance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.linalg.norm(a - b))


def _centre(place: tuple[slice, ...]) -> npt.NDArray[np.float64]:
    return np.array([(s.start + s.stop) / 2 for s in place])
