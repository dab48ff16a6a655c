"""What lies before a robot: an image in work, and the plane of it that is in sight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.annotator.kinds import Image
from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.cli.annotator import mostly_inside, take_over
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.views import cut_views
from napari_unet.inference.measure import typical_diameter

_OBJECTS_ACROSS = 8.0
_LEAST_VIEW, _LARGEST_VIEW = 96, 512


def views_of(image: Image) -> list[Box]:
    """Cut the planes of an image into views that show about eight objects across."""
    size = _OBJECTS_ACROSS * (typical_diameter(image.truth) or _LARGEST_VIEW)
    size = float(np.clip(size, _LEAST_VIEW, _LARGEST_VIEW))
    return cut_views(image.truth.shape, image.axes, round(size))


@dataclass(slots=True, eq=False)
class Desk:
    """An image that is worked on.

    Parameters
    ----------
    finished : dict of tuple to set of int
        The ids that the robot is done with, plane by plane: an object of a volume is
        finished where somebody has looked at it.
    called : dict of int to int
        The id that a true object has where it is finished.
    refreshed : bool
        Whether it was predicted anew since the robot looked last.
    """

    image: Image
    annotation: Annotation
    finished: dict[PlaneIndex, set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )
    called: dict[int, int] = field(default_factory=dict)
    refreshed: bool = False

    @classmethod
    def of(cls, image: Image) -> Desk:
        """Return an image of which nothing is known."""
        return cls(image, Annotation(np.zeros(image.truth.shape, np.int32)))

    def refresh(self, predicted: LabelMap) -> None:
        """Take over what was predicted anew, where nobody has verified anything."""
        take_over(self.annotation, predicted)
        self.refreshed = True

    def sheet(self, view: Box) -> Sheet:
        """Return the plane in which a view lies."""
        at = view.start[:-2]
        return Sheet(
            self,
            at,
            Box(view.start[-2:], view.stop[-2:]),
            self.image.truth[at],
            self.annotation.labels[at],
            self.finished[at],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The plane in sight; boxes and arrays are those of the plane, (Y, X).

    Parameters
    ----------
    at : tuple of int
        Which plane of the image it is; of an image of two axes there is one.
    view : Box
        What of it is in view.
    truth, labels : ndarray of int32, shape (Y, X)
        Views on what is true and on what is labelled; nobody writes into them.
    finished : set of int
        The ids that the robot is done with here.
    """

    desk: Desk
    at: PlaneIndex
    view: Box
    truth: LabelMap
    labels: LabelMap
    finished: set[int]

    def place(self, object_id: int) -> Box:
        """Return a box that holds what is here of an object that exists."""
        box = self.desk.annotation.pixels.objects.box(object_id)
        return Box(box.start[-2:], box.stop[-2:])

    def pixels_of(self, object_id: int) -> int:
        """Return how many pixels of an object are here."""
        if object_id not in self.desk.annotation.pixels.objects:
            return 0
        there = self.labels[self.place(object_id).slices]
        return int(np.count_nonzero(there == object_id))

    def label_for(self, true_id: int, parts: Sequence[int]) -> int:
        """Return the id that a true object gets here, of which some parts were found.

        The one that it has in other planes, unless that is something else here; else
        that of its largest part which is nothing else in other planes.
        """
        called = self.desk.called
        known = called.get(true_id, 0)
        if known and (known in parts or not self.pixels_of(known)):
            return known
        free = set(parts).difference(called.values())
        label = max(free, key=self.pixels_of, default=0)
        return label or self.desk.annotation.new_id()

    def write(self, box: Box, wanted: LabelMap) -> bool:
        """Let pixels of a box get other labels, as the brush does."""
        labels = self.labels[box.slices]
        changed = wanted != labels
        if not changed.any():
            return False
        labels[changed] = wanted[changed]
        self.desk.annotation.notice_change(self._in_image(box))
        return True

    def erase(self, object_id: int) -> None:
        """Erase what is here of an object."""
        box = self.place(object_id)
        labels = self.labels[box.slices]
        self.write(box, np.where(labels == object_id, 0, labels))

    def rename(self, object_id: int, true_id: int) -> bool:
        """Give what is found of a true object the id that it has in other planes."""
        known = self.desk.called.get(true_id, object_id)
        if known == object_id or self.pixels_of(known):
            return False
        box = self.place(object_id)
        labels = self.labels[box.slices]
        return self.write(box, np.where(labels == object_id, known, labels))

    def accept(self) -> None:
        """Accept what is in view."""
        annotation = self.desk.annotation
        annotation.do(Settle())
        annotation.do(AcceptView(self._in_image(self.view)))
        self.finish(mostly_inside(self.labels, self.view))

    def finish(self, ids: Sequence[int]) -> None:
        """Be done with objects here, and remember what they are called."""
        self.finished.update(ids)
        for label in ids:
            place = self.place(label).slices
            shared = np.bincount(self.truth[place][self.labels[place] == label])
            if true_id := int(shared.argmax()):
                self.desk.called.setdefault(true_id, label)

    def _in_image(self, box: Box) -> Box:
        beyond = tuple(n + 1 for n in self.at)
        return Box((*self.at, *box.start), (*beyond, *box.stop))
