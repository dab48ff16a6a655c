"""Predict: one engine for the dock, the command line and Python.

How it flows: the image is brought to (T, C, Z, Y, X), normalised with the statistics
of the whole image, predicted plane by plane (or volume by volume, where the network
is 3-D) and decoded. Objects in the sections of a z-stack are linked, and ids are
unique in the result. With a view, its part of the image is predicted first, so that
something can be seen early.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import drain_logged, told_as
from napari_unet.geometry.axes import result_axes, to_canonical
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.cached_maps import LARGEST_KEPT, KeptMaps, narrowed, widened
from napari_unet.inference.empty_field import iter_only_noise
from napari_unet.inference.events import MapsKept, PredictEvent, Sized, ViewPredicted
from napari_unet.inference.forward import PlanePredictor, WindowsDone
from napari_unet.inference.measure import estimate_diameter, plausible, telling_planes
from napari_unet.inference.model_input import fit_image, iter_places
from napari_unet.inference.result import in_image_axes
from napari_unet.inference.scale import (
    iter_decode_zoomed,
    resize,
    zoom_for,
    zoomed_shape,
)
from napari_unet.instances.decoding import iter_decode, iter_number_objects
from napari_unet.instances.diameter import check_diameter, size_warning
from napari_unet.instances.targets import Maps
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.tasks.objectives import Objective, objective_of
from napari_unet.tasks.objectives.objective import Values
from napari_unet.weights.model import Model

_WORTH_A_PREVIEW = 0.5
# Progress is told more finely than by windows: one may be all of the image.
_PARTS = 16
# Nothing is done yet, but this is where it can be cancelled.
_BEGUN = TilesDone(0, _PARTS)


def predict(
    image: npt.NDArray[Any],
    model: Model,
    *,
    axes: str | None = None,
    device: str = "auto",
    probabilities: bool = False,
    rotations: bool = False,
    full_precision: bool = False,
    diameter: float | None = None,
    pixel_size: float | None = None,
) -> Values:
    """Predict what the model was trained for.

    Parameters
    ----------
    image : ndarray or array-like
        Any real dtype; 2 to 5 axes. Arrays of dask, zarr, xarray and others, tensors
        and lists are taken, too; masked pixels count as NaN. Transparency, blank
        channels and copies of a grey channel are left out where the model has fewer.
    model : Model
        From `load_model`.
    axes : str, optional
        One letter of "TCZYX" per axis, such as "ZYX"; from the names of an array's
        dimensions, or guessed, where it is missing.
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
        Typical diameter of the objects in pixels, for models that know a size (see
        `napari_unet.inference.scale`), 0.5 to 10000; measured where it is missing.

    pixel_size : float, optional
        Width of a pixel in micrometres, which tells where to begin to measure.

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
        If the image cannot be segmented with this model, or no object has such a
        diameter.
    DeviceError
        If the device does not exist or its memory does not suffice.
    """
    events = iter_predict(
        image,
        model,
        axes=axes,
        device=device,
        probabilities=probabilities,
        rotations=rotations,
        full_precision=full_precision,
        diameter=diameter,
        pixel_size=pixel_size,
    )
    return drain_logged(events)


def iter_predict(
    image: npt.NDArray[Any],
    model: Model,
    *,
    axes: str | None = None,
    device: str = "auto",
    view: Box | None = None,
    probabilities: bool = False,
    rotations: bool = False,
    full_precision: bool = False,
    diameter: float | None = None,
    pixel_size: float | None = None,
) -> Generator[PredictEvent, None, Values]:
    """Predict step by step; arguments and errors as in `predict`.

    Parameters
    ----------
    view : Box, optional
        Region of the result that should be ready first; it is yielded as
        `ViewPredicted` where it is much smaller than the image.

    Yields
    ------
    PredictEvent
        After every window. Closing the generator cancels the prediction.

    Returns
    -------
    ndarray
        As `predict` returns it.
    """
    check_diameter(diameter)
    fitted = fit_image(image, axes, model)
    if fitted.note:
        yield Notice(fitted.sentence)
    execution = choose_execution(resolve_device(device), full_precision=full_precision)
    resolved = fitted.axes
    canonical = to_canonical(fitted.array, resolved)
    limits = []
    for channel in canonical.swapaxes(0, 1):
        yield _BEGUN
        limits.append(model.spec.normalization.limits(channel))
    yield _BEGUN
    objective = objective_of(model.spec)
    if all(high <= low for low, high in limits) and not probabilities:
        blank = objective.blank(_result_shape(canonical))
        if blank is not None:
            yield Notice("The image is constant; there is nothing to find in it.")
            return in_image_axes(blank, resolved)
    looks = not probabilities and diameter is None and objective.nothing_in_noise
    if looks and (yield from iter_only_noise(canonical, model, limits)):
        yield Notice(
            "There seems to be nothing but noise in the image, so no objects were "
            "looked for. If there are some, set their size and predict again."
        )
        nothing = objective.blank(_result_shape(canonical))
        assert nothing is not None
        return in_image_axes(nothing, resolved)
    predictor = PlanePredictor(model, execution, turns=4 if rotations else 1)
    job = _Job(canonical, resolved, model, objective, predictor, limits, probabilities)
    job = yield from _zoomed(job, diameter, pixel_size)
    if view is not None and model.net.dims == 2 and not probabilities:
        yield from _preview(job, view)
    values = yield from _whole(job)
    return in_image_axes(values, resolved)


@dataclass(frozen=True, slots=True)
class _Job:
    """What all planes, or volumes, of one prediction have in common."""

    image: npt.NDArray[Any]
    axes: str
    model: Model
    objective: Objective
    predictor: PlanePredictor
    limits: list[tuple[float, float]]
    raw: bool
    zoom: float = 1.0

    def plane(
        self, t: int, z: int | slice, box: Box | None = None
    ) -> npt.NDArray[np.float32]:
        """Return a normalised plane, or a part of it; a volume where `z` is a slice."""
        rows, columns = box.slices if box else (slice(None), slice(None))
        grey = self.image[t, :, z][..., rows, columns]
        return self.model.spec.normalization.scale(grey, self.limits)

    def iter_decode(
        self, maps: npt.NDArray[np.float32], shape: tuple[int, ...]
    ) -> Generator[None, None, Values]:
        """Return what the person asked for, on the grid of the plane."""
        yield
        if self.raw:
            return maps if self.zoom == 1 else resize(maps, _planar(shape))
        if not self.movable:
            return self.objective.decode(maps)
        decoding = self.model.spec.decoding
        return (
            yield from iter_decode_zoomed(maps, _planar(shape), decoding, self.zoom)
        )

    @property
    def movable(self) -> bool:
        """Whether objects are found by thresholds in planes."""
        return self.objective.finds_objects and self.model.net.dims == 2

    @property
    def kept(self) -> bool:
        """Whether the maps are kept, so that thresholds can be moved."""
        pixels = self.image[:, 0].size * self.zoom**2
        return self.movable and not self.raw and pixels <= LARGEST_KEPT


def _planar(shape: tuple[int, ...]) -> tuple[int, int]:
    height, width = shape
    return height, width


def _result_shape(canonical: npt.NDArray[Any]) -> tuple[int, ...]:
    t, _, z, y, x = canonical.shape
    return t, z, y, x


def _whole(job: _Job) -> Generator[PredictEvent, None, Values]:
    """Predict all frames; return (T, Z, Y, X), or (n, T, Z, Y, X)."""
    shape = _result_shape(job.image)
    dims = job.model.net.dims
    places = list(iter_places(shape[:2], dims))
    parts = _PARTS * _count_windows(job)
    total = len(places) * parts
    result: Values = np.zeros(0)
    kept = []
    for number, (t, z) in enumerate(places):
        plane = job.plane(t, z)
        maps = yield from _plane_maps(job, plane, number * parts, total)
        if job.kept:
            kept.append(narrowed(maps))
            maps = widened(kept[-1])
        done = TilesDone((number + 1) * parts, total)
        decoded = job.iter_decode(maps, plane.shape[1:])
        values = yield from told_as(done, decoded)
        if number == 0:
            result = np.zeros((*values.shape[:-dims], *shape), values.dtype)
        result[..., t, z, :, :] = values
    if job.objective.finds_objects and not job.raw:
        numbered = iter_number_objects(result, link=dims == 2)
        yield from told_as(TilesDone(total, total), numbered)
    if job.kept:
        shape = _planar(job.image.shape[3:])
        yield MapsKept(KeptMaps(tuple(kept), len(job.image), shape, job.axes, job.zoom))
    return result


def _count_windows(job: _Job) -> int:
    shape = _result_shape(job.image)[-job.model.net.dims :]
    return job.predictor.count_windows(
        shape if job.zoom == 1 else zoomed_shape(shape, job.zoom)
    )


def _zoomed(
    job: _Job, diameter: float | None, pixel_size: float | None
) -> Generator[PredictEvent, None, _Job]:
    """Return the job with the zoom at which the model knows the objects."""
    spec, shape = job.model.spec, job.image.shape[3:]
    known = spec.best_diameters
    if known is None or job.model.net.dims != 2:
        if diameter is not None:
            yield Notice("This model zooms no images: the object size was not used.")
        return job
    told = diameter
    likely = plausible(spec.expected_diameter(pixel_size), shape)
    if diameter is None:
        diameter = yield from _measured(job, known, likely)
    # What the pixel size makes likely is believed where nothing is seen.
    size = diameter or likely
    zoom = 1.0 if size is None else zoom_for(size, known, shape)
    yield Sized(diameter, zoom, measured=told is None)
    if diameter is not None and (
        warning := size_warning(
            diameter, spec.diameters, told=told is not None, shape=shape
        )
    ):
        yield Notice(warning)
    return replace(job, zoom=zoom)


def _measured(
    job: _Job, known: tuple[float, float], likely: float | None
) -> Generator[PredictEvent, None, float | None]:
    """Measure the objects where there is most to see, once for all planes."""
    scale = job.model.spec.normalization.scale
    for t, z in telling_planes(job.image, lambda p: float(scale(p, job.limits).std())):
        found = yield from estimate_diameter(
            job.plane(t, z), known, partial(_segment, job), likely
        )
        if found is not None:
            return found
    return None


def _segment(
    job: _Job, plane: npt.NDArray[np.float32]
) -> Generator[PredictEvent, None, LabelMap]:
    """Segment a part of a plane as it is."""
    events = job.predictor.iter_maps(plane)
    while True:
        try:
            event = next(events)
        except StopIteration as finished:
            maps: Maps = finished.value
            break
        yield _BEGUN if isinstance(event, WindowsDone) else event
    return (yield from told_as(_BEGUN, iter_decode(maps, job.model.spec.decoding)))


def _plane_maps(
    job: _Job, plane: npt.NDArray[np.float32], before: int, total: int
) -> Generator[PredictEvent, None, Maps]:
    """Predict the maps of a plane; progress counts from `before` to `total`."""
    if job.zoom != 1:
        plane = resize(plane, zoomed_shape(plane.shape[1:], job.zoom))
    events = job.predictor.iter_maps(plane)
    while True:
        try:
            event = next(events)
        except StopIteration as finished:
            maps: Maps = finished.value
            return maps
        if isinstance(event, WindowsDone):
            share = event.done / event.total
            parts = _PARTS * job.predictor.count_windows(plane.shape[1:])
            yield TilesDone(min(total, before + round(share * parts)), total)
        else:
            yield event


def _preview(job: _Job, view: Box) -> Generator[PredictEvent, None, None]:
    """Predict the viewed part of the viewed plane with the halo that it needs."""
    kept = result_axes(job.axes)
    present = {axis: i for i, axis in enumerate(kept)}
    start = {axis: view.start[i] for axis, i in present.items()}
    stop = {axis: view.stop[i] for axis, i in present.items()}
    shape = job.image.shape[3:]
    region = Box((start["Y"], start["X"]), (stop["Y"], stop["X"])).intersect(
        Box.whole(shape)
    )
    if region.empty or np.prod(region.shape) > _WORTH_A_PREVIEW * np.prod(shape):
        return
    halo = math.ceil(job.predictor.halo / job.zoom)
    window = region.grow(halo, shape)
    plane = job.plane(start.get("T", 0), start.get("Z", 0), window)
    maps = yield from _plane_maps(job, plane, 0, _PARTS)
    decoded = job.iter_decode(maps, plane.shape[1:])
    values = yield from told_as(TilesDone(_PARTS, _PARTS), decoded)
    rows, columns = region.relative_to(window).slices
    inner = values[..., rows, columns]
    index = tuple(
        slice(region.start["YX".index(a)], region.stop["YX".index(a)])
        if a in "YX"
        else slice(start[a], start[a] + 1)
        for a in kept
    )
    whole = inner[..., None, None, :, :]
    yield ViewPredicted(Box.from_slices(index), in_image_axes(whole, kept))
