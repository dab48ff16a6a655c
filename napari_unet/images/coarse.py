"""Planes of an image seen from afar, where its file has no pyramid.

Of a plane every n-th pixel is kept. Somebody else reads them, in the background: what
nobody has read yet is 0, and noted. Levels between these pixels and the image are made
of the same pixels, so that who looks from afar never reads all of the image.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.images.view import Level, Places, spans_of, without_gone

_MOST = 2048
"""Pixels along an axis at most."""

_KEPT = 4
"""So many planes are kept, those that were asked for last."""


class CoarsePlanes:
    """Every n-th pixel of the planes that were looked at last.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    rows : int
        The axis of Y; that of X follows, and then perhaps colours.

    Attributes
    ----------
    step : int
        A pixel in so many along Y and X is kept.
    wanted : list of tuple of int
        Planes that somebody looked at and nobody has read.
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike, rows: int) -> None:
        self.shape, self.rows = shape, rows
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.step = 2
        while max(shape[rows : rows + 2]) > _MOST * self.step:
            self.step *= 2
        self.wanted: list[PlaneIndex] = []
        self._planes: OrderedDict[PlaneIndex, npt.NDArray[Any]] = OrderedDict()

    @property
    def levels(self) -> tuple[CoarseLevel, ...]:
        """The levels of a pyramid, each half as large as the one before."""
        factors, factor = [], 2
        while factor <= self.step:
            factors.append(factor)
            factor *= 2
        return tuple(CoarseLevel(self, each) for each in factors)

    def extent(self, factor: int) -> tuple[int, ...]:
        """Return the shape of a plane of which a pixel in so many is there."""
        height, width, *colours = self.shape[self.rows :]
        return (-(-height // factor), -(-width // factor), *colours)

    def find(self, planes: Sequence[PlaneIndex]) -> list[npt.NDArray[Any]]:
        """Return planes; those that nobody has read are 0, and wanted if they are few.

        More than can be kept would be read again and again.
        """
        nothing = np.broadcast_to(self.dtype.type(0), self.extent(self.step))
        found = []
        for at in planes:
            if at in self._planes:
                self._planes.move_to_end(at)
            elif len(planes) <= _KEPT and at not in self.wanted:
                self.wanted.append(at)
            found.append(self._planes.get(at, nothing))
        return found

    def begin(self, at: PlaneIndex) -> None:
        """Make room for a plane that is being read."""
        self.wanted = [each for each in self.wanted if each != at]
        self._planes[at] = np.zeros(self.extent(self.step), self.dtype)
        while len(self._planes) > _KEPT:
            self._planes.popitem(last=False)

    def take(self, at: PlaneIndex, box: Box, values: npt.NDArray[Any]) -> None:
        """Take in a part of a plane; the box is one of every n-th pixel."""
        if at in self._planes:
            self._planes[at][box.slices] = values


@dataclass(frozen=True, slots=True, eq=False)
class CoarseLevel(Level):
    """A level of a pyramid that is made of every n-th pixel; indexed as arrays are."""

    planes: CoarsePlanes
    factor: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the level."""
        planes = self.planes
        return (*planes.shape[: planes.rows], *planes.extent(self.factor))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        return self.planes.dtype

    def read_places(self, places: Places) -> npt.NDArray[Any]:
        """Return pixels, as far as they were read."""
        planes, rows = self.planes, self.planes.rows
        spans = spans_of(places)
        found = planes.find(list(product(*spans[:rows])))
        down, across = (
            np.array(each) * self.factor // planes.step
            for each in spans[rows : rows + 2]
        )
        colours = tuple(np.array(each) for each in spans[rows + 2 :])
        parts = [each[np.ix_(down, across, *colours)] for each in found]
        whole = np.stack(parts).reshape([len(each) for each in spans])
        return np.asarray(whole[without_gone(places)])
