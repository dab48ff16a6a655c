"""How far two label maps differ, whatever their ids are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer[Any]]


def differing_pixels(a: Labels, b: Labels) -> float:
    """Return the fraction of pixels whose object is another one in the other map.

    Every object is paired with the one it overlaps most; a pixel differs where its
    two ids are no pair, from either side. So one seed more or less, which shifts all
    later ids, counts for its own pixels only.
    """
    width = int(b.max(initial=0)) + 1
    keys = a.ravel().astype(np.int64) * width + b.ravel()
    pairs, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    agree = _is_best(pairs // width, counts) & _is_best(pairs % width, counts)
    return float(1 - agree[inverse].mean())


def _is_best(ids: Labels, counts: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Return which pair is the most frequent one of its id."""
    order = np.lexsort((-counts, ids))
    first = np.ones(len(ids), bool)
    first[1:] = ids[order][1:] != ids[order][:-1]
    best = np.zeros(len(ids), bool)
    best[order[first]] = True
    return best
