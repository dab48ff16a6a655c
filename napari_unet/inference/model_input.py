"""What a model takes of an image: axes, channels, planes or volumes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from napari_unet.errors import ChannelMismatchError, InputError
from napari_unet.images.arrays import as_image
from napari_unet.images.channels import channel_count
from napari_unet.images.colour import Fitted, fit_channels
from napari_unet.images.known_axes import resolve_axes
from napari_unet.models.folder import list_models
from napari_unet.weights.model import Model, check_model


def check_image(image: npt.NDArray[Any], axes: str | None, model: Model) -> str:
    """Return the axes of an image after checking that the model can take it.

    Quick, whatever the image's size: whether three colours are one grey is only
    known for sure by `fit_image`.

    Raises
    ------
    InputError
        If the image is empty, complex or not numeric, its axes do not fit, or it has
        not as many channels as the model (`ChannelMismatchError`).
    """
    resolved = _resolve_axes(image, axes, model)
    _fit(image, resolved, model, thinned=True)
    return resolved


def fit_image(image: object, axes: str | None, model: Model) -> Fitted:
    """Return an image with the channels that the model takes, and what was left out.

    Parameters
    ----------
    image : ndarray or array-like
        As `napari_unet.images.arrays.as_image` takes it.

    Raises
    ------
    InputError
        As `check_image`, and if it is no array.
    """
    check_model(model)
    found = as_image(image)
    resolved = _resolve_axes(found.array, axes or found.axes, model)
    fitted = _fit(found.array, resolved, model)
    notes = [note for note in (found.note, fitted.note) if note]
    return replace(fitted, note="; ".join(notes) or None)


def _fit(
    image: npt.NDArray[Any], axes: str, model: Model, *, thinned: bool = False
) -> Fitted:
    fitted = fit_channels(image, axes, model.spec.in_channels, thinned=thinned)
    if fitted is None:
        raise _channel_mismatch(channel_count(image.shape, axes), axes, model)
    return fitted


def _resolve_axes(image: npt.NDArray[Any], axes: str | None, model: Model) -> str:
    if image.dtype.kind not in "buif":
        raise InputError(
            f"Expected an image of real numbers, found the data type {image.dtype}; "
            "convert it first, for example to float32 by taking the magnitude."
        )
    if image.size == 0:
        raise InputError(
            f"The image is empty (shape {image.shape}); choose another one."
        )
    resolved = resolve_axes(image.shape, image.dtype, person=axes or None).letters
    if model.net.dims == 3 and "Z" not in resolved:
        raise InputError(
            f"Model {model.name!r} looks at volumes, but the image has no z axis (axes "
            f'{resolved}); choose a z-stack, name its axes, such as "ZYX", or choose a '
            "2-D model."
        )
    return resolved


def _channel_mismatch(channels: int, axes: str, model: Model) -> ChannelMismatchError:
    wanted = model.spec.in_channels
    plural = "s" if wanted > 1 else ""
    fitting = [spec.name for spec in list_models() if spec.in_channels == channels]
    named = f" ({', '.join(fitting)})" if fitting else ""
    return ChannelMismatchError(
        f"Model {model.name!r} expects {wanted} channel{plural}, the image has "
        f"{channels} (axes {axes})",
        wanted,
        channels,
        axes,
        f"choose a model that fits{named}",
    )


def iter_places(shape: tuple[int, ...], dims: int) -> Iterator[tuple[int, int | slice]]:
    """Name the planes of an image of (T, Z) = `shape`, or its volumes in 3-D."""
    for t in range(shape[0]):
        sections = [slice(None)] if dims == 3 else range(shape[1])
        yield from ((t, z) for z in sections)
