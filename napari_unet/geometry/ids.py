"""Object ids as small consecutive numbers, by which arrays can be indexed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.runs import run_starts

LARGEST_ID = int(np.iinfo(np.int32).max)

LARGEST_NEW_ID = 2**30
"""The largest id that the program gives to a new object; people may choose larger ones.

Who paints the largest id that there is takes none of the others away.
"""

# Counting needs a copy of eight bytes per pixel: by parts it stays small.
_CHUNK = 2**22

_ID_BITS = 32


def check_ids_left(last_id: int) -> None:
    """Refuse to go on when an id is larger than those for new objects."""
    if last_id > LARGEST_NEW_ID:
        raise InputError(
            f"Expected object ids up to {LARGEST_NEW_ID}, but new objects need ids up "
            f"to {last_id}; give the objects smaller ids, or open the image again."
        )


class IdCounter:
    """Hands out ids that nobody has ever had.

    What a person paints with a larger id than new objects get does not count. Where
    somebody has taken the last one for new objects, the counter goes on far inside the
    widest gap, away from whatever an undo may bring back.

    Parameters
    ----------
    next_id : int
        The smallest id that was never used, as far as that is known.
    present : ndarray of int
        The labels that there are, now and later.
    """

    def __init__(self, next_id: int, present: LabelMap) -> None:
        self.next = 1
        self._stop = LARGEST_NEW_ID + 1
        self._present = present
        self.skip_past((), max(free_id(present), latest_free_id(next_id)))

    def take(self) -> int:
        """Return an id, which nobody else will ever get."""
        number = self.next
        self.take_below(number + 1)
        return number

    def take_below(self, next_id: int) -> None:
        """Take all ids below one of them."""
        check_ids_left(next_id - 1 if next_id <= self._stop else LARGEST_ID)
        self.skip_to(next_id)

    def skip_to(self, next_id: int) -> None:
        """Take note that all smaller ids are used; the counter never falls."""
        if next_id <= self._stop:
            self.next = max(self.next, next_id)
        if self.next == self._stop:
            self._go_on_in_a_gap()

    def skip_past(self, ids: Iterable[int], next_id: int = 1) -> None:
        """Take note that these ids are used, and all that are smaller than one."""
        for each in (*(each + 1 for each in ids), next_id):
            self.skip_to(each)

    def _go_on_in_a_gap(self) -> None:
        ids = np.unique(self._present)
        ids = ids[(ids > 0) & (ids <= LARGEST_NEW_ID)]
        gaps = pairwise([0, *ids.tolist(), LARGEST_NEW_ID + 1])
        low, self._stop = max(gaps, key=lambda gap: gap[1] - gap[0])
        self.next = (low + self._stop + 1) // 2


def free_id(labels: npt.NDArray[Any]) -> int:
    """Return an id for a new object above all that labels hold of such ids."""
    own = labels <= LARGEST_NEW_ID
    return 1 + int(labels.max(initial=0, where=own))


def latest_free_id(*ids: int) -> int:
    """Return the largest of some free ids, among those for new objects."""
    return max((each for each in ids if each <= LARGEST_NEW_ID), default=1)


def labels_in(*maps: LabelMap) -> frozenset[int]:
    """Return the labels other than 0 of pixels, each map of one axis."""
    found = (each[run_starts(each)].tolist() for each in maps if each.size)
    return frozenset().union(*found) - {0}


def compact(labels: npt.NDArray[np.integer[Any]]) -> tuple[LabelMap, LabelMap]:
    """Replace the ids of a label map, however large or sparse, by consecutive numbers.

    Returns
    -------
    dense : ndarray of int32
        Same shape; 0 stays 0, the others count from 1 in the order of `ids`.
    ids : ndarray of int32, shape (n,)
        Such that ``ids[dense]`` is `labels`; ``ids[0]`` is always 0.
    """
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high > 4 * labels.size + 1024:
        return _compact_sparse(labels)
    present = np.zeros(high + 1, bool)
    present[labels] = True
    present[0] = True
    ids = np.flatnonzero(present).astype(np.int32)
    lookup = np.zeros(high + 1, np.int32)
    lookup[ids] = np.arange(len(ids), dtype=np.int32)
    return lookup[labels], ids


def _compact_sparse(labels: npt.NDArray[np.integer[Any]]) -> tuple[LabelMap, LabelMap]:
    """Do the same by sorting: a table up to the largest id would not fit."""
    found, inverse = np.unique(labels, return_inverse=True)
    objects = found != 0
    lookup = np.where(objects, np.cumsum(objects), 0).astype(np.int32)
    ids = np.concatenate([np.zeros(1, np.int32), found[objects]])
    return lookup[inverse.reshape(labels.shape)], ids


def numbered_as_met(labels: npt.NDArray[np.integer[Any]]) -> LabelMap:
    """Count objects from 1 in the order of their first pixels; 0 stays 0.

    So two label maps of the same objects are equal, whatever their ids are.
    """
    dense, ids = compact(labels)
    flat = dense.reshape(-1)
    first = np.empty(len(ids), np.int64)
    # Of several pixels of an object the one that is written last stays.
    first[flat[::-1]] = np.arange(flat.size)[::-1]
    first[0] = -1
    number = np.empty(len(ids), np.int32)
    number[np.argsort(first)] = np.arange(len(ids), dtype=np.int32)
    return number[dense]


def pixels_by_id(dense: LabelMap, count: int) -> npt.NDArray[np.int64]:
    """Return how many pixels each of `count` consecutive ids from 0 has."""
    flat = dense.reshape(-1)
    total = np.zeros(count, np.int64)
    for start in range(0, flat.size, _CHUNK):
        total += np.bincount(flat[start : start + _CHUNK], minlength=count)
    return total


def count_pairs(
    first: npt.NDArray[np.integer[Any]], second: npt.NDArray[np.integer[Any]]
) -> tuple[LabelMap, LabelMap, npt.NDArray[np.int64]]:
    """Count which ids meet in how many pixels of two label maps of one shape.

    Returns pairs of ids in order, (n,) each, and how often each pair occurs. Ids are
    within int32 and not negative.
    """
    # One number for a pair: numpy sorts rows a thousand times slower, and locks the
    # interpreter meanwhile, so that a window would stand still. And a number for a
    # whole run: sorting pixels takes longest of all.
    flat_a, flat_b = first.reshape(-1), second.reshape(-1)
    keys, lengths = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, flat_a.size, _CHUNK):
        pairs = flat_a[start : start + _CHUNK].astype(np.int64) << _ID_BITS
        pairs |= flat_b[start : start + _CHUNK].astype(np.int64)
        starts = run_starts(pairs)
        found, pixels = _sum_by_key(pairs[starts], np.diff(starts, append=pairs.size))
        keys.append(found)
        lengths.append(pixels)
    found, pixels = _sum_by_key(np.concatenate(keys), np.concatenate(lengths))
    a, b = found >> _ID_BITS, found & (2**_ID_BITS - 1)
    return a.astype(np.int32), b.astype(np.int32), pixels


def _sum_by_key(
    keys: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    found, inverse = np.unique(keys, return_inverse=True)
    total = np.zeros(len(found), np.int64)
    np.add.at(total, inverse, numbers)
    return found, total
