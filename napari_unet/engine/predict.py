"""Predict labels: one engine for the dock, the command line and Python.

How it flows: the image is brought to (T, C, Z, Y, X), normalised with the statistics
of the whole image, predicted plane by plane and decoded into objects; the sections
of a z-stack are linked, and ids are unique in the result. With a view, its part of
the image is predicted first, so that something can be seen early.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.axes import (
    CANONICAL,
    from_canonical,
    guess_axes,
    parse_axes,
    result_axes,
    to_canonical,
)
from napari_unet.core.box import Box
from napari_unet.core.events import Notice, PredictEvent, TilesDone, ViewPredicted
from napari_unet.core.instances import decode_instances, link_planes
from napari_unet.core.provenance import LabelMap
from napari_unet.engine.device import choose_execution, resolve_device
from napari_unet.engine.inference import PlanePredictor, WindowsDone
from napari_unet.engine.model import Model
from napari_unet.errors import InputError

_WORTH_A_PREVIEW = 0.5


def predict(
    image: npt.NDArray[Any],
    model: Model,
    *,
    axes: str | None = None,
    device: str = "auto",
) -> LabelMap:
    """Segment an image.

    Parameters
    ----------
    image : ndarray
        Any real dtype; 2 to 5 axes.
    model : Model
        From `load_model`.
    axes : str, optional
        One letter of "TCZYX" per axis, such as "ZYX"; guessed where it is missing.
    device : {"auto", "cuda", "mps", "cpu"}
        Where to compute.

    Returns
    -------
    ndarray of int32
        One id per object, 0 for background, with the axes of the image without C.

    Raises
    ------
    InputError
        If the image cannot be segmented with this model.
    DeviceError
        If the device does not exist or its memory does not suffice.
    """
    events = iter_predict(image, model, axes=axes, device=device)
    while True:
        try:
            next(events)
        except StopIteration as finished:
            labels: LabelMap = finished.value
            return labels


def check_image(image: npt.NDArray[Any], axes: str | None, model: Model) -> str:
    """Return the axes of an image after checking that the model can take it.

    Raises
    ------
    InputError
        If the image is empty, complex or not numeric, its axes do not fit, or it has
        not as many channels as the model.
    """
    if image.dtype.kind not in "buif":
        raise InputError(
            f"Expected an image of real numbers, found the data type {image.dtype}; "
            "convert it first, for example to float32 by taking the magnitude."
        )
    if image.size == 0:
        raise InputError(
            f"The image is empty (shape {image.shape}); choose another one."
        )
    resolved = (
        parse_axes(axes, image.ndim) if axes else guess_axes(image.shape, image.dtype)
    )
    channels = image.shape[resolved.index("C")] if "C" in resolved else 1
    if channels != model.spec.in_channels:
        raise InputError(_channel_mismatch(channels, resolved, model))
    return resolved


def _channel_mismatch(channels: int, axes: str, model: Model) -> str:
    wanted = model.spec.in_channels
    plural = "s" if wanted > 1 else ""
    remedy = "choose another model, or an image with as many channels"
    if wanted == 1:
        remedy = "convert the image to grey or choose one channel of it"
    elif "C" not in axes:
        remedy = (
            'name the channel axis, for example axes "CYX", or choose another model'
        )
    return (
        f"Model {model.name!r} expects {wanted} channel{plural}, the image has "
        f"{channels} (axes {axes}); {remedy}."
    )


def iter_predict(
    image: npt.NDArray[Any],
    model: Model,
    *,
    axes: str | None = None,
    device: str = "auto",
    view: Box | None = None,
) -> Generator[PredictEvent, None, LabelMap]:
    """Segment an image step by step; arguments and errors as in `predict`.

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
    ndarray of int32
        As `predict` returns it.
    """
    resolved = check_image(image, axes, model)
    execution = choose_execution(resolve_device(device))
    canonical = to_canonical(image, resolved)
    limits = [model.spec.normalization.limits(c) for c in canonical.swapaxes(0, 1)]
    if all(high <= low for low, high in limits):
        yield Notice("The image is constant; there is nothing to find in it.")
        return _result(np.zeros(_result_shape(canonical), np.int32), resolved)
    job = _Job(canonical, model, PlanePredictor(model, execution), limits)
    if view is not None:
        yield from _preview(job, view, resolved)
    labels = yield from _all_planes(job)
    return _result(labels, resolved)


@dataclass(frozen=True, slots=True)
class _Job:
    """What all planes of one prediction have in common."""

    image: npt.NDArray[Any]
    model: Model
    predictor: PlanePredictor
    limits: list[tuple[float, float]]

    def plane(self, t: int, z: int, box: Box | None = None) -> npt.NDArray[np.float32]:
        region = box.slices if box else (slice(None), slice(None))
        raw = self.image[t, :, z][:, *region]
        return self.model.spec.normalization.scale(raw, self.limits)


def _result_shape(canonical: npt.NDArray[Any]) -> tuple[int, ...]:
    t, _, z, y, x = canonical.shape
    return t, z, y, x


def _result(labels: LabelMap, axes: str) -> LabelMap:
    return np.ascontiguousarray(from_canonical(labels, axes))


def _all_planes(job: _Job) -> Generator[PredictEvent, None, LabelMap]:
    labels = np.zeros(_result_shape(job.image), np.int32)
    frames, depth = labels.shape[:2]
    per_plane = job.predictor.count_windows(labels.shape[2:])
    highest = 0
    for t in range(frames):
        for z in range(depth):
            before = (t * depth + z) * per_plane
            labels[t, z] = yield from _plane_labels(
                job, job.plane(t, z), before, frames * depth * per_plane
            )
        labels[t] = _link(labels[t])
        labels[t][labels[t] > 0] += highest
        highest = max(highest, int(labels[t].max(initial=0)))
    return labels


def _link(stack: LabelMap) -> LabelMap:
    return link_planes(stack) if len(stack) > 1 else stack


def _plane_labels(
    job: _Job, plane: npt.NDArray[np.float32], before: int, total: int
) -> Generator[PredictEvent, None, LabelMap]:
    """Predict and decode a plane; progress counts from `before` to `total`."""
    events = job.predictor.iter_maps(plane)
    while True:
        try:
            event = next(events)
        except StopIteration as finished:
            return decode_instances(finished.value, job.model.spec.decoding)
        if isinstance(event, WindowsDone):
            share = event.done / event.total
            per_plane = job.predictor.count_windows(plane.shape[1:])
            yield TilesDone(min(total, before + round(share * per_plane)), total)
        else:
            yield event


def _preview(job: _Job, view: Box, axes: str) -> Generator[PredictEvent, None, None]:
    """Predict the viewed part of the viewed plane with the halo that it needs."""
    kept = result_axes(axes)
    present = {axis: i for i, axis in enumerate(kept)}
    start = {axis: view.start[i] for axis, i in present.items()}
    stop = {axis: view.stop[i] for axis, i in present.items()}
    shape = job.image.shape[3:]
    region = Box((start["Y"], start["X"]), (stop["Y"], stop["X"])).intersect(
        Box.whole(shape)
    )
    if region.empty or np.prod(region.shape) > _WORTH_A_PREVIEW * np.prod(shape):
        return
    halo = job.model.net.receptive_radius
    window = region.grow(halo, shape)
    plane = job.plane(start.get("T", 0), start.get("Z", 0), window)
    labels = yield from _plane_labels(job, plane, 0, 1)
    inner = labels[region.relative_to(window).slices]
    index = tuple(
        slice(region.start["YX".index(a)], region.stop["YX".index(a)])
        if a in "YX"
        else slice(start[a], start[a] + 1)
        for a in kept
    )
    present_order = [a for a in CANONICAL if a in kept]
    expanded = inner[tuple(None if a in "TZ" else slice(None) for a in present_order)]
    ordered = expanded.transpose([present_order.index(a) for a in kept])
    yield ViewPredicted(Box.from_slices(index), np.ascontiguousarray(ordered))
