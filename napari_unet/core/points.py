"""Lists of pixels: a long thin stroke is small, however large its bounding box."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.core.box import Box
from napari_unet.core.provenance import Mask

Points: TypeAlias = tuple[npt.NDArray[np.intp], ...]
"""Coordinates by axis, as `numpy.nonzero` gives them; they index an array."""


def marked_points(box: Box, mask: Mask) -> Points:
    """Return the marked pixels of a box, in the coordinates of the whole array."""
    found = np.nonzero(mask)
    return tuple(axis + start for axis, start in zip(found, box.start, strict=True))


def chosen_points(points: Points, chosen: Mask) -> Points:
    """Return some of the points; `chosen` has one entry for each of them."""
    if chosen.all():
        return points  # usual, and many when a whole background is filled
    return tuple(axis[chosen] for axis in points)


def bounding_box(points: Points) -> Box:
    """Return the smallest box that holds the points, of which there are some."""
    return Box(
        tuple(int(axis.min()) for axis in points),
        tuple(int(axis.max()) + 1 for axis in points),
    )


def inside(points: Points, box: Box) -> Mask:
    """Return which of the points lie in a box."""
    result = np.ones(len(points[0]), bool)
    for axis, start, stop in zip(points, box.start, box.stop, strict=True):
        result &= (start <= axis) & (axis < stop)
    return result


def are_among(points: Points, others: Points, box: Box) -> bool:
    """Return whether all `points` are among `others`; all of them lie in `box`."""
    if len(points[0]) > len(others[0]):
        return False
    if all(map(np.array_equal, points, others)):
        return True  # a whole stroke is undone; both are in the order of the array
    return bool(np.isin(_flat(points, box), _flat(others, box)).all())


def _flat(points: Points, box: Box) -> npt.NDArray[np.intp]:
    local = tuple(axis - start for axis, start in zip(points, box.start, strict=True))
    return np.ravel_multi_index(local, box.shape)
