"""Which object of a frame is which of the next: the pairs that cost least together."""

from __future__ import annotations

import numpy as np
from scipy.sparse import block_array, coo_array, eye_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from napari_unet.tracking.costs import Pairs

_ALONE = 1.05
"""What it costs to leave an object without a partner: more than any pair."""

_LEAST = 1e-6
"""In a sparse matrix a cost of 0 would be no pair."""


def assign(pairs: Pairs, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return pairs of which each object is in one at most, of so many objects.

    Each object may be alone, too: a matrix of twice the size has a place for that, as
    Jaqaman et al. (2008) describe.
    """
    n, m = shape
    if not len(pairs):
        return []
    places = (pairs.first, pairs.second)
    together = coo_array((pairs.cost + _LEAST, places), shape)
    neither = coo_array((np.full(len(pairs), _LEAST), places[::-1]), (m, n))
    alone = [_ALONE * eye_array(count) for count in shape]
    costs = block_array([[together, alone[0]], [alone[1], neither]], format="csr")
    rows, columns = min_weight_full_bipartite_matching(costs)
    chosen = (rows < n) & (columns < m)
    return list(zip(rows[chosen].tolist(), columns[chosen].tolist(), strict=True))
