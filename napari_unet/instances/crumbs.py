"""What is too small to be an object."""

from __future__ import annotations

import heapq
from collections import defaultdict
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import count_pairs, pixels_by_id
from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.agglomeration import settled

_FEW = 0.01

_LEAST_SPREAD = 1.25
"""Standard deviation of the logarithm of areas; that of cells is rarely smaller."""


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


def extrapolate_least_area(areas: npt.NDArray[np.integer[Any]]) -> int:
    """Return the least area that others of a kind may have, of which these are a few.

    Areas of cells are about log-normal, so it is three standard deviations of the
    logarithm below its mean. Few objects may be alike by chance, because somebody
    corrected just the large ones, or because those of one image are: in the next one
    they may be half as wide. So the deviation is taken to be 1.25 or more.

    Parameters
    ----------
    areas : ndarray of int, shape (n,)
        Pixels of each object, all its pieces together; 1 or more.

    Returns
    -------
    int
        At least 1, which is also what no object gives.
    """
    if not areas.size:
        return 1
    logs = np.log(areas)
    least = np.exp(logs.mean() - 3 * max(_LEAST_SPREAD, logs.std()))
    return max(1, int(least))


def remove_small(labels: LabelMap, min_size: int) -> LabelMap:
    """Return labels without objects below `min_size` pixels, ids from 1 to n."""
    kept = np.bincount(labels.ravel()) >= min_size
    kept[0] = False
    ids: LabelMap = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return ids[labels]


def join_crumbs(labels: LabelMap, min_size: int) -> LabelMap:
    """Return labels in which everything is as large as `min_size` pixels.

    What is smaller joins what it touches most, also by a corner, the smallest first:
    so crumbs of one object that was broken up become that object again. What touches
    nothing and is too small is removed. Ids count from 1 to n in the order of the old.
    """
    sizes = pixels_by_id(labels, int(labels.max(initial=0)) + 1)
    crumb = (sizes > 0) & (sizes < min_size)
    crumb[0] = False
    if not crumb.any() and (sizes[1:] > 0).all():
        return labels
    owner = _join(sizes, crumb, *_touching(labels, crumb), min_size)
    kept = np.bincount(owner, sizes, len(sizes)) >= max(1, min_size)
    kept[0] = False
    ids: LabelMap = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return ids[owner][labels]


def _touching(
    labels: LabelMap, crumb: npt.NDArray[np.bool_]
) -> tuple[LabelMap, LabelMap, npt.NDArray[np.int64]]:
    """Return crumbs, what else touches them, and at how many pixels of theirs."""
    places = np.nonzero(crumb[labels])
    own = labels[places]
    touching, touched = [], []
    for step in product((-1, 0, 1), repeat=labels.ndim):
        beside = [p + s for p, s in zip(places, step, strict=True)]
        within = np.ones(len(own), bool)
        for at, size in zip(beside, labels.shape, strict=True):
            within &= (at >= 0) & (at < size)
        there = labels[tuple(at[within] for at in beside)]
        counts = (there > 0) & (there != own[within])
        touching.append(own[within][counts])
        touched.append(there[counts])
    return count_pairs(np.concatenate(touching), np.concatenate(touched))


def _join(
    sizes: npt.NDArray[np.int64],
    crumb: npt.NDArray[np.bool_],
    crumbs: LabelMap,
    touched: LabelMap,
    often: npt.NDArray[np.int64],
    min_size: int,
) -> LabelMap:
    """Return which label each one joins; itself, where it joins none."""
    around: dict[int, dict[int, int]] = defaultdict(dict)
    for one, other, pixels in zip(
        crumbs.tolist(), touched.tolist(), often.tolist(), strict=True
    ):
        around[one][other] = pixels
        around[other].setdefault(one, pixels)
    owner = np.arange(len(sizes), dtype=np.int32)
    area = sizes.copy()
    queue = [(int(area[each]), each) for each in np.flatnonzero(crumb).tolist()]
    heapq.heapify(queue)
    while queue:
        size, each = heapq.heappop(queue)
        if owner[each] != each or size != area[each] or not around[each]:
            continue  # it has joined another, or grown, or is alone
        into = max(around[each], key=lambda other: (around[each][other], -other))
        owner[each] = into
        area[into] += area[each]
        for other, pixels in around.pop(each).items():
            del around[other][each]
            if other != into:
                for one, two in ((into, other), (other, into)):
                    around[one][two] = around[one].get(two, 0) + pixels
        if area[into] < min_size:
            heapq.heappush(queue, (int(area[into]), into))
    return settled(owner)
