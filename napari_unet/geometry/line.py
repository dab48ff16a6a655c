"""A line that is drawn in a plane of an array, and the pixels that it passes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box

Path: TypeAlias = npt.NDArray[np.intp]
"""Pixels of a plane in the order in which a line passes them, shape (n, 2)."""


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

    def path(self) -> Path:
        """Return the pixels that the line passes, also those outside of the array.

        Two that follow each other share a side, so nothing slips through between them.
        """
        # A pixel reaches from its whole number to the next here.
        points = np.array(
            [[each[a] + 0.5 for a in self.axes] for each in self.vertices]
        )
        parts = [np.floor(points[:1]).astype(np.intp)]
        parts += [_passed(start, stop) for start, stop in pairwise(points)]
        path = np.concatenate(parts)
        return _without_corners(path[_changes(path)])


def _passed(start: npt.NDArray[Any], stop: npt.NDArray[Any]) -> Path:
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
    passed = np.floor(start + middle[:, np.newaxis] * (stop - start)).astype(np.intp)
    return np.concatenate([passed, np.floor(stop)[np.newaxis].astype(np.intp)])


def _changes(path: Path) -> npt.NDArray[np.bool_]:
    return np.append(True, (path[1:] != path[:-1]).any(axis=1))


def _without_corners(path: Path) -> Path:
    """Go round the corners at which two pixels of a path meet."""
    meet = np.flatnonzero((path[1:] != path[:-1]).all(axis=1))
    between = np.stack([path[meet + 1, 0], path[meet, 1]], axis=1)
    return np.insert(path, meet + 1, between, axis=0)
