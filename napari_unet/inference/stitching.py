"""Objects of blocks become objects of the plane.

A block keeps the pixels of its core, so no pixel has two objects and none is lost. What
lies across a seam was seen by both blocks: two objects are one where they are nearly
the same pixels in the band along the seam, which both of them have decoded. An object
that is longer than the margin was seen cut, and perhaps in several pieces: a piece is a
part of what holds most of it.

All that is asked of two blocks is what each has found, so the answer does not depend on
when or where they are asked. Objects are numbered by the first block in which they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact, count_pairs
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.blocks import Block, BlockPlan
from napari_unet.inference.predict_block import crop

Seam: TypeAlias = tuple[int, int]
"""An axis, and -1 or 1: the side of a block on which its neighbour lies."""

Pairs: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Objects, and which others they are one with."""


@dataclass(frozen=True, slots=True, eq=False)
class Seams:
    """What others have to know of a block.

    Parameters
    ----------
    count : int
        Objects of which there is something in the core, numbered from 1.
    cut : ndarray of bool, shape (count + 1,)
        Which of them reach to where decoding ended, inside of the plane.
    bands : dict of Seam to ndarray of int
        Their pixels in the bands along the seams.
    """

    count: int
    cut: npt.NDArray[np.bool_]
    bands: Mapping[Seam, LabelMap]


def split_objects(
    plan: BlockPlan, number: int, labels: LabelMap
) -> tuple[LabelMap, Seams]:
    """Return the objects in the core of a block, and what others have to know of them.

    Labels are those of what was decoded.
    """
    block = plan.blocks[number]
    core, renumbered, cut = in_core(block, labels, _plane(plan))
    bands = {
        seam: renumbered[labels[box.relative_to(block.decoded).slices]]
        for seam, box in _bands(plan, number).items()
    }
    return core, Seams(len(cut) - 1, cut, bands)


