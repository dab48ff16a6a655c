"""Predict: one engine for the dock, the command line and Python.

How it flows: the image is fitted to the model (`model_input`), normalised with the
statistics of the whole image, looked at (`measure`), and cut into blocks, a plane or a
volume each where that fits into memory (`blocks`). These are predicted (`forward`),
decoded (`predict_block`) and stitched (`stitching`). Objects in the sections of a
z-stack are linked, and ids are unique in the result. With a view, its part of the image
is predicted first, so that something can be seen early.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import drain_logged, mapped, told_as
from napari_unet.core.numbers import refuse_beyond
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.channels import ChannelChoice
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.images.statistics import iter_statistics
from napari_unet.inference.blocks import (
    Block,
    BlockPlan,
    block_of_view,
    from_view,
    plan_blocks,
    worth_a_preview,
)
from napari_unet.inference.cached_maps import CachedMaps
from napari_unet.inference.events import MapsCached, PredictEvent
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.model_input import fit_image
from napari_unet.inference.noise import iter_only_noise
from napari_unet.inference.predict_block import (
    crop,
    in_image_axes,
    iter_block_maps,
    iter_decode_block,
    iter_predict_block,
    seen_in_block,
    seen_in_view,
)
from napari_unet.inference.sizes import BEGUN, PARTS, Limits, iter_zoom, parts_done
from napari_unet.inference.stitching import (
    Seams,
    number_objects,
    pairs_of,
    split_objects,
)
from napari_unet.inference.volumes import (
    Predictor,
    check_stacks,
    iter_stretch,
    predictor_of,
    spec_of,
)
from napari_unet.instances.diameter import check_diameter
from napari_unet.instances.planes import iter_number_objects
from napari_unet.instances.three_sides import Stacks
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.tasks import task_of
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.objectives.objective import Values
from napari_unet.weights.model import Model, check_model

_PIXEL_SIZES = (1e-6, 1e6)


def predict(
    image: npt.NDArray[Any] | ImageSource,
    model: Model,
    *,
    axes: str | None = None,
    channel: ChannelChoice | None = None,
    device: str = "auto",
    probabilities: bool = False,
    rotations: bool = False,
    full_precision: bool = False,
    diameter: float | None = None,
    pixel_size: float | None = None,
    anisotropy: float | None = None,
    stacks: Stacks | None = None,
    threshold: float | None = None,
    keep_together: float | None = None,
    smallest: float | None = None,
) -> Values:
    """Predict what the model was trained for.

    Parameters
    ----------
    image : ndarray, array_like or ImageSource
        Any real dtype; 2 to 5 axes. Arrays of dask, zarr, xarray and others, images of
        bioio, tensors and lists are taken, too; masked pixels count as NaN.
        Transparency, blank channels and copies of a grey channel are left out where the
        model has fewer.
    model : Model
        From `load_model`.
    axes : str, optional
        One letter of "TCZYX" per axis, such as "ZYX"; from the names of an array's
        dimensions, or guessed, where it is missing.
    channel : str, int or sequence of them, optional
        Channel that the model sees, by its number from 1, or its name where the image
        states it; several in the model's order, such as [3, 1] or "3,1".
    device : {"auto", "cuda", "mps", "cpu"}
        Where to compute.

    probabilities : bool
        Return the network's maps instead of what they are decoded to.

    rotations : bool
        Average over four turned copies of the image, which takes four times as long
        and is at best a little better.

    full_precision : bool
        Compute in float32 even where less is quicker, so that machines agree.

    diameter : float, optional
        Typical diameter of the objects in pixels, 0.5 to 10000, for models that know a
        size (see `napari_unet.inference.model_input`); measured where it is missing.

    pixel_size : float, optional
        Width of a pixel in micrometres, which tells where to begin to measure; what the
        image states, where it is missing.

    anisotropy : float, optional
        How many times as far apart sections of a stack are as pixels are wide; what the
        image states, where it is missing, or else 1, which is said.

    stacks : {"three-sides", "sections"}, optional
        How models of planes see stacks: from three sides, so that objects are told
        apart along Z as well, or, in a third of the time or less, section by section,
        after which what overlaps is linked. From three sides where nothing is said, if
        the model can.

    threshold, keep_together, smallest : float, optional
        How objects are found, for this prediction; see `Model.with_thresholds`.

    Returns
    -------
    ndarray
        With the axes of the image without C: one id per object, int32, 0 for
        background; or class numbers, uint8. Regressed values are float32 and have the
        variables as first axis, as have the maps (probabilities of each class, or
        foreground, centre and border).

    Raises
    ------
    InputError
        If the image cannot be segmented with this model, no object has such a
        diameter, no pixel such a size, or a threshold is none.
    DeviceError
        If the device does not exist or its memory does not suffice.
    """
    check_model(model)
    if pixel_size is not None:
        refuse_beyond("pixel_size", pixel_size, _PIXEL_SIZES)
    check_stacks(anisotropy, stacks)
    events = iter_predict(
        image,
        model.with_thresholds(threshold, keep_together, smallest),
        axes=axes,
        channel=channel,
        device=device,
        probabilities=probabilities,
        rotations=rotations,
        full_precision=full_precision,
        diameter=diameter,
        pixel_size=pixel_size,
        anisotropy=anisotropy,
        stacks=stacks,
    )
    return drain_logged(events)


def iter_predict(
    image: npt.NDArray[Any] | ImageSource,
    model: Model,
    *,
    axes: str | None = None,
    channel: ChannelChoice | None = None,
    device: str = "auto",
    view: Box | None = None,
    probabilities: bool = False,
    rotations: bool = False,
    full_precision: bool = False,
    diameter: float | None = None,
    pixel_size: float | None = None,
    anisotropy: float | None = None,
    stacks: Stacks | None = None,
) -> Generator[PredictEvent, None, Values]:
    """Predict step by step; arguments, errors and the result are those of `predict`.

    Yields after every window. Closing the generator cancels the prediction.

    Parameters
    ----------
    view : Box, optional
        Region of the result that should be ready first; it is yielded as
        `ViewPredicted` where it is much smaller than the image.
    """
    check_diameter(diameter)
    seen, note = fit_image(image, axes, model, channel)
    if note:
        yield Notice(note)
    if pixel_size is None:
        pixel_size = seen.source.pixel_size.get("X")
    execution = choose_execution(resolve_device(device), full_precision=full_precision)
    limits = yield from iter_limits(seen, model)
    # The network has maps of any image; and whoever tells a size knows of objects.
    if not probabilities:
        told = diameter is not None
        nothing = yield from iter_nothing(seen, model, limits, told=told)
        if nothing is not None:
            return in_image_axes(nothing, seen.axes)
    planar = PlanePredictor(model, execution, turns=4 if rotations else 1)
    zoom = yield from iter_zoom(seen, model, planar, limits, diameter, pixel_size)
    stretch = yield from iter_stretch(
        seen, model, anisotropy, raw=probabilities, stacks=stacks
    )
    predictor = predictor_of(model, seen, planar, zoom=zoom, stretch=stretch)
    planned = partial(plan_blocks, seen, limits=limits, raw=probabilities, zoom=zoom)
    plan = planned(spec_of(model, predictor), predictor, stretch=stretch)
    looked = None
    if view is not None and not probabilities:
        halo = math.ceil(planar.halo / zoom)
        looked = block_of_view(view, seen.axes, plan.shape, halo)
        if planar.dims == 2 and worth_a_preview(looked, plan):
            yield from _preview(planned(model.spec, planar), seen, planar, looked)
    found = yield from _whole(plan, seen, predictor, looked)
    return in_image_axes(found, seen.axes)


def iter_limits(
    image: CanonicalImage, model: Model
) -> Generator[PredictEvent, None, Limits]:
    """Return the grey values that become 0 and 1, by the whole image, by channel."""
    yield BEGUN
    steps = iter_statistics(image, model.spec.normalization)
    return list((yield from told_as(BEGUN, steps)).limits)


def iter_nothing(
    image: CanonicalImage, model: Model, limits: Limits, *, told: bool
) -> Generator[PredictEvent, None, Values | None]:
    """Return the result for an image that shows nothing; None if it shows something.

    An image of which somebody has `told` how large the objects are shows some.
    """
    empty = objective_of(model.spec).empty_result((image.shape[0], *image.shape[2:]))
    if empty is not None and all(high <= low for low, high in limits):
        yield Notice("The image is constant; there is nothing to find in it.")
        return empty
    if told or not task_of(model.spec).labels.objects:
        return None
    scale = partial(model.spec.normalization.scale, limits=limits)
    if not (yield from told_as(TilesDone(0, 1), iter_only_noise(image, scale))):
        return None
    yield Notice(
        "There seems to be nothing but noise in the image, so no objects were "
        "looked for. If there are some, set their size and predict again."
    )
    return empty


def _whole(
    plan: BlockPlan,
    image: CanonicalImage,
    predictor: Predictor,
    view: Block | None = None,
) -> Generator[PredictEvent, None, Values]:
    """Predict all blocks; return (T, Z, Y, X), or (n, T, Z, Y, X).

    With a view, those in it come first, and what is found in the first is told; the
    result is the same.
    """
    parts = PARTS * predictor.count_windows(plan.largest_plane)
    total = len(plan.blocks) * parts
    result: Values = np.zeros(0)
    seams: dict[int, Seams] = {}
    cached = {}
    order = range(len(plan.blocks)) if view is None else from_view(view, plan)
    for done, number in enumerate(order):
        block = plan.blocks[number]
        found = yield from mapped(
            parts_done(done * parts, parts, total),
            iter_predict_block(plan, number, image, predictor),
        )
        values = found.values
        if done == 0:
            leading = values.shape[: -predictor.dims]
            result = np.zeros((*leading, *plan.shape), values.dtype)
        if plan.objects and plan.a_plane > 1:
            values, seams[number] = split_objects(plan, number, values)
        else:
            values = crop(block, values)
        region = block.in_result(block.core)
        index: Any = (..., *region.slices)
        result[index] = values.reshape(*leading, *region.shape)
        if view is not None and done == 0 and len(plan.blocks) > 1:
            yield seen_in_block(block, values, image.axes)
        if len(seams) == plan.a_plane:
            yield TilesDone(min(total, (done + 1) * parts), total)
            _unite(plan, dict(sorted(seams.items())), result)
            seams.clear()
        if found.maps is not None:
            cached[number] = found.maps
    if plan.objects:
        numbered = iter_number_objects(result, link=plan.planar)
        yield from told_as(TilesDone(total, total), numbered)
    if plan.cached:
        kept = tuple(maps for _, maps in sorted(cached.items()))
        yield MapsCached(CachedMaps(kept, plan, image.axes))
    return result


def _unite(plan: BlockPlan, seams: dict[int, Seams], result: LabelMap) -> None:
    """Make one object of those in the blocks of a plane that are one, in place."""
    pairs = (
        (number, other, found)
        for number in seams
        for other, found in pairs_of(plan, number, seams.__getitem__).items()
    )
    counts = [each.count for each in seams.values()]
    numbering = number_objects(min(seams), counts, pairs)
    for number in seams:
        block = plan.blocks[number]
        region = block.in_result(block.core).slices
        result[region] = numbering.of(number)[result[region]]


def _preview(
    plan: BlockPlan, image: CanonicalImage, predictor: PlanePredictor, block: Block
) -> Generator[PredictEvent, None, None]:
    """Predict the viewed part of the viewed plane."""
    told = parts_done(0, PARTS, PARTS)
    steps = iter_block_maps(plan, block, image, predictor)
    maps = yield from mapped(told, steps)
    values = yield from mapped(told, iter_decode_block(plan, block, maps))
    yield seen_in_view(block, values, image.axes)
