"""What simpler ways make of the same objects: tiles, and tiles that are joined.

The maps are decoded tile by tile. Side by side, every seam cuts what lies across it.
Or labels of two tiles are made one where they touch across the seam: dask-image does
that, by the steps with which it labels an array in chunks. What only touches becomes
one, too.
"""

from __future__ import annotations

from itertools import product

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask_image.ndmeasure._utils import _label

from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
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
    return _joined(labels, sum(counts), side) if joined else labels


def _joined(labels: Labels, count: int, side: int) -> Labels:
    """Return the labels of tiles as dask-image joins them, of which there are many."""
    blocks = da.from_array(labels, chunks=side)
    graph = _label.label_adjacency_graph(blocks, None, count)
    numbers = _label.connected_components_delayed(graph)
    found = _label.relabel_blocks(blocks, numbers).compute(scheduler="synchronous")
    return np.asarray(found, np.int32)


def wrong(labels: Labels, whole: Labels) -> tuple[int, int]:
    """Return how many objects of the whole are in pieces, and how many are joined."""
    pairs = np.unique(np.stack([whole.ravel(), labels.ravel()]), axis=1)
    first, second = pairs[:, (pairs > 0).all(axis=0)]
    cut = int((np.bincount(first) > 1).sum())
    held = np.bincount(second)
    return cut, int(held[held > 1].sum())
