"""Where two objects touch, seen from both sides."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import scipy

from napari_unet.geometry.maps import Mask
from napari_unet.geometry.pieces import neighbours

Maps = npt.NDArray[np.float32]
_Sum = TypeVar("_Sum", float, Maps)

_BEHIND = 1
"""Networks are unsure of a pixel where an object ends: so far behind two neighbours
there may be a better view."""

_LEAST = 0.01
"""Pairs of neighbours that are less of a contact than this are left as they are."""


_NOTHING = 1e-3
"""A share of the farthest view: what is always seen to the own side. So it is a contact
where nothing is seen at all, as by pixels that are objects of their own."""


def contrast(across: _Sum, away: _Sum) -> _Sum:
    """Return how much less is seen across than away, by their sum: from -1 to 1."""
    return (away - across + _NOTHING) / (away + across + _NOTHING)


def contacts(reach: Maps, axis: int, foreground: Mask) -> Maps:
    """Return how much every two neighbours along an axis are of two objects.

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

    Returns
    -------
    ndarray of float32
        One shorter than the image along the axis; at most 1.
    """
    back = reach[2 * axis].swapaxes(axis, -1)
    ahead = reach[2 * axis + 1].swapaxes(axis, -1)
    seen = contrast(ahead[..., :-1] + back[..., 1:], back[..., :-1] + ahead[..., 1:])
    here, there = neighbours(foreground.ndim, foreground.ndim - 1)
    inside = foreground.swapaxes(axis, -1)
    seen[~(inside[here] & inside[there])] = -1
    around = scipy.ndimage.maximum_filter1d(seen, 2 * _BEHIND + 1, mode="nearest")
    *lines, at = np.nonzero((seen == around) & (seen > _LEAST))
    fits = (at >= _BEHIND) & (at + 1 + _BEHIND < inside.shape[-1])
    line, at = tuple(each[fits] for each in lines), at[fits]
    first, second = (*line, at - _BEHIND), (*line, at + 1 + _BEHIND)
    view = contrast(ahead[first] + back[second], back[first] + ahead[second])
    view[~(inside[first] & inside[second])] = -1
    seen[*line, at] = np.maximum(seen[*line, at], view)
    return np.asarray(seen.swapaxes(axis, -1))
