"""Which objects a label map holds: how large, how far verified, and where."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy  # its modules are imported when they are used first

from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact, labels_in
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import Points, bounding_box
from napari_unet.geometry.runs import run_starts
from napari_unet.instances.diameter import typical_of


@dataclass(frozen=True, slots=True)
class ObjectCounts:
    """How much of an annotation is verified.

    Pixels of the background count, too. An object is verified when all its pixels are.
    """

    pixels: int
    verified_pixels: int
    objects: int
    verified_objects: int

    @property
    def nothing(self) -> bool:
        """Whether there are no labels, and nobody has verified any."""
        return not (self.objects or self.verified_pixels)


class Content(NamedTuple):
    """Labels of some pixels, and which of them are verified; any shape."""

    labels: LabelMap
    verified: Mask


class Rows(NamedTuple):
    """The verified pixels of a part, and its objects.

    Each with its id, its pixels, how many of these are verified, and its box.
    """

    verified: int
    objects: tuple[tuple[int, int, int, Box], ...]


_ENOUGH = 4
_LEAST_SECTIONS = 3
"""Objects that tell how large all of an image are."""

_SMALL_BOX, _FILLED = 2**16, 16
"""Pixels, and pixels a pixel of the object."""

_FEW_RUNS = 200

_Row: TypeAlias = tuple[int, int, int]
"""An object's id, its pixels, and how many of them are verified."""

_OUTSIZED, _OF_EVERYTHING = 10, 4
"""A stroke that takes from an object does not say that its rest is right, where it has
so many times the pixels of any object that a person stands behind; where there is none
yet, where it covers more than a fourth of everything."""


