"""Predict what is in view, and only that, of an image that may be very large.

How it flows: the whole image is looked at once (`iter_prepare`); after that a view
costs what it shows. Its plane is a grid of tiles. Those that are not known are
predicted, the middle of the view first, each with the halo that the network needs, and
told one by one, so that whoever keeps them never has them predicted again. What is
known of the view and around it is then decoded, early and often at first.

Objects are those of a prediction of all unless they are cut (`inference.tile_maps`).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from operator import add
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import TilesDone
from napari_unet.core.jobs import told_as
from napari_unet.core.memory import give_back
from napari_unet.geometry.box import Box
from napari_unet.geometry.grid import Cell
from napari_unet.geometry.maps import Mask
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.inference.blocks import Block, plan_blocks
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.model_input import fit_image, resize
from napari_unet.inference.predict import iter_limits, iter_nothing
from napari_unet.inference.predict_block import (
    in_image_axes,
    iter_decode_block,
    narrowed,
)
from napari_unet.inference.sight import LARGE_PLANE, glance_at, iter_look, sample_of
from napari_unet.inference.sizes import iter_zoom
from napari_unet.inference.tile_maps import (
    Kept,
    Known,
    Prepared,
    end_of,
    placed,
    plane_of,
)
from napari_unet.instances.decoding import Maps
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.weights.model import Model

_FIRST, _AT_ONCE = 4, 64
"""Tiles that are predicted together at most: of what is waited for, and of the rest."""

_BEGUN = TilesDone(0, 1)


@dataclass(frozen=True, slots=True)
class ImagePrepared:
    """The image was looked at; this is known of it."""

    prepared: Prepared


@dataclass(frozen=True, slots=True)
class TilePredicted:
    """What the network says of a tile, a box of (T, Z, Y, X)."""

    tile: Box
    maps: Kept


@dataclass(frozen=True, slots=True, eq=False)
class PartPredicted:
    """What is known of a view by now.

    Parameters
    ----------
    box : Box
        Of the labels.
    values : ndarray
        As of a whole prediction, in the box; ids count from 1.
    core, around : ndarray of bool
        Of which pixels that was wanted, and of which others it is known.
    tiles : tuple of Box
        The tiles of the core, boxes of (T, Z, Y, X).
    """

    box: Box
    values: npt.NDArray[Any]
    core: Mask
    around: Mask
    tiles: tuple[Box, ...]


LiveEvent: TypeAlias = PredictEvent | ImagePrepared | TilePredicted | PartPredicted


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Which view is wanted, and what is known already.

    Parameters
    ----------
    view : Box
        Of the labels.
    wanted : frozenset of Box, optional
        The tiles whose labels are wanted, boxes of (T, Z, Y, X); those of the view if
        nothing is said.
    known : mapping of Box to ndarray
        Tiles in the view and around it that were predicted before.
    prepared : Prepared, optional
        What is known of the image by a former request.
    beside : frozenset of Box
        Tiles beside those that are wanted, whose labels stay: objects that lie across
        are whole only if the model is asked for these, too.
    """

    view: Box
    wanted: frozenset[Box] | None = None
    known: Known = field(default_factory=dict)
    prepared: Prepared | None = None
    beside: frozenset[Box] = frozenset()


def iter_predict_view(
    image: npt.NDArray[Any] | ImageSource,
    model: Model,
    request: Request,
    *,
    axes: str | None = None,
    device: str = "auto",
    diameter: float | None = None,
    pixel_size: float | None = None,
) -> Generator[LiveEvent, None, None]:
    """Predict what a person looks at; the other arguments are those of `predict`.

    Yields after every window, and what came of it as `TilePredicted` and
    `PartPredicted`. Closing the generator cancels it. A view that is too large is not
    predicted, and neither is a plane of a network that sees volumes.
    """
    if model.net.dims != 2:
        return
    execution = choose_execution(resolve_device(device))
    predictor = PlanePredictor(model, execution)
    prepared = request.prepared
    if prepared is None:
        prepared = yield from iter_prepare(
            image, model, predictor, request.view, axes, diameter, pixel_size
        )
        give_back()  # what the looks took, which is as much as a view takes
        yield ImagePrepared(prepared)
    if prepared.too_large(request.view):
        return
    # Thresholds may be others than those with which it was prepared.
    plan = replace(prepared.plan, spec=model.spec)
    yield from _Run(replace(prepared, plan=plan), predictor, request).iter_all()


