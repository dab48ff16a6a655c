"""Pieces of an array that hang together, where some neighbours are parted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from napari_unet.geometry.maps import LabelMap, Mask


def neighbours(dims: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the indices of pixels with a next one along an axis, and of the next."""
    whole = [slice(None)] * dims
    first, second = list(whole), list(whole)
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    return tuple(first), tuple(second)


def connected_pieces(mask: Mask, links: Sequence[Mask]) -> tuple[LabelMap, int]:
    """Return the numbered pieces of a mask in which only some neighbours are linked.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X) or (Z, Y, X)
        Pixels that belong to pieces.
    links : sequence of ndarray of bool
        For every axis, whether each pixel is linked with the next one along it; one
        shorter than the mask along that axis.

    Returns
    -------
    pieces : ndarray of int32
        From 1 on, in the order of their first pixels; 0 outside of the mask.
    count : int
        How many there are.
    """
    # Pixels in a row are one node, so the graph is small.
    starts = mask.copy()
    starts[..., 1:] &= ~(links[-1] & mask[..., :-1])
    inside = mask.reshape(-1)
    changes = starts.reshape(-1).copy()
    changes[1:] |= inside[:-1] & ~inside[1:]
    changes[:1] = True
    bounds = np.flatnonzero(changes)
    rows = inside[bounds]
    firsts = bounds[rows]
    of_row = connected_numbers(len(firsts), *_linked_rows(mask, links, starts, firsts))
    numbers = np.zeros(len(bounds), np.int32)
    numbers[rows] = of_row + 1
    pieces = np.repeat(numbers, np.diff(bounds, append=inside.size))
    return pieces.reshape(mask.shape), int(of_row.max(initial=-1)) + 1


def connected_numbers(
    count: int,
    first: npt.NDArray[np.integer[Any]],
    second: npt.NDArray[np.integer[Any]],
) -> npt.NDArray[np.int32]:
    """Return the piece of each of `count` numbers, from 0 on, where pairs connect."""
    graph = scipy.sparse.coo_array(
        (np.ones(len(first), bool), (first, second)), shape=(count, count)
    )
    _, pieces = scipy.sparse.csgraph.connected_components(graph, directed=False)
    return np.asarray(pieces, np.int32)


def _linked_rows(
    mask: Mask, links: Sequence[Mask], starts: Mask, firsts: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return pairs of rows, numbered from 0, that are linked across other axes."""
    first, second = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
    for axis in range(mask.ndim - 1):
        here, there = neighbours(mask.ndim, axis)
        linked = np.zeros_like(mask)
        linked[here] = links[axis] & mask[here] & mask[there]
        # Where both rows and the link go on, there is nothing new.
        new = starts.copy()
        new[here] |= starts[there]
        new[..., 1:] |= ~linked[..., :-1]
        new &= linked
        places = np.flatnonzero(new)
        stride = math.prod(mask.shape[axis + 1 :])
        first.append(np.searchsorted(firsts, places, side="right") - 1)
        second.append(np.searchsorted(firsts, places + stride, side="right") - 1)
    return np.concatenate(first), np.concatenate(second)
