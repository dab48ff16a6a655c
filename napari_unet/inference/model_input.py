"""Fit an image to a model: its axes, its channels and the size of its objects.

Channels: nothing that shows anything is left out. Transparency is, and so are channels
that hold one number everywhere, and copies of another channel. Everything else is for
the person to decide.

Sizes: a U-Net sees a fixed number of pixels around each one, so it knows objects of
some sizes and no others. Where the typical object is smaller or larger than any it was
trained on, the image is zoomed (Cellpose always does, Stringer et al., Nature Methods
2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from napari_unet.errors import ChannelMismatchError, InputError
from napari_unet.geometry.axes import resolve_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.regrid import Regrid
from napari_unet.images.channels import (
    ChannelChoice,
    channel_count,
    parse_channels,
    take_channels,
)
from napari_unet.images.dimensions import refuse_unknown_dimensions
from napari_unet.images.source import (
    ArrayImage,
    CanonicalImage,
    ImageSource,
    as_image,
    no_real_numbers,
)
from napari_unet.models.folder import list_models
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.model import Model, check_model

S = TypeVar("S", bound=np.generic)
Grey: TypeAlias = npt.NDArray[np.float32]
Range: TypeAlias = tuple[float, float]

Zoom: TypeAlias = float | tuple[float, ...]
"""Alike along all axes, or one for each."""

LEAST_ZOOM, MOST_ZOOM = 1 / 8, 4.0
NEAR_ENOUGH = 1.2
"""Zooming by less than this factor is not worth its cost."""

_LARGEST_PLANE = 2**27

_RGB, _RGBA = 3, 4
_SAMPLE = 50_000
# Decoders of WebP round grey apart by a level; no dim image shall be grey by that.
_ROUNDING, _LEAST_RANGE = 1, 64


def check_image(image: npt.NDArray[Any], axes: str | None, model: Model) -> str:
    """Return the axes of an image after checking that the model can take it.

    Quick, whatever the image's size: whether three colours are one grey is only
    known for sure by `fit_image`.

    Raises an InputError if the image is empty, complex or not numeric, its axes do not
    fit, or it has not as many channels as the model (`ChannelMismatchError`).
    """
    resolved = _resolve_axes(image, axes, model)
    _fit(image, resolved, model, thinned=True)
    return resolved


def fit_image(
    image: object, axes: str | None, model: Model, channel: ChannelChoice | None = None
) -> tuple[CanonicalImage, str]:
    """Return an image with the channels that the model takes, and what was left out.

    A person may have chosen a `channel`, or several, as `parse_channels` takes them.

    Arrays are taken as by `napari_unet.images.source.as_image`; of a source with these
    very channels, no pixel is read. Raises as `check_image`, if it is no array, and if
    nobody says which axes are meant by the names of its dimensions.
    """
    check_model(model)
    if axes is None:
        refuse_unknown_dimensions(image)
    source: ImageSource = image if isinstance(image, ImageSource) else as_image(image)
    notes = [source.note] if isinstance(source, ArrayImage) else []
    resolved = _resolve_axes(source, axes or source.axes, model)
    if channel is not None:
        source = _with_channels(source, resolved, channel)
        resolved = source.axes or resolved
    if channel_count(source.shape, resolved) != model.spec.in_channels:
        fitted = _fit(source.read(Box.whole(source.shape)), resolved, model)
        fitted = replace(fitted, pixel_size=source.pixel_size)
        source, resolved = fitted, fitted.axes or resolved
        notes.append(fitted.note)
    note = "; ".join(filter(None, notes))
    told = f"{note[0].upper()}{note[1:]}." if note else ""
    return CanonicalImage(source, resolved), told


def _with_channels(
    source: ImageSource, axes: str, channel: ChannelChoice
) -> ArrayImage:
    names = source.channels if isinstance(source, ArrayImage) else ()
    chosen = parse_channels(channel, channel_count(source.shape, axes), names)
    array = source.read(Box.whole(source.shape))
    taken, left = take_channels(array, axes, chosen)
    return ArrayImage(array=taken, axes=left, pixel_size=source.pixel_size)


def _fit(
    image: npt.NDArray[Any], axes: str, model: Model, *, thinned: bool = False
) -> ArrayImage:
    wanted = model.spec.in_channels
    fitted = fit_channels(image, axes, wanted, thinned=thinned)
    if fitted is not None:
        return fitted
    channels = channel_count(image.shape, axes)
    plural = "s" if wanted > 1 else ""
    fitting = [spec.name for spec in list_models() if spec.in_channels == channels]
    named = f" ({', '.join(fitting)})" if fitting else ""
    raise ChannelMismatchError(
        f"Model {model.name!r} expects {wanted} channel{plural}, the image has "
        f"{channels} (axes {axes})",
        wanted,
        channels,
        axes,
        f"choose a model that fits{named}",
    )


def _resolve_axes(
    image: npt.NDArray[Any] | ImageSource, axes: str | None, model: Model
) -> str:
    if image.dtype.kind not in "buif":
        raise no_real_numbers(image.dtype)
    if 0 in image.shape:
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


def fit_channels(
    image: npt.NDArray[Any], axes: str, wanted: int, *, thinned: bool = False
) -> ArrayImage | None:
    """Leave out what is no channel of its own; None if so many cannot be had.

    Colours have their channels in the last place. Where only some pixels are looked at
    (`thinned`), an image may seem to fit that does not, never the other way round.
    """
    count = channel_count(image.shape, axes)
    if count == wanted:
        return ArrayImage(array=image, axes=axes)
    if wanted not in (1, _RGB) or not 1 < count <= _RGBA:
        return None
    channels = list(np.moveaxis(image, axes.index("C"), 0))
    looked_at = [_thin(channel) for channel in channels] if thinned else channels
    kept, notes = _without_alpha(looked_at, in_last_place=axes.endswith("C"))
    if len(kept) != wanted:
        least_range = 0 if thinned else _LEAST_RANGE
        one = _one_of(looked_at, kept, least_range) if wanted == 1 else None
        kept, words = one or ([], "")
        notes.append(words)
    if len(kept) != wanted:
        return None
    if wanted == 1:
        fitted, axes = take_channels(image, axes, (kept[0],))
    else:  # only the last one is ever left out of colours
        fitted = image[(slice(None),) * axes.index("C") + (slice(0, wanted),)]
    return ArrayImage(array=fitted, axes=axes, note="; ".join(notes))


def _without_alpha(
    channels: list[npt.NDArray[Any]], *, in_last_place: bool
) -> tuple[list[int], list[str]]:
    """Return which channels are colours, and what is said of the others."""
    every = list(range(len(channels)))
    alpha = channels[-1]
    if len(channels) != _RGBA:
        return every, []
    if _is_constant(alpha):
        return every[:-1], ["transparency was left out (it is the same everywhere)"]
    if not in_last_place:
        return every, []
    clear = float(np.mean(alpha == 0))
    said = f" ({clear:.1%} of the pixels are fully transparent)" if clear else ""
    return every[:-1], [
        f"transparency was left out{said}, and colours were taken as they are stored"
    ]


def _one_of(
    channels: list[npt.NDArray[Any]], among: list[int], least_range: int
) -> tuple[list[int], str] | None:
    """Return the channel that says all, in a list, and why; None if there is none."""
    colours = ("red", "green", "blue") if len(among) == _RGB else ()
    if colours and _are_alike([channels[n] for n in among], least_range):
        return among[:1], "red, green and blue are equal, so it was taken for grey"
    used = [n for n in among if not _is_constant(channels[n])]
    if not used:
        return among[:1], "all channels are blank, and the first was taken"
    if len(used) > 1:
        return None
    name = colours[used[0]] if colours else f"channel {used[0] + 1}"
    return used, f"only {name} was taken: the other channels hold one number everywhere"


def _are_alike(channels: list[npt.NDArray[Any]], least_range: int) -> bool:
    first = channels[0]
    if first.dtype != np.uint8:
        return all(_are_equal(first, one) for one in channels[1:])
    if not all(_are_close(first, one) for one in channels[1:]):
        return False
    spread = int(first.max()) - int(first.min())
    return spread >= least_range or all(_are_equal(first, c) for c in channels[1:])


def _are_equal(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    equal_nan = one.dtype.kind == "f"
    return _holds(partial(np.array_equal, equal_nan=equal_nan), one, other)


def _are_close(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    def close(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
        return int(np.abs(np.subtract(a, b, dtype=np.int16)).max()) <= _ROUNDING

    return _holds(close, one, other)


def _is_constant(channel: npt.NDArray[Any]) -> bool:
    first = channel[(0,) * channel.ndim]
    return _holds(lambda each: bool((each == first).all()), channel)


def _holds(test: Callable[..., bool], *channels: npt.NDArray[Any]) -> bool:
    """Whether a test holds of channels; some of their pixels are quicker to look at."""
    return test(*map(_thin, channels)) and test(*channels)


def _thin(channel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return some pixels from all over an image."""
    step = max(1, round((channel.size / _SAMPLE) ** (1 / channel.ndim)))
    return channel[(slice(None, None, step),) * channel.ndim]


