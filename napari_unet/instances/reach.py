"""How far objects reach: from every pixel, along every axis, in both directions.

A pixel's reach in a direction is how many pixels of its own object follow before the
first that is not. It is 0 exactly where the object ends, so the maps say which
neighbours belong together, and every label map whose objects hang together can be read
from them again: rods, spirals, rings and polygons without a background between them
alike. And it falls towards an end over several pixels, so a network that is a pixel or
two wrong still sees the end from both sides, where affinities of neighbours (Turaga et
al., Neural Computation 2010) would be lost. As in StarDist (Schmidt et al., MICCAI
2018) there are rays to the outline, but along the axes alone and cut off at a few
pixels: whatever lies further says nothing of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Maps: TypeAlias = npt.NDArray[np.float32]

OUTSIDE = -1
"""Instead of an id: beyond the image, where any object may go on."""


def reach_channels(dims: int) -> int:
    """Return the number of maps: foreground, and two directions along each axis."""
    return 1 + 2 * dims


def reach_maps(labels: npt.NDArray[np.integer[Any]], farthest: int) -> Maps:
    """Return foreground and reach of a label map.

    Where the image ends the object may go on: only its own border counts.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X) or (Z, Y, X)
        Object ids; 0 is background, `OUTSIDE` lies beyond the image.
    farthest : int
        Pixels beyond which the reach is not counted.

    Returns
    -------
    ndarray of float32, shape (1 + 2 * dims, *labels.shape)
        Foreground (0 or 1); then for each axis the reach backwards and forwards, as a
        share of `farthest`. 0 outside of objects.
    """
    maps = np.zeros((reach_channels(labels.ndim), *labels.shape), np.float32)
    maps[0] = labels > 0
    for each, own in _directions(maps, labels):
        reach = np.minimum(_pixels_ahead(own), farthest) / farthest
        each[...] = reach * (own > 0)
    return maps


def known_in_crop(labels: npt.NDArray[np.integer[Any]], farthest: int) -> Maps:
    """Return where a part of a label map tells the maps of the whole: 1, or else 0.

    The reach is not known where it leads out of the part. Shape as that of the maps.
    """
    known = np.ones((reach_channels(labels.ndim), *labels.shape), np.float32)
    for each, own in _directions(known, labels):
        ahead = np.arange(own.shape[-1])[::-1]
        out = (_pixels_ahead(own) > ahead) & (ahead < farthest)
        out &= own[..., -1:] != OUTSIDE
        each[...] = ~out | (own == 0)
    return known


def ends_at_object(labels: npt.NDArray[np.integer[Any]], farthest: int) -> Maps:
    """Return 1 where a reach ends because another object begins there, or else 0.

    Shape as that of the maps; 0 for the foreground.
    """
    found = np.zeros((reach_channels(labels.ndim), *labels.shape), np.float32)
    for each, own in _directions(found, labels):
        ahead = _pixels_ahead(own)
        places = np.arange(own.shape[-1]) + np.minimum(ahead, farthest) + 1
        places = np.minimum(places, own.shape[-1] - 1)
        beyond = np.take_along_axis(own, places, -1)
        each[...] = (ahead < farthest) & (own > 0) & (beyond > 0) & (beyond != own)
    return found


def _directions(
    maps: Maps, labels: npt.NDArray[np.integer[Any]]
) -> Iterator[tuple[Maps, npt.NDArray[np.integer[Any]]]]:
    """Yield each map but the foreground, and the labels, as they lie to who looks.

    Both are views in which the direction of the map leads along the last axis.
    """
    for axis in range(labels.ndim):
        for direction, step in enumerate((-1, 1)):
            of_map = maps[1 + 2 * axis + direction].swapaxes(axis, -1)
            yield of_map[..., ::step], labels.swapaxes(axis, -1)[..., ::step]


def _pixels_ahead(labels: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int32]:
    """Return how many pixels follow along the last axis before another label does.

    Very many where none does.
    """
    size = labels.shape[-1]
    never = np.int32(np.iinfo(np.int32).max)
    ends = np.full(labels.shape, never, np.int32)
    before, after = labels[..., :-1], labels[..., 1:]
    changes = (before != after) & (before != OUTSIDE) & (after != OUTSIDE)
    places = np.arange(size, dtype=np.int32)
    ends[..., :-1][changes] = np.broadcast_to(places[:-1], changes.shape)[changes]
    ends = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(ends - places)