class ObjectTable:
    """Sizes and places of all objects, kept up to date change by change.

    A change costs what its pixels cost, whatever the size of the image; nothing is
    kept about objects that are gone.
    """

    def __init__(self, total: int) -> None:
        self._pixels: dict[int, int] = {}
        self._verified: dict[int, int] = {}
        self._total = total
        self._verified_pixels = 0
        self._whole: set[int] = set()  # the objects that are verified as a whole
        self._begun: set[int] = set()  # those of which a part is verified
        self._boxes: dict[int, Box] = {}

    @classmethod
    def of(cls, content: Content) -> ObjectTable:
        """Return the table of a label map."""
        table = cls(content.labels.size)
        table.add(rows_of(content, Box.whole(content.labels.shape)))
        return table

    def add(self, rows: Rows) -> None:
        """Add a part of the label map, which has no pixel with others in common."""
        self._verified_pixels += rows.verified
        for object_id, pixels, verified, box in rows.objects:
            self._add(object_id, pixels, verified)
            self._widen(object_id, box)

    def __contains__(self, object_id: int) -> bool:
        """Whether any pixel has that id."""
        return object_id in self._pixels

    @property
    def labelled(self) -> int:
        """The pixels of all objects together."""
        return sum(self._pixels.values())

    def pixels(self, object_id: int) -> int:
        """Return the number of pixels of an object, 0 if there is none of that id."""
        return self._pixels.get(object_id, 0)

    def box(self, object_id: int) -> Box:
        """Return a box that holds all pixels of an object that exists.

        It may be too large when the object has shrunk.
        """
        return self._boxes[object_id]

    def fills_its_box(self, object_id: int) -> bool:
        """Whether an object that exists is no long thin thing across a large box."""
        box = math.prod(self._boxes[object_id].shape)
        return box <= max(_SMALL_BOX, _FILLED * self._pixels[object_id])

    def usual_extent(self) -> float | None:
        """Return how far most objects extend in the plane; None where there are none.

        The median of the roots of the areas of their boxes.
        """
        if not self._boxes:
            return None
        extents = [each.shape[-2] * each.shape[-1] for each in self._boxes.values()]
        return math.sqrt(np.median(extents))

    def verified_diameter(self, sections: int = 1) -> float | None:
        """Return how large the typical object verified as a whole is in its plane.

        In pixels. A few may be what just had to be corrected, so None where there are
        fewer than four.

        Parameters
        ----------
        sections : int
            Of the volume, or 1 for a plane. Where some sections are verified, what lies
            in these alone are crumbs, so what lies in fewer than three counts nothing.
        """
        least = min(sections, _LEAST_SECTIONS)
        planes = ((i, math.prod(self._boxes[i].shape[:-2])) for i in self._whole)
        areas = [self._pixels[i] / n for i, n in planes if n >= least]
        return typical_of(np.array(areas)) if len(areas) >= _ENOUGH else None

    def outsized(self, before: LabelMap, after: LabelMap) -> frozenset[int]:
        """Return what a stroke takes from and is far too large to be one object.

        A model that does not know a kind sees a field of cells as one. Who paints the
        first of them over it has not said that all else is right. The stroke gives
        pixels other labels than those before.
        """
        taken = labels_in(before) - labels_in(after)
        if not taken:  # as of most strokes; no need to look at all objects
            return frozenset()
        drawn = _tally(Content(after, np.zeros(0, bool)))
        drawn_most = max((self.pixels(label) + n for label, n, _ in drawn), default=0)
        large = {i for i in taken if self.pixels(i) > _OUTSIZED * drawn_most}
        if not large:  # nor here
            return frozenset()
        usual = max(self._largest_verified, drawn_most)
        most = _OUTSIZED * usual or self._total // _OF_EVERYTHING
        return frozenset(label for label in large if self.pixels(label) > most)

    @property
    def _largest_verified(self) -> int:
        """The pixels of the largest object that is verified as a whole, or 0."""
        return max((self._pixels[i] for i in self._whole), default=0)

    @property
    def begun(self) -> frozenset[int]:
        """The objects of which a part is verified, and a part is not."""
        return frozenset(self._begun)

    def any_verified(self, object_id: int) -> bool:
        """Whether something of an object is verified."""
        return self._verified.get(object_id, 0) > 0

    @property
    def ids(self) -> frozenset[int]:
        """All objects that there are."""
        return frozenset(self._pixels)

    def counts(self) -> ObjectCounts:
        """Return the sums, at no cost."""
        pixels, objects = self._verified_pixels, len(self._whole)
        return ObjectCounts(self._total, pixels, len(self._pixels), objects)

    def verified_labels(self) -> frozenset[int]:
        """Return the labels, 0 among them, of which some pixel is verified."""
        found = {label for label, pixels in self._verified.items() if pixels}
        if sum(self._verified.values()) < self._verified_pixels:
            found.add(0)
        return frozenset(found)

    def replace(self, before: Content, after: Content) -> None:
        """Take note that pixels changed; their order does not matter."""
        self._verified_pixels += int(np.count_nonzero(after.verified))
        self._verified_pixels -= int(np.count_nonzero(before.verified))
        more, less = ({i: sums for i, *sums in _tally(c)} for c in (after, before))
        for object_id in more | less:
            new, old = (each.get(object_id, (0, 0)) for each in (more, less))
            self._add(object_id, new[0] - old[0], new[1] - old[1])

    def verify(self, labels: LabelMap, sign: int = 1) -> None:
        """Take note that pixels with these labels are verified now, or no more (-1)."""
        self._verified_pixels += sign * labels.size
        for object_id, pixels, _ in _tally(Content(labels, np.zeros(0, bool))):
            self._add(object_id, 0, sign * pixels)

    def extend(self, points: Points, labels: LabelMap) -> None:
        """Take note that objects are at these pixels; before `replace`."""
        dense, ids = compact(labels)
        if len(ids) == 2 and dense.all():  # one object, as of a brush or a fill
            self._widen(int(ids[1]), bounding_box(points))
            return
        self._widen_all(dense, ids, points, points)

    def extend_in(self, box: Box, labels: LabelMap) -> None:
        """Take note that a box holds these labels now; before `replace`."""
        # A run ends where a line of the array does, so that it lies on one line.
        flat, width = labels.reshape(-1), labels.shape[-1]
        ends = flat[1:] != flat[:-1]
        ends[width - 1 :: width] = True
        first = np.append(0, np.flatnonzero(ends) + 1)
        last = np.append(first[1:], flat.size) - 1
        found = flat[first]
        first, last, found = (each[found != 0] for each in (first, last, found))
        if not len(found):
            return
        corners = (np.unravel_index(each, labels.shape) for each in (first, last))
        low, high = (
            tuple(a + start for a, start in zip(corner, box.start, strict=True))
            for corner in corners
        )
        self._widen_all(*compact(found), low, high)

    def _widen_all(
        self, dense: LabelMap, ids: LabelMap, first: Points, last: Points
    ) -> None:
        """Widen the boxes of objects, of each of which there are some lines."""
        index = dense.astype(np.intp)
        low = np.full((len(first), len(ids)), np.iinfo(np.intp).max)
        high = np.zeros_like(low)
        for axis, (a, b) in enumerate(zip(first, last, strict=True)):
            np.minimum.at(low[axis], index, a)
            np.maximum.at(high[axis], index, b + 1)
        rows = zip(ids.tolist(), low.T.tolist(), high.T.tolist(), strict=True)
        for object_id, start, stop in rows:
            if object_id:
                self._widen(object_id, Box(tuple(start), tuple(stop)))

    def _widen(self, object_id: int, found: Box) -> None:
        known = self._boxes.get(object_id)
        self._boxes[object_id] = known.union(found) if known else found

    def _add(self, object_id: int, pixels: int, verified: int) -> None:
        """Change the pixel counts of one object."""
        old = self._pixels.get(object_id, 0), self._verified.get(object_id, 0)
        new = old[0] + pixels, old[1] + verified
        for such, objects in (
            (new[0] == new[1] > 0, self._whole),
            (0 < new[1] < new[0], self._begun),
        ):
            (objects.add if such else objects.discard)(object_id)
        if new[0]:
            self._pixels[object_id], self._verified[object_id] = new
            return
        for table in (self._pixels, self._verified, self._boxes):
            table.pop(object_id, None)