def zoom_for(diameter: float, known: Range, shape: tuple[int, ...]) -> float:
    """Return by how much a plane (Y, X) is zoomed before the network sees it.

    Diameters are in pixels. Very large planes are zoomed in less, to fit into memory.
    """
    zoom = float(np.clip(diameter, *known)) / diameter
    if 1 / NEAR_ENOUGH <= zoom <= NEAR_ENOUGH:
        return 1.0
    fits = math.sqrt(_LARGEST_PLANE / math.prod(shape))
    return float(np.clip(zoom, LEAST_ZOOM, max(1.0, min(MOST_ZOOM, fits))))


def zoom_along_z(zoom: float, spacing: float | None, known: Range | None) -> float:
    """Return by how much a volume is zoomed along Z where its planes are, by `zoom`.

    The least that brings its planes as near to each other, or as far apart, as those
    that the model knows.

    Parameters
    ----------
    spacing : float or None
        Distance of two planes, in pixels of a plane; None is taken for 1.
    known : tuple of float or None
        Smallest and largest one that the network saw in training; where nobody knows,
        the shape of the objects is kept.
    """
    if known is None:
        return zoom
    apart = (spacing or 1.0) * zoom
    needed = apart / float(np.clip(apart, *known))
    if 1 / NEAR_ENOUGH <= needed <= NEAR_ENOUGH:
        return 1.0
    return float(np.clip(needed, LEAST_ZOOM, MOST_ZOOM))


