"""What a model is measured on: verified pixels that are held out of the training.

Whole images are held out where there are three or more; otherwise spatial blocks,
with a gap between them and the pixels that train. Too few objects allow neither.

Planes of a stack are images, but those beside each other show the same objects, so what
is next to one that is held out does not train. A volume of which single planes are
verified is divided by planes, too, with a wider gap: a network that sees volumes sees
several of them.

Corrections grow while rounds of training follow each other, and each begins with what
the one before has made. So what was trained must not be held out later, or the start
would be measured on what it knows: a block is held out by its place, and an image by
its number, whatever else is verified.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage as ndi

from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.tiling import padded
from napari_unet.learning.judging import Window
from napari_unet.learning.sampling import Batch
from napari_unet.tasks.objectives import Targets
from napari_unet.tasks.objectives.objective import Values

Image: TypeAlias = npt.NDArray[np.float32]

_LEAST_OBJECTS = 6
_LEAST_IMAGES = 3
_SHARE = 5
_MARGIN = 48
_LARGEST = {2: 512, 3: 96}
_MOST_WINDOWS = 12
_BESIDE = 1
_BESIDE_IN_VOLUMES = 2
"""Planes that are too near to one that is held out to train."""


@dataclass(frozen=True, slots=True)
class Holdout:
    """Verified pixels of a plane that train, and those that only measure."""

    train: Mask
    held: Mask


@dataclass(frozen=True, slots=True)
class Section:
    """Where a plane comes from: a stack, by sample and frame, and its place in that."""

    stack: tuple[int, int]
    place: int

    def near(self, other: Section, beside: int) -> bool:
        """Whether another plane of the stack is so few planes away."""
        return self.stack == other.stack and abs(self.place - other.place) <= beside


def iter_hold_out(
    labels: Sequence[LabelMap],
    verified: Sequence[Mask],
    *,
    gap: int,
    seed: int,
    sections: Sequence[Section] = (),
) -> Generator[None, None, list[Holdout] | None]:
    """Split verified pixels into those that train and about a fifth that measure.

    Of three planes or more with objects, the third is held out, and every fifth after
    it; of fewer, blocks, and so many pixels as `gap` around them do neither. Nor do
    planes beside one that is held out, where `sections` say which these are. Returns
    None where there are fewer than six verified objects, or all are in one block: all
    of them must train.
    """
    counts = []
    for plane, mask in zip(labels, verified, strict=True):
        counts.append(count_units(plane, mask))
        yield
    if sum(counts) < _LEAST_OBJECTS:
        return None
    with_objects = np.flatnonzero(counts)
    if len(with_objects) >= _LEAST_IMAGES:
        held = {*with_objects[_LEAST_IMAGES - 1 :: _SHARE].tolist()}
        apart = [not _is_beside(i, held, sections) for i in range(len(verified))]
        return [
            _whole(m & trains, i in held)
            for i, (m, trains) in enumerate(zip(verified, apart, strict=True))
        ]
    split = []
    for number, (plane, mask) in enumerate(zip(labels, verified, strict=True)):
        if counts[number] > 1:
            divide = _iter_planes if _of_single_planes(mask) else _iter_blocks
            split.append((yield from divide(plane, mask, gap, (seed, number))))
        else:
            split.append(_whole(mask, held=False))
    return split if any(part.held.any() for part in split) else None


def count_units(labels: LabelMap, verified: Mask) -> int:
    """Return how many numbered parts have a pixel in a mask."""
    return len(compact(labels[verified])[1]) - 1


def _whole(verified: Mask, held: bool) -> Holdout:
    nothing = np.zeros_like(verified)
    return Holdout(nothing, verified) if held else Holdout(verified, nothing)


def _is_beside(number: int, held: Collection[int], sections: Sequence[Section]) -> bool:
    """Return whether a plane is too near to one that is held out to train."""
    if not sections or number in held:
        return False
    here = sections[number]
    return any(here.near(sections[other], _BESIDE) for other in held)


def _of_single_planes(verified: Mask) -> bool:
    """Whether some planes of a volume are verified, which others lie between."""
    if verified.ndim == 2:
        return False
    planes = np.flatnonzero(verified.any(axis=(1, 2)))
    return len(planes) > 1 and bool((np.diff(planes) > _BESIDE_IN_VOLUMES).any())


def _iter_planes(
    labels: LabelMap,
    verified: Mask,
    gap: int,
    key: tuple[int, int],
) -> Generator[None, None, Holdout]:
    """Hold out a fifth of the planes of a volume, but not all that have objects.

    Where all others are too near to these, blocks, with a gap in pixels.
    """
    owners = np.flatnonzero((verified & (labels > 0)).any(axis=(1, 2)))
    yield
    chosen = np.zeros(len(labels), bool)
    chosen[_chosen(owners, key)] = True
    near = ndi.binary_dilation(chosen, iterations=_BESIDE_IN_VOLUMES)
    if not near[owners].all():
        held, trains = chosen[:, None, None], ~near[:, None, None]
        return Holdout(verified & trains, verified & held)
    return (yield from _iter_blocks(labels, verified, gap, key))


def _iter_blocks(
    labels: LabelMap, verified: Mask, gap: int, key: tuple[int, int]
) -> Generator[None, None, Holdout]:
    """Hold out a fifth of the blocks of a grid, but not all that have objects."""
    block = _block_of_pixels(labels, verified)
    yield
    owners = np.array(sorted(_blocks_with_objects(labels, verified, block)))
    yield
    held = np.zeros(int(block.max()) + 1, bool)
    held[_chosen(owners, key)] = True
    chosen = held[block]
    near = ndi.binary_dilation(chosen, iterations=gap)
    yield
    return Holdout(verified & ~near, verified & chosen)


def _chosen(
    owners: npt.NDArray[np.int64], key: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Return a fifth of some blocks or planes: one at least, and never all."""
    draws = _draws(owners, key)
    held = draws < 1 / _SHARE
    held[np.argmin(draws)] = True
    held[np.argmax(draws)] = False
    return owners[held]


