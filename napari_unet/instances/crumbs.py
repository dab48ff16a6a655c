"""What is too small to be an object."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import count_pairs, pixels_by_id
from napari_unet.geometry.maps import LabelMap

_FEW = 0.01


def fit_least_area(areas: npt.NDArray[np.integer[Any]]) -> int:
    """Return the least area of an object where objects of these areas are known.

    It is half of what all but one in a hundred reach. The smallest ones of all are
    slips of the brush and specks that nobody meant, so they do not count; and of a
    small object half may be missed, but not more, or it would not be found anyway.

    Parameters
    ----------
    areas : ndarray of int, shape (n,)
        Pixels of each object, all its pieces together.

    Returns
    -------
    int
        At least 1, which is also what nothing but pixels, or no object, gives.
    """
    areas = areas[areas > 0]
    if not areas.size:
        return 1
    return max(1, int(np.quantile(areas, _FEW, method="lower")) // 2)


def remove_small(labels: LabelMap, min_size: int) -> LabelMap:
    """Return labels without objects below `min_size` pixels, ids from 1 to n."""
    kept = np.bincount(labels.ravel()) >= min_size
    kept[0] = False
    ids: LabelMap = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return ids[labels]


def join_crumbs(labels: LabelMap, min_size: int) -> LabelMap:
    """Return labels in which everything is as large as `min_size` pixels.

    What is smaller joins the object that it touches most, also by a corner, and is
    removed where it touches none. Ids count from 1 to n in the order of the old ones.
    """
    sizes = pixels_by_id(labels, int(labels.max(initial=0)) + 1)
    crumb = (sizes > 0) & (sizes < min_size)
    crumb[0] = False
    kept = (sizes > 0) & ~crumb
    kept[0] = False
    if kept[1:].all():
        return labels
    ids: LabelMap = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    if crumb.any():
        crumbs, neighbours = _touching(labels, crumb)
        ids[crumbs] = ids[neighbours]
    return ids[labels]


def _touching(
    labels: LabelMap, crumb: npt.NDArray[np.bool_]
) -> tuple[LabelMap, LabelMap]:
    """Return crumbs that touch an object which is none, and the one touched most."""
    places = np.nonzero(crumb[labels])
    own = labels[places]
    touching, touched = [], []
    for step in product((-1, 0, 1), repeat=labels.ndim):
        beside = [p + s for p, s in zip(places, step, strict=True)]
        within = np.ones(len(own), bool)
        for at, size in zip(beside, labels.shape, strict=True):
            within &= (at >= 0) & (at < size)
        there = labels[tuple(at[within] for at in beside)]
        counts = (there > 0) & ~crumb[there]
        touching.append(own[within][counts])
        touched.append(there[counts])
    crumbs, objects, often = count_pairs(
        np.concatenate(touching), np.concatenate(touched)
    )
    order = np.lexsort((-often, crumbs))
    joining, first = np.unique(crumbs[order], return_index=True)
    return joining, objects[order][first]
