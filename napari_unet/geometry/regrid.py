"""Parts of a plane on a finer or coarser grid, as the whole plane has them there.

A plane that is larger than memory is zoomed part by part. What a part holds must not
depend on where the cut is, so each pixel of the other grid is the same weighted sum of
the pixels around it, by its place in the whole plane.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from napari_unet.geometry.box import Box

S = TypeVar("S", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Regrid:
    """The way from a part of a grid over a plane to a part of another grid over it.

    Parameters
    ----------
    shape, new_shape : tuple of int
        Of the whole plane, on the grid that there is and on the other one.
    part, new_part : Box
        What there is of the one, and what is wanted of the other.
    """

    shape: tuple[int, ...]
    new_shape: tuple[int, ...]
    part: Box
    new_part: Box

    @classmethod
    def whole(cls, shape: tuple[int, ...], new_shape: tuple[int, ...]) -> Self:
        """Return the way of a plane that is all there."""
        return cls(shape, new_shape, Box.whole(shape), Box.whole(new_shape))

    @property
    def of_all(self) -> bool:
        """Whether it is all there, and all of it is wanted."""
        here, there = Box.whole(self.shape), Box.whole(self.new_shape)
        return (self.part, self.new_part) == (here, there)

    def resize(self, maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return maps (K, Y, X) of the part on the other grid, without aliasing.

        As torch does it with a whole plane, which is quicker.
        """
        if self.shape == self.new_shape:
            return maps[:, *self.new_part.relative_to(self.part).slices]
        for axis in range(len(self.shape)):
            maps = _mixed(maps, axis + 1, self._weights(axis))
        return np.ascontiguousarray(maps)

    def sample(self, labels: npt.NDArray[S]) -> npt.NDArray[S]:
        """Return labels on the other grid: each pixel takes what lies at its centre."""
        index = (
            centres(n, m)[a:b] - first
            for n, m, a, b, first in zip(
                self.new_shape,
                self.shape,
                self.new_part.start,
                self.new_part.stop,
                self.part.start,
                strict=True,
            )
        )
        places: Any = (..., *np.ix_(*index))
        return np.ascontiguousarray(labels[places])

    def _weights(self, axis: int) -> Any:
        """Return how much each pixel counts for each wanted one: a sparse matrix.

        A triangle that reaches as far as the coarser grid's pixels are wide.
        """
        size, scale = self.shape[axis], self.shape[axis] / self.new_shape[axis]
        wanted = range(self.new_part.start[axis], self.new_part.stop[axis])
        first, last = self.part.start[axis], self.part.stop[axis]
        rows, columns, weights = [], [], []
        for row, number in enumerate(wanted):
            low, high = _support(number, size, scale)
            centre = (number + 0.5) * scale
            # At the border of a part there is less than in the whole plane.
            places = np.arange(max(low, first), min(high, last))
            tent = 1 - np.abs(places - centre + 0.5) / max(scale, 1)
            tent = np.maximum(tent, 0)
            rows.append(np.full(len(places), row))
            columns.append(places - first)
            weights.append(tent / tent.sum())
        found = np.concatenate(rows), np.concatenate(columns)
        extent = len(wanted), self.part.shape[axis]
        values = np.concatenate(weights).astype(np.float32)
        return sparse.csr_array((values, found), shape=extent)


def needed(box: Box, new_shape: tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """Return what of a grid is looked at for a box of another one over the plane."""
    if new_shape == shape:
        return box
    start, stop = [], []
    for a, b, new, size in zip(box.start, box.stop, new_shape, shape, strict=True):
        start.append(_support(a, size, size / new)[0])
        stop.append(_support(b - 1, size, size / new)[1])
    return Box(tuple(start), tuple(stop))


def owned(box: Box, shape: tuple[int, ...], new_shape: tuple[int, ...]) -> Box:
    """Return the pixels of another grid whose centres lie in a box of this one.

    Boxes that cover the plane, each pixel once, do so on the other grid, too.
    """
    start, stop = (
        tuple(
            _first_at(at, new, size)
            for at, new, size in zip(ends, new_shape, shape, strict=True)
        )
        for ends in (box.start, box.stop)
    )
    return Box(start, stop)


def _first_at(at: int, new_size: int, size: int) -> int:
    """Return the first pixel whose centre lies at, or behind, one of another grid."""

    def pixel(number: int) -> int:
        return int(_place(number, new_size, size))

    return bisect_left(range(new_size), at, key=pixel)


def centres(new_size: int, size: int) -> npt.NDArray[np.intp]:
    """Return in which pixel of an axis the centres of another grid's pixels lie."""
    places: npt.NDArray[np.float64] = _place(np.arange(new_size), new_size, size)
    return np.minimum(places, size - 1).astype(np.intp)


def _place(number: Any, new_size: int, size: int) -> Any:
    """Return where the centre of a pixel, or of many, of another grid lies."""
    return (number + 0.5) * size / new_size


def _support(number: int, size: int, scale: float) -> tuple[int, int]:
    """Return the first pixel that counts for one of another grid, and the end."""
    centre, reach = (number + 0.5) * scale, max(scale, 1.0)
    low = max(0, math.floor(centre - reach + 0.5))
    high = min(size, math.floor(centre + reach + 0.5))
    return low, max(high, low + 1)


def _mixed(
    maps: npt.NDArray[np.float32], axis: int, weights: Any
) -> npt.NDArray[np.float32]:
    """Return weighted sums along an axis."""
    turned = np.moveaxis(maps, axis, 0)
    mixed = weights @ turned.reshape(len(turned), -1)
    return np.moveaxis(np.asarray(mixed).reshape(-1, *turned.shape[1:]), 0, axis)
