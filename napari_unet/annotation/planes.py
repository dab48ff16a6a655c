"""Neighbouring planes of a stack or a series, into which objects are carried."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.change import Change
from napari_unet.annotation.provenance import is_verified
from napari_unet.annotation.workspace import MANY, Workspace
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import labels_in
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.points import marked_points
from napari_unet.geometry.section import Section


class Planes:
    """Neighbouring planes of an annotation, some of which get objects.

    Parameters
    ----------
    work : Workspace
        The annotation.
    section : Section
        One of the planes, or one that lies as they do.
    axis, first, stop : int
        Along which axis they lie on each other, and which of them.
    ids : list of int
        The objects that are carried; so much of the planes is looked at as these and
        their neighbours need.

    Attributes
    ----------
    labels : ndarray of int32, shape (n, h, w)
        As they were before.
    """

    def __init__(
        self,
        work: Workspace,
        section: Section,
        axis: int,
        first: int,
        stop: int,
        ids: list[int],
    ) -> None:
        whole = with_extent(section.box(work.live.shape), axis, first, stop)
        objects, pixels = work.pixels.objects, work.pixels
        window = _window(whole, section, map(objects.box, ids))
        near = labels_in(pixels.labels[window.slices].reshape(-1))
        self._box = _window(whole, section, map(objects.box, near | frozenset(ids)))
        self._before = pixels.labels[self._box.slices]
        self._after = self._before.copy()
        self._verified = is_verified(pixels.provenance[self._box.slices])
        self._confirmed = np.zeros(self._box.shape, bool)
        order = (axis, *section.axes)
        self.labels = _in_order(self._before, order)
        self._now = _in_order(self._after, order)
        self._taken = _in_order(self._verified.copy(), order)
        self._right = _in_order(self._confirmed, order)

    def put(self, number: int, shape: Mask, object_id: int) -> bool:
        """Give a plane a shape of an object, and return whether there was room.

        What is verified stays, background too. A predicted object that the shape covers
        by more than half is the same one, as the model sees it in that plane, and gives
        way; others are neighbours and stay. Where these leave no more than half of the
        shape nothing happens: crumbs help nobody. Nor does it where the object itself
        is verified in part.
        """
        now, taken = self._now[number], self._taken[number]
        there = now == object_id
        if (there & taken).any():
            return False
        gives_way = there
        for other in labels_in(now[shape]) - {object_id}:
            body = now == other
            if not (body & taken).any() and 2 * (body & shape).sum() > body.sum():
                gives_way = gives_way | body
        free = shape & ~taken & (gives_way | (now == 0))
        if 2 * free.sum() <= shape.sum():
            return False
        now[gives_way] = 0
        now[free] = object_id
        taken |= free
        self._right[number] |= free
        return True

    def paint(self, work: Workspace) -> Change | None:
        """Let all that was put be one stroke; what was right already is confirmed."""
        different = self._after != self._before
        same = self._confirmed & ~different & ~self._verified
        labels = self._after[different]
        if MANY * labels.size > different.size and not same.any():
            return work.paint_region(self._box, different, labels)
        changed, right = (marked_points(self._box, m) for m in (different, same))
        return work.paint(changed, labels, right)


def with_extent(box: Box, axis: int, first: int, stop: int) -> Box:
    """Return a box that reaches from the first to before the last along an axis."""
    low, high = list(box.start), list(box.stop)
    low[axis], high[axis] = first, stop
    return Box(tuple(low), tuple(high))


def _window(planes: Box, section: Section, boxes: Iterable[Box]) -> Box:
    """Return what of planes holds some boxes, of which there are one or more."""
    common = reduce(Box.union, boxes)
    for axis in section.axes:
        start, stop = common.start[axis], common.stop[axis]
        planes = with_extent(planes, axis, start, stop)
    return planes


def _in_order(array: npt.NDArray[Any], order: tuple[int, int, int]) -> npt.NDArray[Any]:
    """Return a view with three axes of an array whose others are of length 1."""
    moved = np.moveaxis(array, order, (-3, -2, -1))
    view: npt.NDArray[Any] = moved[(0,) * (array.ndim - 3)]
    return view