def rows_of(content: Content, place: Box) -> Rows:
    """Return what a table has to know of a part of a label map, which lies there."""
    dense, ids = compact(content.labels)
    boxes = (
        Box.from_slices(each).placed_in(place)
        for each in scipy.ndimage.find_objects(dense)
    )
    box_of = dict(zip(ids[1:].tolist(), boxes, strict=True))
    objects = tuple((*row, box_of[row[0]]) for row in _tally(content))
    return Rows(int(np.count_nonzero(content.verified)), objects)


def _tally(content: Content) -> Iterable[_Row]:
    """Return what there is of every object.

    Counted by runs of one label, of which there are far fewer than pixels.
    """
    labels = content.labels.reshape(-1)
    if not labels.size:
        return ()
    first = run_starts(labels)
    lengths = np.diff(first, append=labels.size)
    verified = content.verified.reshape(-1)
    if not verified.any():
        right = np.zeros_like(lengths)
    elif verified.all():
        right = lengths
    else:
        right = np.add.reduceat(verified, first, dtype=np.int64)
    add_up = _add_few if len(first) <= _FEW_RUNS else _add_many
    return add_up(labels[first], lengths, right)


def _add_few(labels: LabelMap, *lengths: npt.NDArray[np.int64]) -> Iterable[_Row]:
    """Add the lengths of runs up by labels other than 0."""
    found: dict[int, _Row] = {}
    rows = zip(labels.tolist(), *(each.tolist() for each in lengths), strict=True)
    for label, pixels, verified in rows:
        _, more, right = found.get(label, (label, 0, 0))
        found[label] = label, more + pixels, right + verified
    found.pop(0, None)
    return found.values()


def _add_many(labels: LabelMap, *lengths: npt.NDArray[np.int64]) -> Iterable[_Row]:
    """Do the same with arrays: quicker from some hundred runs on."""
    dense, ids = compact(labels)
    sums = (_sums(dense, each, len(ids))[1:].tolist() for each in lengths)
    return zip(ids[1:].tolist(), *sums, strict=True)


def _sums(
    dense: LabelMap, numbers: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.int64]:
    # Sums of floats are exact up to 2^53 pixels.
    return np.bincount(dense, numbers, count).astype(np.int64)
