"""Which objects a label map holds: how large, how far verified, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects

from napari_unet.core.box import Box
from napari_unet.core.ids import compact, pixels_by_id
from napari_unet.core.points import Points, bounding_box
from napari_unet.core.provenance import LabelMap, Mask


@dataclass(frozen=True, slots=True)
class ObjectCounts:
    """How much of an annotation is verified.

    Parameters
    ----------
    pixels, verified_pixels : int
        Background included.
    objects, verified_objects : int
        An object counts as verified when all its pixels are.
    """

    pixels: int
    verified_pixels: int
    objects: int
    verified_objects: int


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """Labels of some pixels, and which of them are verified; any shape."""

    labels: LabelMap
    verified: Mask


class ObjectTable:
    """Sizes and places of all objects, kept up to date change by change.

    A change costs what its pixels cost, whatever the size of the image; nothing is
    kept about objects that are gone.

    Parameters
    ----------
    content : Content
        The whole label map.
    """

    def __init__(self, content: Content) -> None:
        self._pixels: dict[int, int] = {}
        self._verified: dict[int, int] = {}
        self._total = content.labels.size
        self._verified_pixels = int(np.count_nonzero(content.verified))
        self._verified_objects = 0
        dense, ids = compact(content.labels)
        names = ids[1:].tolist()
        self._boxes: dict[int, Box] = dict(
            zip(names, map(Box.from_slices, find_objects(dense)), strict=True)
        )
        for row in _tally(dense, ids, content.verified):
            self._add(*row)

    def __contains__(self, object_id: int) -> bool:
        """Whether any pixel has that id."""
        return object_id in self._pixels

    def pixels(self, object_id: int) -> int:
        """Return the number of pixels of an object, 0 if there is none of that id."""
        return self._pixels.get(object_id, 0)

    def box(self, object_id: int) -> Box:
        """Return a box that holds all pixels of an object that exists.

        It may be too large when the object has shrunk.
        """
        return self._boxes[object_id]

    def counts(self) -> ObjectCounts:
        """Return the sums, at no cost."""
        return ObjectCounts(
            self._total,
            self._verified_pixels,
            len(self._pixels),
            self._verified_objects,
        )

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
        change: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for content, sign in ((before, -1), (after, 1)):
            rows = _tally(*compact(content.labels), content.verified)
            for object_id, pixels, verified in rows:
                old = change[object_id]
                change[object_id] = (old[0] + sign * pixels, old[1] + sign * verified)
        for object_id, (pixels, verified) in change.items():
            self._add(object_id, pixels, verified)

    def verify(self, labels: LabelMap) -> None:
        """Take note that pixels with these labels, not verified so far, are now."""
        self._count_verified(labels, 1)

    def unverify(self, labels: LabelMap) -> None:
        """Take note that pixels with these labels, verified so far, are not now."""
        self._count_verified(labels, -1)

    def extend(self, points: Points, labels: LabelMap) -> None:
        """Take note that objects are at these pixels; before `replace`."""
        dense, ids = compact(labels)
        if len(ids) == 2 and dense.all():  # one object, as of a brush or a fill
            self._widen(int(ids[1]), bounding_box(points))
            return
        index = dense.astype(np.intp)
        low = np.full((len(points), len(ids)), np.iinfo(np.intp).max)
        high = np.zeros_like(low)
        for axis, coordinates in enumerate(points):
            np.minimum.at(low[axis], index, coordinates)
            np.maximum.at(high[axis], index, coordinates + 1)
        rows = zip(ids.tolist(), low.T.tolist(), high.T.tolist(), strict=True)
        for object_id, start, stop in rows:
            if object_id:
                self._widen(object_id, Box(tuple(start), tuple(stop)))

    def _count_verified(self, labels: LabelMap, sign: int) -> None:
        self._verified_pixels += sign * labels.size
        dense, ids = compact(labels)
        counts = pixels_by_id(dense, len(ids)).tolist()
        for object_id, pixels in zip(ids[1:].tolist(), counts[1:], strict=True):
            self._add(object_id, 0, sign * pixels)

    def _widen(self, object_id: int, found: Box) -> None:
        known = self._boxes.get(object_id)
        self._boxes[object_id] = known.union(found) if known else found

    def _add(self, object_id: int, pixels: int, verified: int) -> None:
        """Change the pixel counts of one object."""
        old = self._pixels.get(object_id, 0), self._verified.get(object_id, 0)
        new = old[0] + pixels, old[1] + verified
        self._verified_objects += (new[0] == new[1] > 0) - (old[0] == old[1] > 0)
        if new[0]:
            self._pixels[object_id], self._verified[object_id] = new
            return
        for table in (self._pixels, self._verified, self._boxes):
            table.pop(object_id, None)


def _tally(
    dense: LabelMap, ids: LabelMap, verified: Mask
) -> Iterable[tuple[int, int, int]]:
    """Return id, pixels and verified pixels of every object."""
    pixels = pixels_by_id(dense, len(ids))
    right = pixels_by_id(dense[verified], len(ids))
    columns = (column[1:].tolist() for column in (ids, pixels, right))
    return zip(*columns, strict=True)
