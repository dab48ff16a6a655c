"""Which verified pixels are held out, to tell whether a model got better.

Whole images are held out where there are three or more; otherwise spatial blocks,
with a gap between them and the pixels that train. Too few objects allow neither.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_unet.core.jobs import drain
from napari_unet.geometry.ids import compact, count_pairs
from napari_unet.geometry.maps import LabelMap, Mask

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
    return drain(iter_hold_out(labels, verified, gap=gap, rng=rng))


def iter_hold_out(
    labels: Sequence[LabelMap],
    verified: Sequence[Mask],
    *,
    gap: int,
    rng: np.random.Generator,
) -> Generator[None, None, list[Holdout] | None]:
    """Split as `hold_out`; yields several times for every plane."""
    counts = []
    for plane, mask in zip(labels, verified, strict=True):
        counts.append(_count_objects(plane, mask))
        yield
    if sum(counts) < _LEAST_OBJECTS:
        return None
    with_objects = np.flatnonzero(counts)
    if len(with_objects) >= _LEAST_IMAGES:
        number = max(1, len(with_objects) // _SHARE)
        chosen = set(rng.choice(with_objects, number, replace=False).tolist())
        return [_whole(m, i in chosen) for i, m in enumerate(verified)]
    split = []
    for plane, mask, count in zip(labels, verified, counts, strict=True):
        if count > 1:
            split.append((yield from _iter_blocks(plane, mask, gap, rng)))
        else:
            split.append(_whole(mask, held=False))
    return split


def _count_objects(labels: LabelMap, verified: Mask) -> int:
    return len(compact(labels[verified])[1]) - 1


def _whole(verified: Mask, held: bool) -> Holdout:
    nothing = np.zeros_like(verified)
    return Holdout(nothing, verified) if held else Holdout(verified, nothing)


def _iter_blocks(
    labels: LabelMap, verified: Mask, gap: int, rng: np.random.Generator
) -> Generator[None, None, Holdout]:
    """Hold out blocks until they own a fifth of the objects."""
    block = _block_of_pixels(labels, verified)
    yield
    owners = _blocks_with_objects(labels, verified, block)
    yield
    wanted = max(1, sum(owners.values()) // _SHARE)
    chosen = np.zeros(int(block.max()) + 1, bool)
    got = 0
    for index in rng.permutation(sorted(owners))[:-1]:
        if got >= wanted:
            break
        chosen[index] = True
        got += owners[int(index)]
    held = chosen[block]
    near = ndi.binary_dilation(held, iterations=gap)
    yield
    return Holdout(verified & ~near, verified & held)


def _block_of_pixels(labels: LabelMap, verified: Mask) -> npt.NDArray[np.int32]:
    """Assign pixels to blocks of a grid; objects go where their centre is."""
    dense, _ = compact(labels)
    count = int(dense.max()) + 1
    areas = np.bincount(dense[verified & (labels > 0)], minlength=count)
    numbers = np.flatnonzero(areas)
    size = int(max(16, 2.5 * np.median(areas[numbers]) ** (1 / labels.ndim)))
    rows, columns = (np.arange(n) // size for n in labels.shape[-2:])
    block = (rows[:, None] * (columns[-1] + 1) + columns[None]).astype(np.int32)
    owner = np.full(count, -1, np.int32)
    owner[numbers] = block[_centres(dense, numbers)]
    of_object = owner[dense]
    return np.where(of_object >= 0, of_object, np.broadcast_to(block, labels.shape))


def _centres(
    dense: LabelMap, numbers: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], ...]:
    """Return rows and columns of the centres of numbered objects."""
    inside = np.nonzero(dense)
    of_pixels = dense[inside]
    pixels = np.bincount(of_pixels)
    sums = [np.bincount(of_pixels, weights=axis) for axis in inside[-2:]]
    return tuple((total[numbers] / pixels[numbers]).astype(int) for total in sums)


def _blocks_with_objects(
    labels: LabelMap, verified: Mask, block: npt.NDArray[np.int32]
) -> dict[int, int]:
    pixels = verified & (labels > 0)
    of_pairs, _, _ = count_pairs(block[pixels], labels[pixels])
    blocks, counts = np.unique(of_pairs, return_counts=True)
    return dict(zip(blocks.tolist(), counts.tolist(), strict=True))
