"""What a scene returns, and the last clean-up of its label map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

Field: TypeAlias = npt.NDArray[np.float64]
Labels: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn image and the truth about it.

    Parameters
    ----------
    image : ndarray of uint8 or uint16
        Camera counts, with the axes of its scene.
    labels : ndarray of int32
        Object ids from 1 without gaps, 0 is background; axes of the image without C.
    """

    image: npt.NDArray[np.integer[Any]]
    labels: Labels


def tidy(labels: Labels, smallest: int) -> Labels:
    """Return connected objects of some size, numbered from 1 without gaps.

    Parameters
    ----------
    labels : ndarray of int32
        Any number of axes.
    smallest : int
        Objects with fewer pixels than this are erased, in pixels.
    """
    return renumber(keep_largest_pieces(labels, smallest))


def keep_largest_pieces(labels: Labels, smallest: int) -> Labels:
    """Erase all but the largest piece of every object, and objects below `smallest`."""
    clean = np.zeros_like(labels)
    for index, region in enumerate(ndi.find_objects(labels), start=1):
        if region is None:
            continue
        piece = largest_piece(labels[region] == index)
        if piece.sum() >= smallest:
            clean[region][piece] = index
    return clean


def renumber(labels: Labels) -> Labels:
    """Return the objects numbered from 1 without gaps, in the order of their ids."""
    ids = np.unique(labels)
    return np.searchsorted(ids[ids > 0], labels).astype(np.int32) + (labels > 0)


def largest_piece(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the largest connected component of a mask."""
    pieces, _ = ndi.label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax()) & mask
