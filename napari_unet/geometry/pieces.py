"""Pieces of an array that hang together, where some neighbours are parted."""

from __future__ import annotations

from collections.abc import Sequence

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
        From 1 on, in no particular order; 0 outside of the mask.
    count : int
        How many there are.
    """
    # Pixels in a row are one node, so the graph is small.
    starts = mask.copy()
    starts[..., 1:] &= ~(links[-1] & mask[..., :-1])
    rows = np.cumsum(starts.ravel(), dtype=np.int32).reshape(mask.shape)
    count = int(rows.flat[-1]) if rows.size else 0
    first, second = _linked_rows(mask, links, rows)
    graph = scipy.sparse.coo_array(
        (np.ones(len(first), bool), (first, second)), shape=(count, count)
    )
    found, of_row = scipy.sparse.csgraph.connected_components(graph, directed=False)
    numbers = np.concatenate([np.zeros(1, np.int32), of_row.astype(np.int32) + 1])
    return np.where(mask, numbers[rows], 0), found if count else 0


def _linked_rows(
    mask: Mask, links: Sequence[Mask], rows: LabelMap
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return pairs of rows, numbered from 0, that are linked across other axes."""
    first, second = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for axis in range(mask.ndim - 1):
        here, there = neighbours(mask.ndim, axis)
        linked = links[axis] & mask[here] & mask[there]
        a, b = rows[here][linked], rows[there][linked]
        new = np.ones(len(a), bool)
        new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
        first.append(a[new] - 1)
        second.append(b[new] - 1)
    return np.concatenate(first), np.concatenate(second)
