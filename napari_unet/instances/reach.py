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
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

S = TypeVar("S", bound=np.generic)
Maps: TypeAlias = npt.NDArray[np.float32]
Labels: TypeAlias = npt.NDArray[np.integer[Any]]
Counts: TypeAlias = npt.NDArray[np.uint8]

OUTSIDE = -1
"""Instead of an id: beyond the image, where any object may go on."""


def reach_channels(dims: int) -> int:
    """Return the number of maps: foreground, and two directions along each axis."""
    return 1 + 2 * dims


def reach_maps(labels: Labels, farthest: int) -> Maps:
    """Return foreground and reach of a label map; see `Rays.maps`."""
    return Rays(labels, farthest).maps()


class Rays:
    """How many pixels lie ahead of every pixel, along every axis, in both directions.

    Where the image ends the object may go on: only its own border counts.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X) or (Z, Y, X)
        Object ids; 0 is background, `OUTSIDE` lies beyond the image.
    farthest : int
        Pixels beyond which the reach is not counted.
    """

    def __init__(self, labels: Labels, farthest: int) -> None:
        self._labels = labels
        self._farthest = farthest
        self._shape = (reach_channels(labels.ndim), *labels.shape)
        self._ahead = [
            _pixels_ahead(_towards(labels, axis, forwards), farthest)
            for axis in range(labels.ndim)
            for forwards in (0, 1)
        ]

    def maps(self) -> Maps:
        """Return foreground and reach.

        Returns
        -------
        ndarray of float32, shape (1 + 2 * dims, *labels.shape)
            Foreground (0 or 1); then for each axis the reach backwards and forwards,
            as a share of `farthest`. 0 outside of objects.
        """
        maps = np.zeros(self._shape, np.float32)
        maps[0] = self._labels > 0
        for each, own, ahead in self._seen(maps):
            np.multiply(ahead, own > 0, out=each, dtype=np.float32)
            each /= self._farthest
        return maps

    def known(self) -> Maps:
        """Return where a part of a label map tells the maps of the whole: 1, or else 0.

        The reach is not known where it leads out of the part. Shape as that of the
        maps.
        """
        known = np.ones(self._shape, np.float32)
        for each, own, ahead in self._seen(known):
            # Only the last pixels can see out.
            near = slice(-self._farthest, None)
            own, ahead = own[..., near], ahead[..., near]
            left = np.arange(own.shape[-1])[::-1]
            out = (ahead > left) & (own != 0) & (own[..., -1:] != OUTSIDE)
            each[..., near][out] = 0
        return known

    def ends_at_object(self) -> Maps:
        """Return 1 where a reach ends because another object begins there, or else 0.

        Shape as that of the maps; 0 for the foreground.
        """
        found = np.zeros(self._shape, np.float32)
        for each, own, ahead in self._seen(found):
            places = np.arange(own.shape[-1]) + ahead + 1
            places = np.minimum(places, own.shape[-1] - 1)
            beyond = np.take_along_axis(own, places, -1)
            each[...] = (ahead < self._farthest) & (own > 0) & (beyond > 0)
            each[beyond == own] = 0
        return found

    def _seen(self, maps: Maps) -> Iterator[tuple[Maps, Labels, Counts]]:
        """Yield each map but the foreground, the labels, and the pixels ahead.

        As they lie to who looks: the direction leads along the last axis.
        """
        for number, ahead in enumerate(self._ahead):
            axis, forwards = divmod(number, 2)
            towards = _towards(maps[1 + number], axis, forwards)
            yield towards, _towards(self._labels, axis, forwards), ahead


def known_along_z(
    labels: Labels, verified: npt.NDArray[np.bool_], farthest: int
) -> Maps:
    """Return where some planes of a volume tell the maps of all of it: 1, or else 0.

    A person looks at planes. What lies above and below may be a prediction, or nothing
    yet, so how far an object reaches along Z is only known where all of the way is
    verified, with the first voxel that is not of the object. Within a plane its end is
    known: whoever verified an object has seen it. Shape as that of the maps.
    """
    known = np.empty((reach_channels(labels.ndim), *labels.shape), np.float32)
    known[:] = verified
    unseen = np.where(labels == OUTSIDE, OUTSIDE, ~verified)
    for forwards in (0, 1):
        own = _towards(labels, 0, forwards)
        reach = _pixels_ahead(own, farthest)
        seen = _pixels_ahead(_towards(unseen, 0, forwards), farthest)
        told = (seen > reach) | (seen == farthest) | (own <= 0)
        _towards(known[1 + forwards], 0, forwards)[...] *= told
    return known


def _towards(array: npt.NDArray[S], axis: int, forwards: int) -> npt.NDArray[S]:
    """Return a view in which a direction leads along the last axis."""
    turned = array.swapaxes(axis, -1)
    return turned if forwards else turned[..., ::-1]


def _pixels_ahead(own: Labels, farthest: int) -> Counts:
    """Return how many pixels follow along the last axis before another label does.

    At most `farthest`, which it is where the image ends before.
    """
    same = np.ones_like(own, bool)
    before, after = own[..., :-1], own[..., 1:]
    same[..., :-1] = (before == after) | (before == OUTSIDE) | (after == OUTSIDE)
    going_on = same.copy("K")
    # Numbers and truth have one byte each, so nothing is converted; and the memory has
    # the order of the labels, however they are turned.
    ahead = going_on.view(np.uint8).copy("K")
    for step in range(1, farthest):
        going_on[..., :-step] &= same[..., step:]
        ahead += going_on.view(np.uint8)
    return ahead
