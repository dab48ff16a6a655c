"""Pixels that go to the middle of what they see, and meet: fragments of objects."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.pieces import connected_pieces

Maps = npt.NDArray[np.float32]

_MOST_DOUBLINGS = 12


def find_fragments(
    reach: Maps, pixels: float, inside: Mask, links: Sequence[Mask]
) -> tuple[LabelMap, int]:
    """Let every pixel walk to the middle between the ends that it sees.

    A step goes half of the difference of the two reaches of an axis, along the axis
    where that is more: so it never leaves an object whose reach is right. Where walks
    end, there are the middles of objects; a connected one and all that come to it are a
    fragment. An object may have several, and each belongs to one object.

    Parameters
    ----------
    reach : ndarray of float32, shape (2 * dims, ...)
        As `napari_unet.instances.reach.reach_maps` has it, without the foreground.
    pixels : float
        What a reach of 1 is, in pixels.
    inside : ndarray of bool
        Pixels to be divided.
    links : sequence of ndarray of bool
        Which neighbours belong together, see `connected_pieces`.

    Returns
    -------
    fragments : ndarray of int32
        From 1 on; 0 outside.
    count : int
        How many there are.
    """
    walkers = np.flatnonzero(inside)
    ends = _follow(_first_steps(reach, pixels, inside, walkers))
    middle = np.zeros(inside.shape, bool)
    middle.ravel()[walkers[ends]] = True
    middles, count = connected_pieces(middle, links)
    fragments = np.zeros(inside.shape, np.int32)
    fragments.ravel()[walkers] = middles.ravel()[walkers[ends]]
    return fragments, count


def _first_steps(
    reach: Maps, pixels: float, inside: Mask, walkers: npt.NDArray[np.intp]
) -> npt.NDArray[np.int32]:
    """Return the number of the walker at the place where each one's step leads."""
    longest = np.zeros(len(walkers), np.float32)
    leads = walkers.copy()
    for axis, size in enumerate(inside.shape):
        stride = math.prod(inside.shape[axis + 1 :])
        back, ahead = (reach[2 * axis + n].ravel()[walkers] for n in (0, 1))
        step = np.rint((ahead - back) * (pixels / 2))
        at = walkers // stride % size
        step = np.clip(step, -at, size - 1 - at)
        longer = np.abs(step) > np.abs(longest)
        longest[longer] = step[longer]
        leads[longer] = walkers[longer] + step[longer].astype(np.intp) * stride
    numbers = np.zeros(inside.size, np.int32)
    numbers[walkers] = np.arange(len(walkers), dtype=np.int32)
    stays = ~inside.ravel()[leads]
    leads[stays] = walkers[stays]
    return numbers[leads]


def _follow(leads: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return where walks end; each round doubles the steps. Circles end somewhere."""
    for _ in range(_MOST_DOUBLINGS):
        further = leads[leads]
        if np.array_equal(further, leads):
            break
        leads = further
    return leads
