"""Shapes between two shapes: those that an object has in planes that nobody painted.

Shape-based interpolation (Raya and Udupa, 1990): how far every pixel lies inside or
outside is interpolated, not the pixels. The shapes are laid upon each other first, by
their middles, and what is between goes from the one to the other: an object that moves
on from plane to plane, or stands aslant, is not lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_unet.geometry.maps import Mask

Shift: TypeAlias = npt.NDArray[np.int64]
Distances: TypeAlias = npt.NDArray[np.floating[Any]]


def iter_between(first: Mask, last: Mask, count: int) -> Iterator[Mask]:
    """Return so many shapes between two, which are not empty, at equal steps.

    All are masks of one plane. Backwards the same shapes come in the other order.
    """
    way = np.rint(_middle(last) - _middle(first)).astype(np.int64)
    room = np.abs(way)
    # Wherever the shapes lie upon each other, there is a distance.
    start, stop = (_insideness(np.pad(each, _sides(room))) for each in (first, last))
    parts = count + 1
    for step in range(1, parts):
        # Halves are rounded up, also below 0: so it is the same backwards.
        gone = (2 * step * way + parts) // (2 * parts)
        here = _moved(start, room, gone, first.shape)
        there = _moved(stop, room, gone - way, first.shape)
        yield (parts - step) * here + step * there > 0


def _middle(mask: Mask) -> npt.NDArray[np.float64]:
    return np.array([axis.mean() for axis in np.nonzero(mask)])


def _sides(room: Shift) -> list[tuple[int, int]]:
    """Return how far a plane is widened; by one more: beyond it is no shape."""
    return [(each + 1, each + 1) for each in room.tolist()]


def _insideness(mask: Mask) -> Distances:
    """Return how far pixels lie inside of a shape; outside it is below 0."""
    inside = ndimage.distance_transform_edt(mask)
    outside = ndimage.distance_transform_edt(~mask)
    # The outline lies between pixels, half a pixel from both.
    return np.asarray(np.where(mask, inside - 0.5, 0.5 - outside))


def _moved(
    distances: Distances, room: Shift, by: Shift, shape: tuple[int, ...]
) -> Distances:
    """Return distances of a plane, in which the shape was moved."""
    start = (room + 1 - by).tolist()
    return distances[
        tuple(slice(a, a + size) for a, size in zip(start, shape, strict=True))
    ]
