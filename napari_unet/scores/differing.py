"""How many objects two predictions of the same pixels do not have in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import count_pairs, pixels_by_id
from napari_unet.geometry.maps import LabelMap, Mask

SAME = 0.6
"""Two objects are one if they share more than this of all their pixels."""


def count_differing(one: LabelMap, other: LabelMap, inside: Mask) -> float:
    """Return how many objects of two label maps would have to be corrected in a mask.

    Those of either that are no object of the other are counted, and the larger of the
    two numbers is returned. So an object that only one of them has, or that is much
    smaller in one, counts as one, and so do two that became one.

    Parameters
    ----------
    one, other : ndarray of int32
        Ids from 1 without large gaps; 0 is background. All of one shape.
    inside : ndarray of bool
        An object that lies in here in part counts as that part.

    Returns
    -------
    float
        Objects; 0 if the maps are equal, whatever the ids are.
    """
    first, second, shared = count_pairs(one, other)
    same = _same(first, second, shared)
    alone = []
    for mine, labels in ((first, one), (second, other)):
        known = np.zeros(int(mine.max(initial=0)) + 1, bool)
        known[mine[same]] = True
        parts = _parts_inside(labels, inside, len(known))
        parts[known] = 0
        alone.append(float(parts[1:].sum()))
    return max(alone)


def _same(first: LabelMap, second: LabelMap, shared: npt.NDArray[np.int64]) -> Mask:
    """Return which pairs are one object; no object is in two of them."""
    sizes = [np.bincount(ids, shared) for ids in (first, second)]
    union = sizes[0][first] + sizes[1][second] - shared
    return np.asarray((first > 0) & (second > 0) & (shared > SAME * union))


def _parts_inside(
    labels: LabelMap, inside: Mask, count: int
) -> npt.NDArray[np.float64]:
    """Return which part of each object lies in a mask; nothing of what is not there."""
    whole = pixels_by_id(labels, count)
    return pixels_by_id(labels[inside], count) / np.maximum(whole, 1)