def in_core(
    block: Block, labels: LabelMap, plane: Box
) -> tuple[LabelMap, npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Return the objects in the core of a block of a plane, numbered from 1.

    And the numbers of all that were decoded, 0 outside of the core; and which reach to
    where decoding ended, by their numbers.
    """
    core, ids = compact(crop(block, labels))
    renumbered = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    renumbered[ids] = np.arange(len(ids), dtype=np.int32)
    cut = np.zeros(len(ids), bool)
    for axis in range(labels.ndim):
        faces = np.moveaxis(labels, axis, 0)
        if block.decoded.start[axis] > plane.start[axis]:
            cut[renumbered[faces[0]]] = True
        if block.decoded.stop[axis] < plane.stop[axis]:
            cut[renumbered[faces[-1]]] = True
    cut[0] = False
    return core, renumbered, cut


def _plane(plan: BlockPlan) -> Box:
    return Box.whole(plan.shape[-len(plan.grid) :])


def _band(plan: BlockPlan, number: int) -> Box:
    block = plan.blocks[number]
    return block.part.band if block.part else block.core


def _bands(plan: BlockPlan, number: int) -> dict[Seam, Box]:
    """Return the boxes in which a block is compared, one for each of its seams."""
    own = _band(plan, number)
    found = {}
    for axis in range(len(plan.grid)):
        for side in (-1, 1):
            step = [side if n == axis else 0 for n in range(len(plan.grid))]
            other = plan.beside(number, step)
            if other is not None:
                shared = own.intersect(_band(plan, other))
                start, stop = list(own.start), list(own.stop)
                start[axis], stop[axis] = shared.start[axis], shared.stop[axis]
                found[axis, side] = Box(tuple(start), tuple(stop))
    return found


def pairs_of(
    plan: BlockPlan, number: int, seams_of: Callable[[int], Seams | None]
) -> dict[int, Pairs]:
    """Return which objects of a block are one with which of the blocks after it.

    Of a block that is not there, nothing is known, and nothing is one with it.
    """
    found = {}
    for other in plan.followers(number):
        shared = _band(plan, number).intersect(_band(plan, other))
        steps = zip(plan.place_of(number), plan.place_of(other), strict=True)
        axis, side = next((n, b - a) for n, (a, b) in enumerate(steps) if a != b)
        seen = []
        for each, seam in ((number, (axis, side)), (other, (axis, -side))):
            part = shared.relative_to(_bands(plan, each)[seam])
            if (seams := seams_of(each)) is not None:
                seen.append((seams.bands[seam][part.slices], seams.cut))
        if len(seen) == 2:
            found[other] = same_objects(*seen[0], *seen[1])
    return found


def same_objects(
    one: LabelMap,
    cut_one: npt.NDArray[np.bool_],
    other: LabelMap,
    cut_other: npt.NDArray[np.bool_],
) -> Pairs:
    """Return pairs of objects in two label maps of the same pixels that are one.

    Most pixels of both are common; or, if one of them was seen cut, most of the
    smaller one.
    """
    both = (one > 0) & (other > 0)
    first, second, common = count_pairs(one[both], other[both])
    area = np.bincount(one.ravel(), minlength=len(cut_one))[first]
    area_other = np.bincount(other.ravel(), minlength=len(cut_other))[second]
    same = 2 * common > area + area_other - common
    held = 2 * common > np.minimum(area, area_other)
    same |= held & (cut_one[first] | cut_other[second])
    return first[same].astype(np.int64), second[same].astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Numbering:
    """The numbers of the objects of some blocks that follow each other.

    Parameters
    ----------
    first : int
        The first of the blocks.
    offsets : ndarray of int64
        How many objects come before those of each block; at last, how many there are.
    numbers : ndarray of int32
        Of all objects of all blocks, one after the other, from 1; 0 for 0.
    """

    first: int
    offsets: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int32]

    @property
    def count(self) -> int:
        """How many objects there are."""
        return int(self.numbers.max())

    def united(
        self, ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]
    ) -> Numbering:
        """Return what is left when pairs of objects, by their numbers, are one."""
        left = _united(self.count, ones, others)
        return replace(self, numbers=left[self.numbers])

    def of(self, number: int) -> npt.NDArray[np.int32]:
        """Return the numbers of the objects of a block, by what it calls them."""
        start, stop = self.offsets[number - self.first : number - self.first + 2]
        found = np.zeros(stop - start + 1, np.int32)
        found[1:] = self.numbers[start + 1 : stop + 1]
        return found


def number_objects(
    first: int,
    counts: Sequence[int],
    pairs: Iterable[tuple[int, int, Pairs]],
) -> Numbering:
    """Give objects of blocks their numbers, from 1 in the order of the blocks.

    Parameters
    ----------
    first : int
        The first block.
    counts : sequence of int
        How many objects there are in each.
    pairs : iterable of (block, other block, pairs)
        Which objects of two blocks are one.

    Returns
    -------
    Numbering
        In which objects that are one have the number of the first.
    """
    offsets = np.cumsum([0, *counts], dtype=np.int64)
    ones, others = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for block, other, (one, two) in pairs:
        ones.append(one + offsets[block - first])
        others.append(two + offsets[other - first])
    numbers = _united(int(offsets[-1]), np.concatenate(ones), np.concatenate(others))
    return Numbering(first, offsets, numbers)


def _united(
    total: int, ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """Return numbers in the order of the first part of each object; 0 for 0."""
    size = total + 1
    links = sparse.coo_array((np.ones(len(ones), bool), (ones, others)), (size, size))
    _, parts = csgraph.connected_components(links.tocsr(), directed=False)
    earliest = np.full(int(parts.max()) + 1, size)
    np.minimum.at(earliest, parts, np.arange(size))
    order = np.empty(len(earliest), np.int32)
    order[np.argsort(earliest)] = np.arange(len(earliest), dtype=np.int32)
    return np.asarray(order[parts])
