"""Objects whose parts touch by corners alone."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.pieces import connected_pieces, neighbours


def mend_joints(labels: npt.NDArray[np.integer[Any]]) -> LabelMap:
    """Return labels in which parts of an object that touch by a corner hang together.

    A pixel of background beside the corner becomes part of the object; where there is
    none the parts stay apart.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X) or (Z, Y, X)
        Object ids; 0 is background.
    """
    mended = np.array(labels, np.int32)
    alike = []
    for axis in range(labels.ndim):
        here, there = neighbours(labels.ndim, axis)
        alike.append(labels[here] == labels[there])
    pieces, count = connected_pieces(labels > 0, alike)
    if count == len(compact(mended)[1]) - 1:
        return mended
    for axes in combinations(range(labels.ndim), 2):
        _fill_corners(mended, pieces, axes)
        _fill_corners(np.flip(mended, axes[1]), np.flip(pieces, axes[1]), axes)
    return mended


def _fill_corners(mended: LabelMap, pieces: LabelMap, axes: tuple[int, int]) -> None:
    """Fill where an object goes on one pixel further along both axes, in place."""
    first, second = axes
    here, next_first = neighbours(mended.ndim, first)
    in_row, next_second = neighbours(mended.ndim, second)
    corner, opposite = mended[here][in_row], mended[next_first][next_second]
    parted = pieces[here][in_row] != pieces[next_first][next_second]
    joint = (corner > 0) & (corner == opposite) & parted
    for place in (mended[next_first][in_row], mended[here][next_second]):
        free = joint & (place == 0)
        place[free] = corner[free]
        joint &= ~free
