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
from napari_unet.geometry.points import Points

Shift: TypeAlias = npt.NDArray[np.int64]
Corners: TypeAlias = npt.NDArray[np.int64]
Distances: TypeAlias = npt.NDArray[np.floating[Any]]


def iter_between(first: Mask, last: Mask, count: int) -> Iterator[Mask]:
    """Return so many shapes between two, which are not empty, at equal steps.

    All are masks of one plane. Backwards the same shapes come in the other order.
    """
    way = np.rint(_middle(last) - _middle(first)).astype(np.int64)
    # Where one of them is when they lie upon each other, and a pixel more: beyond it is
    # no shape, and none between.
    spans = np.array([*_span(first), *(_span(last) - way)])
    low, high = spans.min(0) - 1, spans.max(0) + 2
    start, stop = _part(first, low, high), _part(last, low + way, high + way)
    # Elsewhere both say the same, and so does what is between.
    unsure = np.nonzero(start != stop)
    at_start, at_stop = _insideness(start, unsure), _insideness(stop, unsure)
    between, parts = start & stop, count + 1
    for step in range(1, parts):
        # Halves are rounded up, also below 0: so it is the same backwards.
        gone = (2 * step * way + parts) // (2 * parts)
        between[unsure] = (parts - step) * at_start + step * at_stop > 0
        # What lies in the plane of the part that has moved on.
        yield _part(between, -low - gone, np.array(first.shape) - low - gone)


def _middle(mask: Mask) -> npt.NDArray[np.float64]:
    return np.array([axis.mean() for axis in np.nonzero(mask)])


def _span(mask: Mask) -> Corners:
    """Return the first and the last pixel, along each axis, of a shape."""
    return np.array([(axis.min(), axis.max()) for axis in np.nonzero(mask)]).T


def _part(mask: Mask, low: Shift, high: Shift) -> Mask:
    """Return a part of a mask, which may reach beyond it: there it is False."""
    part = np.zeros(high - low, bool)
    size = np.array(mask.shape, np.int64)
    first, last = np.clip(low, 0, size), np.clip(high, 0, size)
    if (first < last).all():
        from_there, to_here = (_slices(first - o, last - o) for o in (0, low))
        part[to_here] = mask[from_there]
    return part


def _slices(low: Shift, high: Shift) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))


def _insideness(mask: Mask, points: Points) -> Distances:
    """Return how far points lie inside of a shape; outside it is below 0."""
    inside = mask[points]
    found = np.empty(len(inside))
    # The outline lies between pixels, half a pixel from both.
    found[inside] = _distances(mask, points, inside) - 0.5
    found[~inside] = 0.5 - _distances(~mask, points, ~inside)
    return found


def _distances(mask: Mask, points: Points, chosen: Mask) -> Distances:
    """Return how far some points that are marked are from what is not.

    Only for these: for all pixels that takes as long as to find what is nearest.
    """
    if not chosen.any():
        return np.empty(0)
    nearest = ndimage.distance_transform_edt(
        mask, return_distances=False, return_indices=True
    )
    there = np.stack([axis[chosen] for axis in points])
    away = nearest[(slice(None), *there)] - there
    return np.asarray(np.sqrt(np.sum(np.square(away, dtype=np.float64), axis=0)))