def iter_prepare(
    image: npt.NDArray[Any] | ImageSource,
    model: Model,
    predictor: PlanePredictor,
    view: Box,
    axes: str | None,
    diameter: float | None,
    pixel_size: float | None,
) -> Generator[PredictEvent, None, Prepared]:
    """Look at an image as a whole prediction does: its grey values, its objects."""
    seen, _ = fit_image(image, axes, model)
    if isinstance(image, ImageSource) and math.prod(seen.shape[3:]) > LARGE_PLANE:
        size = diameter, pixel_size
        return (yield from _iter_glance(seen, view, model, predictor, *size))
    limits = yield from iter_limits(seen, model)
    told = diameter is not None
    nothing = yield from iter_nothing(seen, model, limits, told=told)
    zoom = 1.0
    if nothing is None:
        zoom = yield from iter_zoom(
            seen, model, predictor, limits, diameter, pixel_size
        )
    plan = plan_blocks(seen, model.spec, predictor, limits=limits, raw=False, zoom=zoom)
    return Prepared(seen, plan, predictor.stride, nothing is not None)


def _iter_glance(
    seen: CanonicalImage,
    view: Box,
    model: Model,
    predictor: PlanePredictor,
    diameter: float | None,
    pixel_size: float | None,
) -> Generator[PredictEvent, None, Prepared]:
    """Look at some of an image: to read all of it would take minutes."""
    place = plane_of(view, seen)
    first = glance_at(seen, place.frame, place.section, place.box)
    limits = yield from iter_limits(sample_of(seen, first), model)
    looked = yield from iter_look(
        seen,
        model,
        predictor,
        limits,
        diameter=diameter,
        pixel_size=pixel_size,
        raw=False,
        first=first,
    )
    zoom = looked.zoom
    plan = plan_blocks(seen, model.spec, predictor, limits=limits, raw=False, zoom=zoom)
    return Prepared(seen, plan, predictor.stride, looked.blank)