def _draws(
    blocks: npt.NDArray[np.int64], key: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Return a number from 0 to 1 for each block, always the same one."""
    return np.array([np.random.default_rng([*key, n]).random() for n in blocks])


def _block_of_pixels(labels: LabelMap, verified: Mask) -> npt.NDArray[np.int32]:
    """Assign pixels to blocks of a grid; objects go where their centre is.

    A block is as wide as 2.5 objects or so: a power of two, which more objects seldom
    change.
    """
    dense, _ = compact(labels)
    count = int(dense.max()) + 1
    areas = np.bincount(dense[verified & (labels > 0)], minlength=count)
    numbers = np.flatnonzero(areas)
    wanted = 2.5 * np.median(areas[numbers]) ** (1 / labels.ndim)
    size = 2 ** max(4, round(np.log2(wanted)))
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
) -> set[int]:
    return {*np.unique(block[verified & (labels > 0)]).tolist()}


def iter_windows(
    image: Image, values: Values, mask: Mask, targets: Targets, stride: int
) -> Generator[None, None, list[Window]]:
    """Cut windows around held-out pixels of a plane, with some context."""
    if not mask.any():
        return []
    near = ndi.binary_dilation(mask, iterations=_MARGIN // 3)
    yield
    pieces, _ = ndi.label(near)
    known = targets.known * mask
    parts = [
        (float(known[:, *part.slices].sum()), part)
        for region in ndi.find_objects(pieces)
        for part in _cut(Box.from_slices(region))
    ]
    yield
    parts.sort(key=lambda each: -each[0])
    chosen = [part for full, part in parts[:_MOST_WINDOWS] if full]
    found = [_window(image, values, mask, targets, part, stride) for part in chosen]
    yield
    return found


def fullest(windows: Sequence[Window], most_pixels: int | None = None) -> list[Window]:
    """Return the windows with most of what is looked for, of so many pixels or more."""
    found = sorted(windows, key=lambda w: -float(w.batch.weight.sum()))[:_MOST_WINDOWS]
    if most_pixels is None:
        return found
    areas = np.cumsum([window.judged.size for window in found])
    return found[: 1 + int(np.searchsorted(areas, most_pixels))]


def _window(
    image: Image, values: Values, mask: Mask, targets: Targets, part: Box, stride: int
) -> Window:
    box = part.grow(_MARGIN, mask.shape)
    index: Any = (..., *box.slices)
    inside = np.zeros(box.shape, np.float32)
    inner = part.relative_to(box).slices
    inside[inner] = mask[part.slices]
    cut, maps, known = (
        each[:, *box.slices] for each in (image, targets.maps, targets.known)
    )
    parts = (padded(each, stride, "constant") for each in (cut, maps, known * inside))
    batch = Batch(*(torch.from_numpy(np.array(each))[None] for each in parts))
    return Window(batch, values[index], inside > 0)


def _cut(box: Box) -> list[Box]:
    """Cut a box into parts of at most so many pixels along each axis."""
    most = _LARGEST[len(box.start)]
    spans = [
        [(a, min(a + most, stop)) for a in range(start, stop, most)]
        for start, stop in zip(box.start, box.stop, strict=True)
    ]
    return [
        Box(tuple(a for a, _ in part), tuple(b for _, b in part))
        for part in product(*spans)
    ]
