"""The plan of a prediction: blocks that are predicted one by one and stitched.

Along an axis, a block in the middle of a plane::

    read       decoded   band    core          core    band   decoded      read
    |-- halo --|- margin -|------|===== core =====|------|- margin -|-- halo --|

The network needs the halo to say of the rest what it would say of the whole plane, and
objects of the core reach into the margin. In the band, objects of neighbouring blocks
are compared (`napari_unet.inference.stitching`). A block keeps the pixels of its core.
What fits into memory is a single block, whose boxes are all the plane, or the volume
where the network is 3-D.

What a block holds depends on the plan, the image and the model alone, and blocks lie
where they lie whatever the memory, the order or the number of workers. So they may be
predicted in any order, elsewhere, and again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.outwards import distance_to, nearness
from napari_unet.geometry.regrid import Regrid, needed, owned
from napari_unet.images.source import CanonicalImage, anisotropy_of
from napari_unet.inference.model_input import zoomed_shape, zooms_of
from napari_unet.inference.volumes import Predictor
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks import task_of

LARGEST = {2: 2**30, 3: 2**25}
"""Pixels of a plane, or of a volume as it is seen, that are predicted as one."""

_WORTH_A_PREVIEW = 0.5

LARGEST_CACHED = 2**24
"""Pixels of the zoomed image whose maps are kept; two bytes for each of its maps."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """How a plane is cut into blocks, in pixels of the grid that the network sees.

    Results depend on it, so it is one for all, whatever a machine has. With the halo of
    the built-in models a window is so large that a third of it is computed twice, and
    takes half a gigabyte.

    Parameters
    ----------
    core : int
        Extent of what a block keeps; rounded up to the network's stride.
    margin : int
        Pixels around it in which objects are seen. Wider ones are put together again.
    band : int
        Pixels around it in which the objects of neighbours are compared.
    """

    core: int
    margin: int
    band: int


CUTTINGS = {2: Cutting(core=2048, margin=64, band=32), 3: Cutting(224, 32, 16)}
"""For planes and volumes."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a block is of a plane that is larger than the block.

    Parameters
    ----------
    band : Box
        See above; on the grid of the image.
    own : Box
        The core on the grid that the network sees.
    zoomed, seen : Regrid, Box
        The way from what is read to what the network sees, and what is decoded there.
    back : Regrid
        The way of that to what is decoded on the grid of the image.
    """

    band: Box
    own: Box
    zoomed: Regrid
    seen: Box
    back: Regrid


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a plane, or of a volume, which has all sections.

    What is kept, where objects are looked for, and what is read, as boxes (Y, X) or
    (Z, Y, X) on the grid of the image. Without a `part` it is zoomed by itself.
    """

    frame: int
    section: int | None
    core: Box
    decoded: Box
    read: Box
    part: Part | None = None

    def in_result(self, box: Box) -> Box:
        """Return a box of the plane, or volume, in the (T, Z, Y, X) of the result."""
        start, stop = box.start, box.stop
        if self.section is not None:
            start, stop = (self.section, *start), (self.section + 1, *stop)
        return Box((self.frame, *start), (self.frame + 1, *stop))


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """What the blocks of an image (T, Z, Y, X) have in common, and the blocks.

    The limits are the grey values of the whole image that become 0 and 1, by channel.
    The result is raw, maps as the network gives them, or else what they are decoded to;
    objects get their ids when all is done. Planes are zoomed for the network, and
    volumes also along Z (`zooms`, one for each axis that the network sees). Each plane
    has as many blocks as the grid says along its axes, in reading order; their cores
    cover the image, each pixel once.
    """

    shape: tuple[int, int, int, int]
    spec: ModelSpec
    limits: tuple[tuple[float, float], ...]
    raw: bool
    objects: bool
    zooms: tuple[float, ...]
    grid: tuple[int, ...]
    blocks: tuple[Block, ...]

    def network_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a plane, or a volume, as the network sees it."""
        return zoomed_shape(shape, self.zooms)

    @property
    def zoom(self) -> float:
        """By how much planes are zoomed."""
        return self.zooms[-1]

    @property
    def largest_plane(self) -> tuple[int, ...]:
        """Shape of what the network sees of the largest block."""
        shape = max((block.read.shape for block in self.blocks), key=math.prod)
        return self.network_shape(shape)

    @property
    def cached(self) -> bool:
        """Whether maps are kept, rounded, so that thresholds can be moved."""
        seen = self.network_shape(self.shape[-len(self.grid) :])
        others = math.prod(self.shape[: -len(self.grid)])
        small = others * math.prod(seen) <= LARGEST_CACHED
        known = self.planar or self.spec.decoding.seen_from_sides
        return self.objects and known and small and self.a_plane == 1

    @property
    def planar(self) -> bool:
        """Whether blocks are parts of planes, not of volumes."""
        return len(self.grid) == 2

    @property
    def a_plane(self) -> int:
        """How many blocks a plane, or a volume, has."""
        return math.prod(self.grid)

    def plane_of(self, number: int) -> int:
        """Return the number of the plane, or volume, in which a block lies."""
        return number // self.a_plane

    def place_of(self, number: int) -> tuple[int, ...]:
        """Return which block of its plane a block is, along each axis."""
        place = np.unravel_index(number % self.a_plane, self.grid)
        return tuple(int(each) for each in place)

    def beside(self, number: int, step: Sequence[int]) -> int | None:
        """Return the block that is some steps further in its plane, if there is one."""
        place = [a + b for a, b in zip(self.place_of(number), step, strict=True)]
        if any(not 0 <= at < n for at, n in zip(place, self.grid, strict=True)):
            return None
        inside = np.ravel_multi_index(place, self.grid)
        return self.plane_of(number) * self.a_plane + int(inside)

    def followers(self, number: int) -> Iterator[int]:
        """Yield the neighbours of a block that come after it, also across corners."""
        for step in product((-1, 0, 1), repeat=len(self.grid)):
            other = self.beside(number, step) if step > (0,) * len(step) else None
            if other is not None:
                yield other


def plan_blocks(
    image: CanonicalImage,
    spec: ModelSpec,
    predictor: Predictor,
    *,
    limits: Sequence[tuple[float, float]],
    raw: bool,
    zoom: float,
    stretch: float | None = None,
    cutting: Cutting | None = None,
) -> BlockPlan:
    """Plan the blocks of an image, plane by plane; the rest as in `BlockPlan`.

    Without a `cutting` planes are left whole that fit into memory, and those of
    networks that see beyond any window.
    """
    dims = predictor.dims
    shape = (image.shape[0], *image.shape[2:])
    plane = shape[-dims:]
    objects = task_of(spec).labels.objects and not raw
    stretch = stretch or anisotropy_of(image.source.pixel_size)
    zooms = zooms_of(spec, dims, zoom, stretch)
    zoomed = zoomed_shape(plane, zooms)
    extent = max(math.prod(plane), math.prod(zoomed))
    fits = extent <= LARGEST[dims] or not predictor.exact
    grid = (1,) * dims
    if cutting is None and fits:
        parts = [Block(0, None, *(Box.whole(plane),) * 3)]
    else:
        cutting = cutting or CUTTINGS[dims]
        grid, parts = _cut(plane, zoomed, predictor, cutting, objects=objects)
    blocks = tuple(
        Block(frame, section, part.core, part.decoded, part.read, part.part)
        for frame in range(shape[0])
        for section in ([None] if dims == 3 else range(shape[1]))
        for part in parts
    )
    return BlockPlan(shape, spec, tuple(limits), raw, objects, zooms, grid, blocks)


def _cut(
    shape: tuple[int, ...],
    zoomed: tuple[int, ...],
    predictor: Predictor,
    cutting: Cutting,
    *,
    objects: bool,
) -> tuple[tuple[int, ...], list[Block]]:
    """Return how many blocks a plane or volume has along each axis, and the blocks."""
    side = math.ceil(cutting.core / predictor.stride) * predictor.stride
    grid = tuple(math.ceil(n / side) for n in zoomed)
    blocks = []
    for place in product(*map(range, grid)):
        start = tuple(n * side for n in place)
        core = Box(start, tuple(n + side for n in start)).intersect(Box.whole(zoomed))
        blocks.append(
            block_at(core, shape, zoomed, predictor, cutting, objects=objects)
        )
    return grid, blocks


def block_at(
    core: Box,
    shape: tuple[int, ...],
    zoomed: tuple[int, ...],
    predictor: Predictor,
    cutting: Cutting,
    *,
    objects: bool,
) -> Block:
    """Return the block with a core on the grid that the network sees, of another shape.

    It lies in the first plane, or volume, of which there is the shape.
    """
    # Who enlarges a part of maps, looks a pixel further.
    margin = cutting.margin if objects or zoomed != shape else 0
    band = cutting.band if objects else 0
    seen = core.grow(margin, zoomed)
    window = _on_strides(seen.grow(predictor.halo, zoomed), predictor.stride, zoomed)
    read = needed(window, zoomed, shape)
    decoded = owned(seen, zoomed, shape)
    part = Part(
        owned(core.grow(band, zoomed), zoomed, shape),
        core,
        Regrid(shape, zoomed, read, window),
        seen,
        Regrid(zoomed, shape, seen, decoded),
    )
    return Block(0, None, owned(core, zoomed, shape), decoded, read, part)


def _on_strides(box: Box, stride: int, shape: tuple[int, ...]) -> Box:
    """Return a box that begins where windows of the whole plane could begin."""
    start = tuple(n // stride * stride for n in box.start)
    stop = tuple(math.ceil(n / stride) * stride for n in box.stop)
    return Box(start, stop).intersect(Box.whole(shape))


def block_of_view(
    view: Box, axes: str, shape: tuple[int, int, int, int], halo: int
) -> Block:
    """Return the viewed part of a plane, of (T, Z, Y, X), with the network's halo."""
    start = dict(zip(result_axes(axes), view.start, strict=True))
    stop = dict(zip(result_axes(axes), view.stop, strict=True))
    core = Box((start["Y"], start["X"]), (stop["Y"], stop["X"]))
    core = core.intersect(Box.whole(shape[2:]))
    read = core.grow(halo, shape[2:])
    return Block(start.get("T", 0), start.get("Z", 0), core, read, read)


