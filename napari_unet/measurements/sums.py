"""Sums over the pixels of every object, band by band: all that shapes are made of.

Nothing is done object by object: an object costs what its pixels cost, so there may be
a hundred thousand, and a large image is never copied as a whole.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.tiling import cut_into_bands

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectSums:
    """What was summed up of n objects (Z, Y, X); the last axis is theirs.

    Parameters
    ----------
    boxes : ndarray of int, shape (2, 3, n)
        Start and stop of each.
    pixels, verified : ndarray of int, shape (n,)
        How many it has, and how many of these somebody stands behind.
    middle : ndarray, shape (3, n)
        Mean coordinates.
    spread : ndarray, shape (3, n)
        Variances of the coordinates along Y and X, and their covariance.
    total, least, most : ndarray, shape (channels, n)
        Sum, minimum and maximum of the grey values.
    """

    boxes: Counts
    pixels: Counts
    verified: Counts
    middle: Floats
    spread: Floats
    total: Floats
    least: Floats
    most: Floats

    @classmethod
    def of(cls, dense: LabelMap, channels: int) -> ObjectSums:
        """Return sums over no pixel yet."""
        found = scipy.ndimage.find_objects(dense)
        ends = [[[s.start for s in f], [s.stop for s in f]] for f in found]
        count = len(found)
        return cls(
            np.array(ends, np.int64).reshape(count, 2, 3).transpose(1, 2, 0),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.zeros((3, count)),
            np.zeros((3, count)),
            np.zeros((channels, count)),
            np.full((channels, count), np.inf),
            np.full((channels, count), -np.inf),
        )

    @classmethod
    def joined(cls, parts: Sequence[ObjectSums]) -> ObjectSums:
        """Return the sums over the objects of several frames, one after the other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(p, n) for p in parts], -1) for n in names))

    def add(
        self, band: Box, dense: LabelMap, verified: Mask, grey: npt.NDArray[Any]
    ) -> None:
        """Add the pixels of a box; `grey` has the shape (C, Z, Y, X)."""
        place = np.nonzero(dense)
        number = dense[place] - 1
        np.add.at(self.pixels, number, 1)
        np.add.at(self.verified, number, verified[place])
        z, y, x = (
            # As they are in the box of the object: small numbers lose no digits.
            (each + band.start[axis] - self.boxes[0, axis, number]).astype(np.float64)
            for axis, each in enumerate(place)
        )
        for sums, values in zip(self.middle, (z, y, x), strict=True):
            np.add.at(sums, number, values)
        for sums, values in zip(self.spread, (y * y, x * x, y * x), strict=True):
            np.add.at(sums, number, values)
        for channel, pixels in enumerate(grey):
            values = pixels[place].astype(np.float64)
            np.add.at(self.total[channel], number, values)
            # A grey value that is no number makes those of its object unknown.
            with np.errstate(invalid="ignore"):
                np.minimum.at(self.least[channel], number, values)
                np.maximum.at(self.most[channel], number, values)

    def finish(self) -> None:
        """Turn sums of coordinates into means and variances, when all was added."""
        self.middle[:] /= self.pixels
        self.spread[:] /= self.pixels
        _, y, x = self.middle
        self.spread[:] -= (y * y, x * x, y * x)
        self.middle[:] += self.boxes[0]


def iter_sums(
    dense: LabelMap, verified: Mask, grey: npt.NDArray[Any]
) -> Generator[None, None, ObjectSums]:
    """Sum up the objects of a frame, which have the numbers from 1; yields often.

    Shapes are (Z, Y, X), that of `grey` is (C, Z, Y, X).
    """
    sums = ObjectSums.of(dense, len(grey))
    for band in cut_into_bands(Box.whole(dense.shape)):
        yield
        place = band.slices
        sums.add(band, dense[place], verified[place], grey[:, *place])
    sums.finish()
    return sums