class _Run:
    """One view that is being predicted."""

    def __init__(
        self, prepared: Prepared, predictor: PlanePredictor, request: Request
    ) -> None:
        self._prepared = prepared
        self._predictor = predictor
        self._view = view = prepared.plane_of(request.view)
        self._grid = grid = prepared.grid
        self._known = dict(request.known)
        tiles = {self._tile(cell): cell for cell in grid.cells(view.box, around=1)}
        self._around = list(tiles.values())
        wanted = request.wanted
        self._wanted = [
            cell
            for tile, cell in tiles.items()
            if (tile in wanted if wanted is not None else self._in_view(cell))
        ]

        self._beside = [
            cell
            for tile, cell in tiles.items()
            if tile in request.beside and cell not in self._wanted
        ]

    def _in_view(self, cell: Cell) -> bool:
        return not self._grid.box(cell).intersect(self._view.box).empty

    def _tile(self, cell: Cell) -> Box:
        return self._view.tile(self._grid.box(cell))

    def iter_all(self) -> Generator[LiveEvent, None, None]:
        """Predict what is not known, and tell what that means after 1, 2, 4 blocks."""
        asked = [*self._wanted, *self._beside]
        missing = [cell for cell in asked if self._tile(cell) not in self._known]
        halo = math.ceil(self._predictor.halo / self._prepared.plan.zoom)
        blocks = self._grid.blocks(
            missing, self._view.centre, first=_FIRST, most=_AT_ONCE, halo=halo
        )
        for number, block in enumerate(blocks, start=1):
            yield from self._iter_block(block)
            if number < len(blocks) and number & (number - 1) == 0:
                yield from self._iter_part()
        if self._wanted:
            yield from self._iter_part()

    def _iter_block(self, cells: list[Cell]) -> Generator[LiveEvent, None, None]:
        """Predict some tiles, which are a rectangle, together."""
        places = placed(cells, self._grid, self._prepared.plan.zoom)
        if self._prepared.blank:
            maps = self._room(places.values())
        else:
            core = self._grid.box_of(cells)
            maps = yield from self._iter_maps(core, end_of(places.values()))
        for cell, place in places.items():
            tile, found = self._tile(cell), maps[:, *place.slices].copy()
            kept = narrowed(found) if self._prepared.plan.objects else found
            self._known[tile] = kept
            yield TilePredicted(tile, kept)

    def _iter_maps(
        self, core: Box, extent: tuple[int, ...]
    ) -> Generator[LiveEvent, None, Maps]:
        """Return the maps of a box of the plane, which have an extent."""
        plan, predictor, view = self._prepared.plan, self._predictor, self._view
        halo = math.ceil(predictor.halo / predictor.stride) * predictor.stride
        read = core.grow(round(halo / plan.zoom), plan.shape[2:])
        before, after = (
            tuple(round((b - a) * plan.zoom) for a, b in zip(*ends, strict=True))
            for ends in ((read.start, core.start), (core.stop, read.stop))
        )
        inner = Box(before, tuple(map(add, before, extent)))
        pixels = self._prepared.image.plane(view.frame, view.section, read)
        plane = plan.spec.normalization.scale(pixels, plan.limits)
        plane = resize(plane, tuple(map(add, inner.stop, after)))
        maps = yield from told_as(_BEGUN, predictor.iter_maps(plane))
        return maps[:, *inner.slices]

    def _room(self, places: Iterable[Box]) -> Maps:
        """Return maps in which nothing is seen."""
        channels = self._prepared.plan.spec.out_channels
        return np.zeros((channels, *end_of(places)), np.float32)

    def _iter_part(self) -> Generator[LiveEvent, None, None]:
        """Tell what is known means, where tiles are wanted and beside them."""
        known = [cell for cell in self._around if self._tile(cell) in self._known]
        ready = [cell for cell in self._wanted if cell in known]
        near = [cell for cell in known if _touches(cell, ready)]
        places = placed(near, self._grid, self._prepared.plan.zoom)
        maps = self._room(places.values())
        for cell, place in places.items():
            maps[:, *place.slices] = self._known[self._tile(cell)]
        yield _BEGUN
        view, box = self._view, self._grid.box_of(near)
        block = Block(view.frame, view.section, box, box, box)
        steps = iter_decode_block(self._prepared.plan, block, maps)
        values = yield from told_as(_BEGUN, steps)
        core, around = self._mask(ready, box), self._mask(near, box)
        yield PartPredicted(
            self._prepared.in_labels(view.tile(box)),
            self._in_axes(values),
            self._in_axes(core),
            self._in_axes(around & ~core),
            tuple(map(self._tile, ready)),
        )

    def _mask(self, cells: list[Cell], box: Box) -> Mask:
        mask = np.zeros(box.shape, bool)
        for cell in cells:
            mask[self._grid.box(cell).relative_to(box).slices] = True
        return mask

    def _in_axes(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        whole = values[..., None, None, :, :]
        return in_image_axes(whole, self._prepared.image.axes)


def _touches(cell: Cell, others: Iterable[Cell]) -> bool:
    """Whether a tile is one of some, or beside one of them."""
    return any(
        max(abs(a - b) for a, b in zip(cell, other, strict=True)) <= 1
        for other in others
    )
