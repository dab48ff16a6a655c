"""Which verified pixels are held out, to tell whether a model got better.

Whole images are held out where there are three or more; otherwise spatial blocks,
with a gap between them and the pixels that train. Too few objects allow neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_unet.core.ids import compact, count_pairs
from napari_unet.core.provenance import LabelMap, Mask

_LEAST_OBJECTS = 6
_LEAST_IMAGES = 3
_SHARE = 5


@dataclass(frozen=True, slots=True)
class Holdout:
    """Masks of one plane: `train` and `held` never overlap.

    Parameters
    ----------
    train, held : ndarray of bool, shape (Y, X)
        Verified pixels that train, and those that only measure.
    """

    train: Mask
    held: Mask


def hold_out(
    labels: Sequence[LabelMap],
    verified: Sequence[Mask],
    *,
    gap: int,
    rng: np.random.Generator,
) -> list[Holdout] | None:
    """Split verified pixels into those that train and about a fifth that measure.

    Parameters
    ----------
    labels, verified : sequences of ndarray, shape (Y, X)
        One entry per plane.
    gap : int
        Pixels around a held-out block that do neither.
    rng : numpy.random.Generator
        Chooses what is held out.

    Returns
    -------
    list of Holdout or None
        None when fewer than six verified objects exist: all of them must train.
    """
    counts = [_count_objects(a, m) for a, m in zip(labels, verified, strict=True)]
    if sum(counts) < _LEAST_OBJECTS:
        return None
    with_objects = np.flatnonzero(counts)
    if len(with_objects) >= _LEAST_IMAGES:
        number = max(1, len(with_objects) // _SHARE)
        chosen = set(rng.choice(with_objects, number, replace=False).tolist())
        return [_whole(m, i in chosen) for i, m in enumerate(verified)]
    return [
        _blocks(a, m, gap, rng) if n > 1 else _whole(m, held=False)
        for a, m, n in zip(labels, verified, counts, strict=True)
    ]


def _count_objects(labels: LabelMap, verified: Mask) -> int:
    return len(compact(labels[verified])[1]) - 1


def _whole(verified: Mask, held: bool) -> Holdout:
    nothing = np.zeros_like(verified)
    return Holdout(nothing, verified) if held else Holdout(verified, nothing)


def _blocks(
    labels: LabelMap, verified: Mask, gap: int, rng: np.random.Generator
) -> Holdout:
    """Hold out blocks until they own a fifth of the objects."""
    block = _block_of_pixels(labels, verified)
    owners = _blocks_with_objects(labels, verified, block)
    wanted = max(1, sum(owners.values()) // _SHARE)
    held = np.zeros_like(verified)
    got = 0
    for index in rng.permutation(sorted(owners))[:-1]:
        if got >= wanted:
            break
        held |= block == index
        got += owners[int(index)]
    near = ndi.binary_dilation(held, iterations=gap)
    return Holdout(verified & ~near, verified & held)


def _block_of_pixels(labels: LabelMap, verified: Mask) -> npt.NDArray[np.int32]:
    """Assign pixels to blocks of a grid; objects go where their centre is."""
    ids, areas = np.unique(labels[verified & (labels > 0)], return_counts=True)
    size = int(max(16, 2.5 * np.median(areas) ** (1 / labels.ndim)))
    rows, columns = (np.arange(n) // size for n in labels.shape[-2:])
    block = (rows[:, None] * (columns[-1] + 1) + columns[None]).astype(np.int32)
    centres = ndi.center_of_mass(labels > 0, labels, ids)
    *_, rows_of, columns_of = np.array(centres, int).reshape(-1, labels.ndim).T
    owner = dict(zip(ids.tolist(), block[rows_of, columns_of], strict=True))
    block = np.broadcast_to(block, labels.shape).copy()
    inside = np.isin(labels, ids)
    found, inverse = np.unique(labels[inside], return_inverse=True)
    block[inside] = np.array([owner[int(i)] for i in found], np.int32)[inverse]
    return np.asarray(block, np.int32)


def _blocks_with_objects(
    labels: LabelMap, verified: Mask, block: npt.NDArray[np.int32]
) -> dict[int, int]:
    pixels = verified & (labels > 0)
    of_pairs, _, _ = count_pairs(block[pixels], labels[pixels])
    blocks, counts = np.unique(of_pairs, return_counts=True)
    return dict(zip(blocks.tolist(), counts.tolist(), strict=True))
