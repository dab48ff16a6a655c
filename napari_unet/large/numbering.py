"""Objects of all blocks become objects of the image, and get their ids."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator

import numpy as np

from napari_unet.geometry.ids import count_pairs
from napari_unet.inference.blocks import BlockPlan
from napari_unet.inference.stitching import (
    Numbering,
    Seams,
    number_objects,
    pairs_of,
)
from napari_unet.large.block_file import BlockFile
from napari_unet.large.folder import RunFolder

_ID_BITS = 32


def iter_number(
    folder: RunFolder, plan: BlockPlan, done: set[int], *, link: bool
) -> Generator[None, None, Numbering]:
    """Return the ids of all objects, from 1 in the order of the blocks.

    What is in memory are tables of objects, and the seams of one row of blocks.

    Parameters
    ----------
    done : set of int
        The blocks that there are; others hold nothing.
    link : bool
        Whether objects in the sections of a stack are one where they overlap.
    """
    counts = []
    for number in range(len(plan.blocks)):
        counts.append(_block(folder, number).count() if number in done else 0)
        yield
    pairs = []
    seams_of = _Kept(folder, plan, done)
    for number in sorted(done):
        found = pairs_of(plan, number, seams_of)
        pairs += [(number, other, each) for other, each in found.items()]
        yield
    numbering = number_objects(0, counts, pairs)
    if not link or plan.shape[1] == 1:
        return numbering
    return (yield from _iter_link(folder, plan, done, numbering))


class _Kept:
    """The seams of the blocks that were asked for last: a row, and what is beside."""

    def __init__(self, folder: RunFolder, plan: BlockPlan, done: set[int]) -> None:
        self._folder = folder
        self._done = done
        self._most = 2 * plan.a_plane // plan.grid[0] + 3
        self._kept: OrderedDict[int, Seams] = OrderedDict()

    def __call__(self, number: int) -> Seams | None:
        if number not in self._done:
            return None
        if number not in self._kept:
            self._kept[number] = _block(self._folder, number).seams()
        self._kept.move_to_end(number)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return self._kept[number]


def _block(folder: RunFolder, number: int) -> BlockFile:
    return BlockFile(folder.block(number))


def _iter_link(
    folder: RunFolder, plan: BlockPlan, done: set[int], numbering: Numbering
) -> Generator[None, None, Numbering]:
    """Make one of objects in neighbouring sections that overlap by more than half.

    As `napari_unet.instances.planes` does it in memory. Sections have the same blocks,
    so each is read once.
    """
    areas = np.zeros(numbering.count + 1, np.int64)
    keys, pixels = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for column in _columns(plan):
        below = None
        for number in column:
            plane = None
            if number in done:
                plane = numbering.of(number)[_block(folder, number).core()]
                areas += np.bincount(plane.ravel(), minlength=len(areas))
            if plane is not None and below is not None:
                both = (plane > 0) & (below > 0)
                one, other, common = count_pairs(below[both], plane[both])
                keys.append(one.astype(np.int64) << _ID_BITS | other)
                pixels.append(common)
            below = plane
            yield
    found, which = np.unique(np.concatenate(keys), return_inverse=True)
    shared = np.zeros(len(found), np.int64)
    np.add.at(shared, which, np.concatenate(pixels))
    ones, others = found >> _ID_BITS, found & (2**_ID_BITS - 1)
    same = 2 * shared > areas[ones] + areas[others] - shared
    return numbering.united(ones[same], others[same])


def _columns(plan: BlockPlan) -> Iterator[range]:
    """Yield the blocks that lie in one place of all sections of a stack."""
    frames, sections = plan.shape[:2]
    step = plan.a_plane
    for frame in range(frames):
        first = frame * sections * step
        for place in range(step):
            yield range(first + place, first + sections * step, step)
