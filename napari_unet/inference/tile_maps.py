"""A plane as tiles: where they lie, what a network has said of them, and together.

Tiles begin at multiples of the network's stride and are normalised with the statistics
of the whole image. So they say what a prediction of all says, where the network is
exact and the plane is not zoomed. Where it is, each tile is zoomed to whole pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import accumulate
from operator import add
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.grid import Cell, Grid
from napari_unet.images.source import CanonicalImage
from napari_unet.inference.blocks import BlockPlan, box_in_axes
from napari_unet.inference.model_input import resize
from napari_unet.inference.predict_block import in_image_axes

TILE = 128
"""How wide a tile is about, in pixels that the network sees."""

LARGEST_VIEW = 2**22
"""So many pixels that the network sees are predicted as a view at most."""

Kept: TypeAlias = npt.NDArray[np.floating[Any]]
"""Maps of a tile, rounded where they are those of objects."""

Known: TypeAlias = Mapping[Box, Kept]
"""Maps of tiles, which are boxes of (T, Z, Y, X)."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An image that was looked at with a model; other thresholds change nothing of it.

    `blank` says that there is nothing to find, and nothing is asked of the network.
    """

    image: CanonicalImage
    plan: BlockPlan
    stride: int
    blank: bool

    @property
    def grid(self) -> Grid:
        """The tiles of every plane."""
        side = math.ceil(TILE / self.stride) * self.stride
        return Grid(self.plan.shape[2:], max(1, round(side / self.plan.zoom)))

    def plane_of(self, view: Box) -> View:
        """Return which plane, and what of it, a box of the labels is."""
        return plane_of(view, self.image)

    def tiles(self, view: Box, around: int = 0) -> list[Box]:
        """Return the tiles that a box of the labels touches, and some around it."""
        plane, grid = self.plane_of(view), self.grid
        return [plane.tile(grid.box(cell)) for cell in grid.cells(plane.box, around)]

    def in_labels(self, box: Box) -> Box:
        """Return a box of (T, Z, Y, X) as one of the labels."""
        return box_in_axes(box, self.image.axes)

    def too_large(self, view: Box) -> bool:
        """Whether a box of the labels is more than what is predicted as a view."""
        seen = math.prod(self.plane_of(view).box.shape) * self.plan.zoom**2
        return seen > LARGEST_VIEW


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: a box of a plane (Y, X), and which plane it is."""

    frame: int
    section: int
    box: Box

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        y, x = ((a + b) / 2 for a, b in zip(self.box.start, self.box.stop, strict=True))
        return y, x

    def tile(self, box: Box) -> Box:
        """Return a box of this plane as one of (T, Z, Y, X)."""
        start = self.frame, self.section, *box.start
        stop = self.frame + 1, self.section + 1, *box.stop
        return Box(start, stop)


def plane_of(view: Box, image: CanonicalImage) -> View:
    """Return which plane of an image, and what of it, a box of the labels is."""
    axes = result_axes(image.axes)
    start = dict(zip(axes, view.start, strict=True))
    stop = dict(zip(axes, view.stop, strict=True))
    box = Box((start["Y"], start["X"]), (stop["Y"], stop["X"]))
    box = box.intersect(Box.whole(image.shape[3:]))
    return View(start.get("T", 0), start.get("Z", 0), box)


@dataclass(frozen=True, slots=True)
class TileMaps:
    """What a network has said of some tiles of a plane, in the order of `tiles`."""

    prepared: Prepared
    tiles: tuple[Box, ...]
    maps: tuple[Kept, ...] = field(compare=False)

    def probability(self) -> tuple[Box, npt.NDArray[np.float32]]:
        """Return a box of the labels, and the probability of foreground in it."""
        whole = reduce(Box.union, self.tiles)
        values = np.zeros(whole.shape, np.float32)
        for tile, maps in zip(self.tiles, self.maps, strict=True):
            found = resize(np.asarray(maps[:1], np.float32), tile.shape[2:])
            values[tile.relative_to(whole).slices] = found[0]
        axes = self.prepared.image.axes
        return self.prepared.in_labels(whole), in_image_axes(values, axes)


def placed(cells: Sequence[Cell], grid: Grid, zoom: float) -> dict[Cell, Box]:
    """Return where tiles lie in the maps of the box that holds them."""
    extents = {
        cell: tuple(max(1, round(n * zoom)) for n in grid.box(cell).shape)
        for cell in cells
    }
    starts: list[dict[int, int]] = []
    for axis in (0, 1):
        along = {cell[axis]: extents[cell][axis] for cell in cells}
        lines = range(min(along), max(along) + 1)
        whole = max(1, round(grid.side * zoom))
        widths = [along.get(line, whole) for line in lines]
        starts.append(dict(zip(lines, accumulate([0, *widths]), strict=False)))
    places = {}
    for cell, extent in extents.items():
        start = starts[0][cell[0]], starts[1][cell[1]]
        places[cell] = Box(start, tuple(map(add, start, extent)))
    return places


def end_of(places: Iterable[Box]) -> tuple[int, ...]:
    """Return the shape of what holds boxes that begin at the origin."""
    return tuple(map(max, zip(*(place.stop for place in places), strict=True)))
