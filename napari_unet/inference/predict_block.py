"""The prediction of one block: what the network says of it, and what that means."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from napari_unet.core.jobs import told_as
from napari_unet.geometry.axes import from_canonical
from napari_unet.geometry.regrid import Regrid
from napari_unet.images.source import CanonicalImage
from napari_unet.inference.blocks import Block, BlockPlan, box_in_axes
from napari_unet.inference.events import ViewPredicted
from napari_unet.inference.forward import PlaneEvent
from napari_unet.inference.model_input import resize
from napari_unet.inference.volumes import Predictor
from napari_unet.instances.decoding import Maps
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.objectives.objective import Values


@dataclass(frozen=True, slots=True, eq=False)
class BlockResult:
    """What a block holds, and what the network said, where that is kept.

    Values are those of the decoded box: ids from 1, or classes; regressed values and
    maps have a first axis more.
    """

    values: Values
    maps: npt.NDArray[np.float16] | None


def iter_predict_block(
    plan: BlockPlan, number: int, image: CanonicalImage, predictor: Predictor
) -> Generator[PlaneEvent, None, BlockResult]:
    """Predict a block, with the image and the model for which the plan was made."""
    block = plan.blocks[number]
    maps = yield from iter_block_maps(plan, block, image, predictor)
    kept = None
    if plan.cached:
        kept = narrowed(maps)
        maps = widened(kept)
    values = yield from iter_decode_block(plan, block, maps)
    return BlockResult(values, kept)


def iter_block_maps(
    plan: BlockPlan,
    block: Block,
    image: CanonicalImage,
    predictor: Predictor,
    turns: int = 0,
) -> Generator[PlaneEvent, None, Maps]:
    """Return the network's maps of what is decoded of a block, on the zoomed grid.

    As it says them of the block turned by so many times 90 degrees, turned back.
    """
    pixels = image.plane(block.frame, block.section, block.read)
    plane = plan.spec.normalization.scale(pixels, plan.limits)
    part = block.part
    if part is None:
        shape = plane.shape[1:]
        zoomed = Regrid.whole(shape, plan.network_shape(shape))
        return (yield from predictor.iter_maps(_resized(plane, zoomed), turns))
    seen = part.seen.relative_to(part.zoomed.new_part)
    return (yield from predictor.iter_maps(part.zoomed.resize(plane), turns, seen))


def iter_decode_block(
    plan: BlockPlan, block: Block, maps: Maps
) -> Generator[PlaneEvent, None, Values]:
    """Return what a person asked for, on the grid of the image."""
    yield 1.0
    part = block.part
    back = part.back if part else Regrid.whole(maps.shape[1:], block.decoded.shape)
    if plan.raw:
        return _resized(maps, back)
    steps = iter_decode_maps(plan.spec, maps, back, plan.zoom)
    return (yield from told_as(1.0, steps))


def iter_decode_maps(
    spec: ModelSpec, maps: Maps, back: Regrid, zoom: float
) -> Generator[None, None, Values]:
    """Return what the maps of a zoomed plane mean, on the grid to which a way leads.

    Small objects are told apart where they are large; large ones get their outlines on
    the finer grid.
    """
    objective = objective_of(spec)
    if zoom <= 1 and objective.enlarges_maps:
        return (yield from objective.iter_decode(_resized(maps, back), zoom))
    found = yield from objective.iter_decode(maps)
    if back.shape == back.new_shape:
        return found
    enlarged = back.sample(found)
    yield
    return objective.refine(enlarged, _resized(maps[:1], back)[0], zoom)


def _resized(maps: Maps, way: Regrid) -> Maps:
    planar = len(way.shape) == 2
    return resize(maps, way.new_shape) if planar and way.of_all else way.resize(maps)


def crop(block: Block, values: Values) -> Values:
    """Return what lies in the core of what was decoded of a block."""
    index: Any = (..., *block.core.relative_to(block.decoded).slices)
    return np.asarray(values[index])


def in_image_axes(values: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
    """Turn (T, Z, Y, X), or (n, T, Z, Y, X), to the axes of the image without C."""
    if values.ndim == 4:
        return np.ascontiguousarray(from_canonical(values, axes))
    return np.stack([from_canonical(one, axes) for one in values])


def narrowed(maps: Maps) -> npt.NDArray[np.float16]:
    """Return maps as they are kept; torch rounds as numpy does, and much quicker."""
    return torch.from_numpy(maps).half().numpy()


def widened(plane: npt.NDArray[np.float16]) -> Maps:
    """Return maps as they are decoded."""
    return torch.from_numpy(plane).float().numpy()


def seen_in_block(block: Block, values: Values, axes: str) -> ViewPredicted:
    """Return what the core of a block holds, of which these are the values."""
    region = block.in_result(block.core)
    leading = values.shape[: values.ndim - len(block.core.shape)]
    whole = values.reshape(*leading, *region.shape)
    return ViewPredicted(box_in_axes(region, axes), in_image_axes(whole, axes))


def seen_in_view(block: Block, values: Values, axes: str) -> ViewPredicted:
    """Return what the core of a viewed part of a plane holds, in the image's axes."""
    return seen_in_block(block, crop(block, values), axes)