def worth_a_preview(block: Block, plan: BlockPlan) -> bool:
    """Whether a view is much less than its plane, or volume: it is shown before all."""
    area = math.prod(plan.shape[-len(plan.grid) :])
    return 0 < math.prod(block.core.shape) <= _WORTH_A_PREVIEW * area


def from_view(view: Block, plan: BlockPlan) -> list[int]:
    """Return the numbers of all blocks, those in a view first and then outwards.

    Planes, or volumes, one after the other.
    """
    at = (view.frame, view.section or 0)[: len(plan.shape) - len(plan.grid)]
    middle = [(a + b) / 2 for a, b in zip(view.core.start, view.core.stop, strict=True)]
    point = middle if plan.planar else [(view.section or 0) + 0.5, *middle]

    def near(number: int) -> tuple[Any, ...]:
        block = plan.blocks[number]
        place = block.in_result(block.core).start[: len(at)]
        return nearness(place, at), distance_to(block.core, point), number

    return sorted(range(len(plan.blocks)), key=near)


def box_in_axes(box: Box, axes: str) -> Box:
    """Return a box of (T, Z, Y, X) in the axes of the image without C."""
    places = ["TZYX".index(axis) for axis in result_axes(axes)]
    return Box(tuple(box.start[n] for n in places), tuple(box.stop[n] for n in places))
