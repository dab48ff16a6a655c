"""A line that is drawn in a plane of an array, and the pixels that it passes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box

Path: TypeAlias = npt.NDArray[np.intp]
"""Pixels of a plane in the order in which a line passes them, shape (n, 2)."""

Vertex: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """A polyline in a plane of an array; of one vertex, if it is no more than a click.

    Parameters
    ----------
    vertices : tuple of tuple of float
        One or more, with an entry for every axis of the array, in pixels. The middle of
        a pixel lies on its whole number.
    axes : tuple of two int
        Along which axes the plane extends, in the order of the array. Along the others
        it lies where the first vertex does.
    """

    vertices: tuple[tuple[float, ...], ...]
    axes: tuple[int, int]

    def plane(self, shape: tuple[int, ...]) -> Box:
        """Return the plane in an array of a shape; empty where it lies outside."""
        start, stop = list(Box.whole(shape).start), list(shape)
        for axis, at in enumerate(self.vertices[0]):
            if axis not in self.axes:
                start[axis] = round(at)
                stop[axis] = start[axis] + 1
        return Box(tuple(start), tuple(stop)).intersect(Box.whole(shape))

    def path(self, shape: tuple[int, ...]) -> Path:
        """Return the pixels that the line passes in a plane of a shape.

        Two that follow each other share a side, so nothing slips through between them.
        Where the line leaves the plane, some pixels outside are among them, but not
        all: it may go far.
        """
        # A pixel reaches from its whole number to the next here.
        points = np.array(
            [[each[a] + 0.5 for a in self.axes] for each in self.vertices]
        )
        parts = [np.floor(points[:1].clip(-1, shape)).astype(np.intp)]
        for start, stop in pairwise(points):
            if ends := _near(start, stop, shape):
                parts.append(_passed(*ends))
        path = np.concatenate(parts)
        return _without_corners(path[_changes(path)])


def _near(start: Vertex, stop: Vertex, shape: tuple[int, ...]) -> list[Vertex]:
    """Return the ends of what of a straight line lies in a plane or beside it."""
    first, last, along = 0.0, 1.0, stop - start
    for at, step, size in zip(start.tolist(), along.tolist(), shape, strict=True):
        if step:
            ends = sorted(((-1 - at) / step, (size + 1 - at) / step))
            first, last = max(first, ends[0]), min(last, ends[1])
        elif not -1 <= at <= size + 1:
            return []
    if first > last:
        return []
    return [
        start + share * along if share % 1 else (start, stop)[int(share)]
        for share in (first, last)
    ]


def _passed(start: Vertex, stop: Vertex) -> Path:
    """Return the pixels that a straight line passes."""
    times = [np.array([0.0, 1.0])]
    for here, there in zip(start.tolist(), stop.tolist(), strict=True):
        low, high = sorted((here, there))
        if high > low:
            borders = np.arange(np.ceil(low), np.floor(high) + 1)
            times.append((borders - here) / (there - here))
    at = np.unique(np.concatenate(times).clip(0, 1))
    # Between two borders that it crosses lies one pixel.
    middle = (at[:-1] + at[1:]) / 2
    passed = np.floor(start + middle[:, np.newaxis] * (stop - start))
    ends = np.floor([start, stop])
    return np.concatenate([ends[:1], passed, ends[1:]]).astype(np.intp)


def _changes(path: Path) -> npt.NDArray[np.bool_]:
    """Return which pixels are others than the ones before."""
    return np.append(True, (path[1:] != path[:-1]).any(axis=1))


def _without_corners(path: Path) -> Path:
    """Go round the corners at which two pixels of a path meet."""
    meet = np.flatnonzero((np.abs(path[1:] - path[:-1]) == 1).all(axis=1))
    between = np.stack([path[meet + 1, 0], path[meet, 1]], axis=1)
    return np.insert(path, meet + 1, between, axis=0)
