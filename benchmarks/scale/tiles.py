"""What simpler ways make of the same objects: tiles, and tiles that are joined.

The maps are decoded tile by tile. Side by side, every seam cuts what lies across it.
With an overlap, labels of two tiles are one where they touch across the seam, as by
`dask_image.ndmeasure.label`: then what only touches becomes one, too.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.inference.stitching import Pairs, number_objects
from napari_unet.instances.decoding import Maps
from napari_unet.tasks.objectives import objective_of
from napari_unet.weights.model import Model

Labels = npt.NDArray[np.int32]


def tiled(maps: Maps, model: Model, side: int, overlap: int, *, joined: bool) -> Labels:
    """Return labels of maps (K, Y, X) that were decoded in tiles."""
    shape = maps.shape[1:]
    objective = objective_of(model.spec)
    labels = np.zeros(shape, np.int32)
    counts: list[int] = []
    places = {}
    for number, start in enumerate(product(*(range(0, n, side) for n in shape))):
        core = Box(start, (start[0] + side, start[1] + side)).intersect(
            Box.whole(shape)
        )
        seen = core.grow(overlap, shape)
        part = np.ascontiguousarray(maps[:, *seen.slices])
        found = drain(objective.iter_decode(part))[core.relative_to(seen).slices]
        labels[core.slices] = np.where(found > 0, found + sum(counts), 0)
        counts.append(int(found.max(initial=0)))
        places[start] = number
    nothing = np.zeros(0, np.int64)
    pairs = _touching(labels, side) if joined else (nothing, nothing)
    numbers = number_objects(0, [sum(counts)], [(0, 0, pairs)]).of(0)
    return numbers[labels]


def _touching(labels: Labels, side: int) -> Pairs:
    """Return pairs of labels that meet across a seam."""
    ones, others = [], []
    for turned in (labels, labels.T):
        for seam in range(side, len(turned), side):
            before, after = turned[seam - 1], turned[seam]
            both = (before > 0) & (after > 0)
            ones.append(before[both].astype(np.int64))
            others.append(after[both].astype(np.int64))
    return np.concatenate(ones), np.concatenate(others)


def wrong(labels: Labels, whole: Labels) -> tuple[int, int]:
    """Return how many objects of the whole are in pieces, and how many are joined."""
    pairs = np.unique(np.stack([whole.ravel(), labels.ravel()]), axis=1)
    first, second = pairs[:, (pairs > 0).all(axis=0)]
    cut = int((np.bincount(first) > 1).sum())
    held = np.bincount(second)
    return cut, int(held[held > 1].sum())
