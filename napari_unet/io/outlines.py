"""Pixels inside of outlines, by the even-odd rule; what lies outside is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Loop: TypeAlias = npt.NDArray[np.float64]
"""Corners (Y, X) of a closed outline, shape (n, 2); pixel (0, 0) reaches to (1, 1)."""

Window: TypeAlias = tuple[slice, slice]


def window_of(loops: Sequence[Loop], shape: tuple[int, int]) -> Window:
    """Return the rows and columns of an image that outlines can reach; may be empty."""
    corners = np.concatenate(loops)
    size = np.array(shape)
    first = np.clip(np.floor(corners.min(0)), 0, size).astype(int)
    last = np.clip(np.ceil(corners.max(0)), first, size).astype(int)
    return slice(first[0], last[0]), slice(first[1], last[1])


def count_crossings(loops: Sequence[Loop], window: Window) -> int:
    """Return how often outlines cross the rows of a window: the work of `fill`."""
    return sum(int(_rows(loop, window)[1].sum()) for loop in loops)


def fill(loops: Sequence[Loop], window: Window) -> npt.NDArray[np.bool_]:
    """Return which pixels of a window have their centre inside of the outlines.

    As ImageJ does it, and in time that grows with the outlines' length and the window
    only; `skimage.draw.polygon` looks at all corners for every pixel.

    Parameters
    ----------
    loops : sequence of Loop
        Finite numbers. Where two overlap is outside.
    window : tuple of slice
        From `window_of`.

    Returns
    -------
    ndarray of bool
        Shape of the window.
    """
    rows, columns = window
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    turns = np.zeros((shape[0], shape[1] + 1), np.int32)
    for loop in loops:
        row, x = _crossings(loop, window)
        column = np.clip(np.ceil(x - 0.5), columns.start, columns.stop).astype(int)
        np.add.at(turns, (row - rows.start, column - columns.start), 1)
    inside: npt.NDArray[np.bool_] = np.cumsum(turns, axis=1)[:, :-1] % 2 == 1
    return inside


def _rows(
    loop: Loop, window: Window
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for every edge its first row in the window, and how many it crosses."""
    y, end = loop[:, 0], np.roll(loop[:, 0], -1)
    limits = window[0].start, window[0].stop
    first = np.clip(np.ceil(np.minimum(y, end) - 0.5), *limits).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(y, end) - 0.5), *limits).astype(np.int64)
    return first, last - first


def _crossings(
    loop: Loop, window: Window
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the rows whose centre lines an outline crosses, and where (X)."""
    first, count = _rows(loop, window)
    edge = np.repeat(np.arange(len(loop)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    row = first[edge] + step
    start, end = loop[edge], np.roll(loop, -1, axis=0)[edge]
    share = (row + 0.5 - start[:, 0]) / (end[:, 0] - start[:, 0])
    return row, start[:, 1] + share * (end[:, 1] - start[:, 1])
