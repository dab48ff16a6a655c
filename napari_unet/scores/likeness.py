"""How alike found objects are to verified ones, where only a part is verified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import count_pairs
from napari_unet.geometry.maps import LabelMap, Mask

_NOTHING, _ALL = 0.4, 0.95
"""IoU at which a pair of objects begins to count, and at which it counts as one."""


_RIGHT = 0.5
"""IoU at which people say that an object was found."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Pairs of a verified and a found object, among all of both.

    The score is an average precision without steps. At an IoU of 0.5 or more, a pair
    counts by how many of the thresholds up to 0.9 it passes; so ten objects tell models
    apart that find all of them, one with better outlines.

    Parameters
    ----------
    matched : float
        Sum of what pairs count for, each from 0 to 1.
    objects : int
        Verified objects, and found ones that should be among them.
    verified : int
        The verified ones of these.
    right : int
        Pairs with an IoU of 0.5 or more, for people to read.
    """

    matched: float = 0.0
    objects: int = 0
    verified: int = 0
    right: int = 0

    @property
    def score(self) -> float:
        """TP / (TP + FP + FN); 1 where there are no objects at all."""
        rest = self.objects - self.matched
        return self.matched / rest if rest else 1.0

    def __add__(self, other: Likeness) -> Likeness:
        """Pool two parts."""
        return Likeness(
            self.matched + other.matched,
            self.objects + other.objects,
            self.verified + other.verified,
            self.right + other.right,
        )


def compare_objects(truth: LabelMap, found: LabelMap, judged: Mask) -> Likeness:
    """Compare objects where the truth is known.

    Parameters
    ----------
    truth, found : ndarray of int32
        Ids; 0 is background. Of the truth, only what lies in `judged` is certain.
    judged : ndarray of bool
        Objects of the truth count that have a pixel here. Found ones count that are
        paired with these, or have most of their pixels here.
    """
    certain = np.unique(truth[judged & (truth > 0)])
    first, second, shared = count_pairs(truth, found)
    true_sizes = _by_id(first, shared)
    found_sizes = _by_id(second, shared)
    iou = shared / (true_sizes[first] + found_sizes[second] - shared)
    iou[(first == 0) | (second == 0)] = 0
    paired = _best_of_both(first, second, iou) & (iou > _NOTHING)
    own = paired & np.isin(first, certain)
    counted = np.clip((iou[own] - _NOTHING) / (_ALL - _NOTHING), 0, 1)
    inside = np.bincount(found[judged], minlength=len(found_sizes))
    should_be = 2 * inside > found_sizes
    should_be[second[paired]] = False
    should_be[second[own]] = True
    should_be[0] = False
    total = len(certain) + int(np.count_nonzero(should_be))
    right = int(np.count_nonzero(iou[own] >= _RIGHT))
    return Likeness(float(counted.sum()), total, len(certain), right)


def _by_id(ids: LabelMap, pixels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    sizes = np.zeros(int(ids.max(initial=0)) + 1, np.int64)
    np.add.at(sizes, ids, pixels)
    return sizes


def _best_of_both(
    first: LabelMap, second: LabelMap, iou: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Return the pairs that are the best one of each of the two."""
    best = np.ones(len(iou), bool)
    for ids in (first, second):
        highest = np.zeros(int(ids.max(initial=0)) + 1)
        np.maximum.at(highest, ids, iou)
        best &= iou == highest[ids]
    return best
