"""Pixels as run lengths: short for what a brush paints, and for whole planes too."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.points import Points

Runs: TypeAlias = npt.NDArray[np.int64]
"""Of a mask: how many pixels are skipped, taken, skipped, taken, ...

Of values: value, count, value, count, ...
"""


def runs_of_mask(mask: Mask) -> Runs:
    """Return a mask, in the order of the array, as run lengths."""
    flat = mask.reshape(-1)
    lengths = np.diff(run_starts(flat), append=flat.size)
    if flat.size and flat[0]:
        lengths = np.append(0, lengths)
    # What is skipped at the end says nothing.
    return lengths[: len(lengths) - len(lengths) % 2].astype(np.int64)


def runs_of_points(points: Points, box: Box) -> Runs:
    """Return pixels of a box, one or more and in order, as run lengths of a mask."""
    local = tuple(axis - start for axis, start in zip(points, box.start, strict=True))
    flat = np.ravel_multi_index(local, box.shape)
    first = np.flatnonzero(np.diff(flat, prepend=-2) != 1)
    last = np.append(first[1:], len(flat)) - 1
    skipped = flat[first] - np.append(0, flat[last[:-1]] + 1)
    taken = flat[last] - flat[first] + 1
    return np.stack([skipped, taken], axis=1, dtype=np.int64).ravel()


def mask_of_runs(runs: Runs, box: Box) -> Mask:
    """Return the mask of a box; `check_mask` says whether it is one."""
    mask = np.zeros(int(np.prod(box.shape)), bool)
    taken = np.arange(len(runs)) % 2 == 1
    mask[: runs.sum()] = np.repeat(taken, runs)
    return mask.reshape(box.shape)


def points_of_runs(runs: Runs, box: Box) -> Points:
    """Return the pixels that a mask takes of a box, in the order of the array."""
    starts = np.cumsum(runs)[0::2]
    counts = runs[1::2]
    begun = np.repeat(np.cumsum(counts) - counts, counts)
    flat = np.repeat(starts, counts) + np.arange(counts.sum()) - begun
    local = np.unravel_index(flat, box.shape)
    return tuple(axis + start for axis, start in zip(local, box.start, strict=True))


def bounds_of_runs(runs: Runs, box: Box) -> Box:
    """Return the smallest box that holds the pixels, of which a mask takes some."""
    ends = np.cumsum(runs)
    first, last = ends[0::2], ends[1::2] - 1
    corners = (np.unravel_index(each, box.shape) for each in (first, last))
    start, stop = [], []
    for axis, (low, high) in enumerate(zip(*corners, strict=True)):
        # A run from one line to the next goes over the border between them.
        line = int(np.prod(box.shape[axis:]))
        if (first // line != last // line).any():
            start.append(box.start[axis])
            stop.append(box.stop[axis])
        else:
            start.append(box.start[axis] + int(low.min()))
            stop.append(box.start[axis] + int(high.max()) + 1)
    return Box(tuple(start), tuple(stop))


def runs_of_values(values: npt.NDArray[Any]) -> Runs:
    """Return whole numbers, of which there are some, as value and count."""
    first = run_starts(values)
    counts = np.diff(first, append=len(values))
    return np.stack([values[first], counts], axis=1, dtype=np.int64).ravel()


def run_starts(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return where runs of equal values begin in an array of one axis; 0 at least."""
    turns = np.flatnonzero(values[1:] != values[:-1])
    starts = np.zeros(len(turns) + 1, np.int64)
    np.add(turns, 1, out=starts[1:])
    return starts


def values_of_runs(runs: Runs, dtype: npt.DTypeLike = np.int64) -> npt.NDArray[Any]:
    """Return the values, which fit into a data type."""
    return np.repeat(runs[0::2].astype(dtype), runs[1::2])


def check_mask(runs: Runs, box: Box) -> int:
    """Return how many pixels a mask takes of a box.

    Raises a ValueError if the runs are no mask of the box.
    """
    area = int(np.prod(box.shape, dtype=object))
    if len(runs) % 2 or (runs < 0).any() or (runs[1::2] < 1).any():
        raise ValueError("a mask has run lengths that do not exist")
    if sum(runs.tolist()) > area:  # sums of numpy's integers may overflow
        raise ValueError("a mask is larger than its box")
    return int(runs[1::2].sum())


def order_of_mask(runs: Runs, box: Box) -> npt.NDArray[np.intp]:
    """Return in which order the pixels of a mask are those of an array.

    Once, what was taken of large objects was written down tile by tile; some of what is
    skipped is negative then.

    Raises a ValueError if these are no pixels of the box, or one of them twice.
    """
    area, counts = int(np.prod(box.shape, dtype=object)), runs[1::2]
    if len(runs) % 2 or (counts < 1).any() or sum(counts.tolist()) > area:
        raise ValueError("a mask has run lengths that do not exist")
    ends = np.cumsum(runs)
    if ends[0::2].min() < 0 or ends[1::2].max() > area:
        raise ValueError("a mask reaches beyond its box")
    flat = np.concatenate(
        [np.arange(a, b) for a, b in zip(ends[0::2], ends[1::2], strict=True)]
    )
    order = np.argsort(flat, kind="stable")
    if (np.diff(flat[order]) < 1).any():
        raise ValueError("a mask takes a pixel twice")
    return order


def check_values(runs: Runs, count: int, smallest: int, largest: int) -> None:
    """Refuse what are not `count` values within limits.

    Raises a ValueError if the runs hold other values, or another number of them.
    """
    values, counts = runs[0::2], runs[1::2]
    if len(runs) % 2 or (counts < 1).any() or sum(counts.tolist()) != count:
        raise ValueError(f"there are not as many values as pixels ({count})")
    if (values < smallest).any() or (values > largest).any():
        raise ValueError(f"values are not between {smallest} and {largest}")
