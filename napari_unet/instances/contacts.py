"""Where two objects touch, seen from both sides."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import Mask
from napari_unet.geometry.pieces import neighbours

Maps = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

_BEHIND = 1
"""Networks are unsure of a pixel where an object ends: so far behind two neighbours
there may be a better view."""

_LEAST = 0.01
"""Pairs of neighbours that are less of a contact than this are left as they are."""

_NOTHING = 1e-3
"""A share of the farthest view: what is always seen to the own side. So it is a contact
where nothing is seen at all, as by pixels that are objects of their own."""

# Small enough for what lies between two sums to stay in the processor.
_PIXELS_A_STEP = 2**16


def contrast(across: Maps, away: Maps) -> Maps:
    """Return how much less is seen across than away, by their sum: from -1 to 1."""
    return (away - across + _NOTHING) / (away + across + _NOTHING)


def iter_contacts(
    reach: Maps, axis: int, foreground: Mask, least: float
) -> Generator[None, None, Places]:
    """Return the neighbours along an axis that are a contact by `least` or more.

    Returns
    -------
    ndarray of intp, shape (n,)
        The flat index of the first of each two, in order. See `contacts`.
    """
    here, there = neighbours(foreground.ndim, axis)
    reaches = reach[2 * axis], reach[2 * axis + 1]
    # Nearly all neighbours see further across than away: they are told by two sums.
    cut = min(least, _LEAST)
    line = math.prod(foreground.shape[1:])
    lines = max(1, _PIXELS_A_STEP // max(1, line))
    found = [np.zeros(0, np.intp)]
    for start in range(0, len(foreground), lines):
        # Along the first axis, bands share the line in which one meets the next.
        band = slice(start, start + lines + (axis == 0))
        back, ahead = (each[band] for each in reaches)
        inside = foreground[band]
        across = ahead[here] + back[there]
        across *= (1 + cut) / (1 - cut)
        away = back[here] + ahead[there]
        away += _NOTHING
        may_be = np.zeros(inside.shape, bool)
        np.greater(away, across, out=may_be[here])
        may_be[here] &= inside[here]
        may_be[here] &= inside[there]
        pairs = start * line + np.flatnonzero(may_be)
        found.append(pairs[contacts(reach, axis, foreground, pairs) >= least])
        yield
    return np.concatenate(found)


def contacts(reach: Maps, axis: int, foreground: Mask, pairs: Places) -> Maps:
    """Return how much neighbours along an axis are of two objects.

    From both of them one looks across to the other, and away. Where the objects touch,
    nothing is seen across, which is a contact of 1. Within an object it is 0 or less,
    wherever the two are: from a pixel nearer to its one end than another pixel, one
    sees at least as far to the other end. So it is for two pixels further apart, as
    long as nothing ends between them; that is why the pair that is most of a contact
    among its neighbours may be judged by those behind it, where a network that blurs
    the end sees more clearly.

    Parameters
    ----------
    reach : ndarray of float32, shape (2 * dims, ...)
        As `napari_unet.instances.reach.reach_maps` has it, without the foreground.
    foreground : ndarray of bool
        Other pixels see nothing.
    pairs : ndarray of intp, shape (n,)
        The flat index of the first of each two.

    Returns
    -------
    ndarray of float32, shape (n,)
        At most 1.
    """
    seen = _look(reach, axis, foreground, pairs, 0)
    weak = np.flatnonzero((seen > _LEAST) & (seen < 1))
    pairs = pairs[weak]
    least = seen[weak]
    top = np.ones(len(weak), bool)
    for step in (*range(-_BEHIND, 0), *range(1, _BEHIND + 1)):
        top &= _look(reach, axis, foreground, pairs, 0, step) <= least
    view = _look(reach, axis, foreground, pairs[top], _BEHIND)
    seen[weak[top]] = np.maximum(least[top], view)
    return seen


def _look(
    reach: Maps, axis: int, foreground: Mask, pairs: Places, behind: int, step: int = 0
) -> Maps:
    """Return the contrast between pixels so far behind pairs that are a step further.

    It is -1 where one of them is beyond the image or no foreground.
    """
    shape = foreground.shape
    stride = math.prod(shape[axis + 1 :])
    at = pairs // stride % shape[axis]
    near, far = step - behind, step + 1 + behind
    seen = np.full(len(pairs), -1, np.float32)
    fits = np.flatnonzero((at + near >= 0) & (at + far < shape[axis]))
    first, second = pairs[fits] + near * stride, pairs[fits] + far * stride
    inside = foreground.reshape(-1)
    both = inside[first] & inside[second]
    fits, first, second = fits[both], first[both], second[both]
    back, ahead = (each.reshape(-1) for each in reach[2 * axis : 2 * axis + 2])
    seen[fits] = contrast(ahead[first] + back[second], back[first] + ahead[second])
    return seen
