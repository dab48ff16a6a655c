"""The image of a run: opened where it lies, with the channels that the model sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet import io
from napari_unet.geometry.axes import KnownAxes, resolve_axes
from napari_unet.geometry.box import Box
from napari_unet.images.channels import channel_count, parse_channels
from napari_unet.images.chosen import ChosenChannels
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.inference.model_input import check_image, fit_channels
from napari_unet.io.source import Source
from napari_unet.large.readable import Readable
from napari_unet.weights.model import Model

_RGB = 3

_LOOKED_AT = 1024
"""Pixels along each axis, by which channels are told apart that all say the same."""


def open_image(path: str, axes: str | None) -> Source:
    """Open the image of a run; `axes` are what a person says."""
    return io.open_source(path, axes=axes)


def known_axes(source: ImageSource, axes: str | None) -> KnownAxes:
    """Return which axis of an image is which; `axes` are what a person says."""
    return resolve_axes(source.shape, source.dtype, person=axes, layer=source.axes)


def fit_source(
    source: ImageSource, axes: str | None, channel: str | None, model: Model
) -> tuple[CanonicalImage, list[str]]:
    """Return an image as the model sees it, and what is to be said of that.

    No more than a part of it is read. Raises an InputError if it cannot be fitted.
    """
    letters = known_axes(source, axes).letters
    note = getattr(source, "note", None)
    notes = [note] if note else []
    count = channel_count(source.shape, letters)
    chosen: tuple[int, ...] | None = None
    if channel is not None:
        names = getattr(source, "channels", ())
        chosen = parse_channels(channel, count, names)
    if "C" not in letters or (chosen is None and count == model.spec.in_channels):
        _check(source, letters, model)
        return CanonicalImage(source, letters), notes
    if chosen is None:
        chosen, said = _fitting(source, letters, model)
        notes.append(said)
    taken = ChosenChannels(source, letters, chosen)
    _check(taken, taken.axes, model)
    return CanonicalImage(taken, taken.axes), notes


def _check(source: ImageSource, axes: str, model: Model) -> None:
    """Refuse what the model cannot take, by the shape alone."""
    nothing = np.zeros((), source.dtype)
    check_image(np.broadcast_to(nothing, source.shape), axes, model)


def _fitting(
    source: ImageSource, axes: str, model: Model
) -> tuple[tuple[int, ...], str]:
    """Return the channels that fit a model by themselves, and what is left out."""
    wanted, sample = model.spec.in_channels, _sample(Readable(source), axes)
    # Says what to do where none do.
    check_image(sample, axes, model)
    if wanted == _RGB:
        return (0, 1, 2), "transparency was left out"
    fitted = fit_channels(sample, axes, wanted)
    place = axes.index("C")
    channels = list(np.moveaxis(sample, place, 0))
    taken = next(
        n
        for n, one in enumerate(channels)
        if fitted is not None and np.array_equal(one, fitted.array)
    )
    return (taken,), f"{fitted.note if fitted else ''} in the middle of the image"


def _sample(source: ImageSource, axes: str) -> npt.NDArray[Any]:
    """Return the middle of an image, with all its channels."""
    start, stop = [], []
    for axis, n in zip(axes, source.shape, strict=True):
        extent = n if axis == "C" else min(n, _LOOKED_AT if axis in "YX" else 2)
        start.append((n - extent) // 2)
        stop.append((n - extent) // 2 + extent)
    return source.read(Box(tuple(start), tuple(stop)))
