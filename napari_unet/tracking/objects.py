"""Where the objects of a frame are, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap


@dataclass(frozen=True, slots=True, eq=False)
class FrameObjects:
    """The objects of a frame, in the order of their ids.

    Parameters
    ----------
    dense : ndarray of int32
        The frame with the numbers 1, 2, ... for its objects.
    pixels : ndarray of int, shape (n,)
        How many pixels each has.
    centres : ndarray, shape (n, axes)
        In units of a pixel of the last axis.
    diameters : ndarray, shape (n,)
        Those of circles, or balls, of the same size, in the same units.
    """

    dense: LabelMap
    pixels: npt.NDArray[np.int64]
    centres: npt.NDArray[np.float64]
    diameters: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pixels)


def objects_of(
    frame: npt.NDArray[np.integer[Any]], spacing: Sequence[float]
) -> FrameObjects:
    """Measure the objects of a frame whose pixels lie so far from each other."""
    dense, ids = compact(frame)
    place = np.nonzero(dense)
    numbers = dense[place] - 1
    count = len(ids) - 1
    pixels = np.bincount(numbers, minlength=count)
    sums = [np.bincount(numbers, each, count) for each in place]
    centres = np.stack(sums, axis=1) / pixels[:, None]
    size = pixels * float(np.prod(spacing))
    whole = 2 * np.sqrt(size / np.pi) if frame.ndim == 2 else np.cbrt(6 * size / np.pi)
    return FrameObjects(dense, pixels, centres * np.asarray(spacing), whole)
