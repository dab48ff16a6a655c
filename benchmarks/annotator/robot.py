"""A robot in the place of a person: it sees a view, and corrects what looks wrong.

It knows the truth of a view alone: of the objects that lie in it with more than half of
their pixels, in the plane in sight. What it does goes through `Annotation`, as the
strokes of the dock do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from benchmarks.annotator.desk import Desk, Sheet
from benchmarks.annotator.hand import Hand
from napari_unet.cli.annotator import mostly_inside
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import Mask

_MARGIN = 12
_STRANGER = 0.5


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that was done: what it cost, and whether an object was corrected."""

    seconds: float
    corrected: bool = False


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
        sheet = desk.sheet(view)
        desk.refreshed = True
        while desk.refreshed:
            desk.refreshed = False
            yield from self._correct_all(sheet)
            yield from self._erase_strangers(sheet)
            yield from self._erase_what_hangs_in(sheet)
        sheet.accept()
        yield Action(self.hand.accept_view)

    def _correct_all(self, sheet: Sheet) -> Iterator[Action]:
        """Correct the true objects of a view; the nearest one is next."""
        enlarged = self.hand.screen / max(sheet.view.shape)
        truth, view = sheet.truth, sheet.view
        places = ndi.find_objects(truth)
        ids = mostly_inside(truth, view)
        centres = {i: _centre(places[i - 1]) for i in ids}
        here = (np.array(view.start) + view.stop) / 2
        while ids:
            nearest = min(ids, key=lambda i: _distance(centres[i], here))
            ids.remove(nearest)
            box = Box.from_slices(places[nearest - 1]).grow(_MARGIN, truth.shape)
            seconds = self._correct(sheet, nearest, box, enlarged)
            if seconds:
                way = enlarged * _distance(centres[nearest], here)
                here = centres[nearest]
                yield Action(seconds + self.hand.seconds_to_reach(way), corrected=True)

    def _correct(self, sheet: Sheet, true_id: int, box: Box, enlarged: float) -> float:
        """Correct an object where that seems to be needed; return the seconds."""
        mask, labels = sheet.truth[box.slices] == true_id, sheet.labels[box.slices]
        ids, common = _counted(labels[mask])
        best, overlap = _best(sheet, mask, ids, common)
        if not self._looks_wrong(overlap):
            if best and self.rng.random() < self.hand.wrong_decision / 2:
                sheet.erase(best)
                return self.hand.click
            # Where it has another id in other planes it is filled with that.
            found = overlap > _STRANGER
            return self.hand.click if found and sheet.rename(best, true_id) else 0.0
        # Found objects of which most lies in this one are parts of it.
        parts = [
            i
            for i, n in zip(ids.tolist(), common.tolist(), strict=True)
            if 2 * n > sheet.pixels_of(i) and i not in sheet.finished
        ]
        painted = self.hand.painted(mask, enlarged, self.rng)
        painted &= ~np.isin(labels, list(sheet.finished))
        spill = np.isin(labels, parts) & ~painted
        missing = painted & ~np.isin(labels, parts)
        if not painted.any() or not self._paint(
            sheet, box, painted, spill, sheet.label_for(true_id, parts)
        ):
            return 0.0
        # Parts are filled by a click each, what is missing is painted, spill erased.
        return (
            self.hand.click * max(0, len(parts) - 1)
            + self.hand.seconds_to_paint(missing, enlarged)
            + self.hand.seconds_to_paint(spill, enlarged)
        )

    def _paint(
        self, sheet: Sheet, box: Box, painted: Mask, spill: Mask, label: int
    ) -> bool:
        wanted = sheet.labels[box.slices].copy()
        wanted[spill] = 0
        wanted[painted] = label
        if not sheet.write(box, wanted):
            return False
        sheet.finish([label])
        return True

    def _looks_wrong(self, overlap: float) -> bool:
        if overlap >= self.hand.sees:
            return False
        if overlap >= self.hand.sees_surely:
            return bool(self.rng.random() < 0.5)
        return bool(self.rng.random() >= self.hand.wrong_decision)

    def _erase_strangers(self, sheet: Sheet) -> Iterator[Action]:
        """Erase what is no object, or a part of one that was painted already."""
        reached = self.hand.seconds_to_reach(self.hand.screen / 4)
        areas = np.bincount(sheet.truth.ravel())
        for found in mostly_inside(sheet.labels, sheet.view):
            if found in sheet.finished or not sheet.pixels_of(found):
                continue
            box = sheet.place(found).slices
            ids, common = _counted(sheet.truth[box][sheet.labels[box] == found])
            both = areas[ids] + sheet.pixels_of(found) - common
            right = (common / both).max(initial=0.0) >= _STRANGER
            if not right and self.rng.random() >= self.hand.wrong_decision:
                sheet.erase(found)
                yield Action(self.hand.click + reached, corrected=True)

    def _erase_what_hangs_in(self, sheet: Sheet) -> Iterator[Action]:
        """Erase, in the view alone, what reaches into it and is mostly no object.

        A model that does not know a kind sees a field of cells as one. Where it lies
        between those that were painted over it a person sees that it is background.
        """
        view = sheet.view
        labels, truth = (a[view.slices] for a in (sheet.labels, sheet.truth))
        enlarged = self.hand.screen / max(view.shape)
        ids, sizes = _counted(labels)
        for found, size in zip(ids.tolist(), sizes.tolist(), strict=True):
            wrong = (labels == found) & (truth == 0)
            if found in sheet.finished or 2 * np.count_nonzero(wrong) <= size:
                continue
            if sheet.write(view, np.where(wrong, 0, labels)):
                seconds = self.hand.seconds_to_paint(wrong, enlarged)
                yield Action(seconds + self.hand.click, corrected=True)


def _counted(
    values: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.intp]]:
    """Return the ids other than 0, and how often each is there."""
    ids, counts = np.unique(values, return_counts=True)
    return ids[ids > 0], counts[ids > 0]


def _best(
    sheet: Sheet,
    mask: Mask,
    ids: npt.NDArray[np.int32],
    common: npt.NDArray[np.intp],
) -> tuple[int, float]:
    """Return the found object that overlaps a true one best, and its IoU; or 0, 0."""
    area = np.count_nonzero(mask)
    overlaps = [
        (int(i), float(n / (area + sheet.pixels_of(int(i)) - n)))
        for i, n in zip(ids, common, strict=True)
    ]
    return max(overlaps, key=lambda each: each[1], default=(0, 0.0))


def _distance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.linalg.norm(a - b))


def _centre(place: tuple[slice, ...]) -> npt.NDArray[np.float64]:
    return np.array([(s.start + s.stop) / 2 for s in place])