def zooms_of(
    model: ModelSpec, dims: int, zoom: float, stretch: float | None
) -> tuple[float, ...]:
    """Return the zoom along each axis that is looked along, by that of Y and X.

    Parameters
    ----------
    dims : {2, 3}
        Whether planes or volumes are looked at. Models of planes want these isotropic.
    stretch : float or None
        How many times as far apart sections are as pixels are wide; None is 1.
    """
    if dims == 2:
        return (zoom, zoom)
    if model.architecture.dims == 2:
        return (zoom * (stretch or 1.0), zoom, zoom)
    return (zoom_along_z(zoom, stretch, model.spacings), zoom, zoom)


def resize(maps: Grey, shape: tuple[int, ...]) -> Grey:
    """Return maps (K, Y, X), or of a volume, on another grid, without aliasing."""
    if maps.shape[1:] == shape:
        return maps
    # Where there is one column torch takes other rows than those of each pixel.
    if len(shape) > 2 or shape[-1] == 1:
        return Regrid.whole(maps.shape[1:], shape).resize(maps)
    resized = F.interpolate(
        torch.from_numpy(np.ascontiguousarray(maps))[None],
        shape,
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    return np.asarray(resized[0].numpy())


def zoomed_shape(shape: tuple[int, ...], zoom: Zoom) -> tuple[int, ...]:
    """Return the shape of a zoomed plane, or volume."""
    zooms = zoom if isinstance(zoom, tuple) else (zoom,) * len(shape)
    return tuple(max(1, round(n * z)) for n, z in zip(shape, zooms, strict=True))


def sample_labels(labels: npt.NDArray[S], shape: tuple[int, ...]) -> npt.NDArray[S]:
    """Return labels on another grid: each pixel takes what lies at its centre."""
    places = (
        np.minimum(((np.arange(n) + 0.5) * m / n).astype(int), m - 1)
        for n, m in zip(shape, labels.shape[-len(shape) :], strict=True)
    )
    return np.ascontiguousarray(labels[..., *np.ix_(*places)])
