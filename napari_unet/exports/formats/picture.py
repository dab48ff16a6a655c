"""A picture for slides: the image with the outlines of its objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_unet.core.atomic import write_atomically
from napari_unet.exports.colours import label_colours
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result
from napari_unet.geometry.axes import to_canonical
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.pieces import neighbours

_BLACK, _WHITE = 0.2, 99.8
"""Per cent of the pixels that are darker than black and white."""

_LOOKED_AT = 10**6
_COLOURS = 256


def _write(result: Result, path: Path) -> Steps:
    (_, _, plane), *_ = result.planes()
    yield
    drawn = _background(result)
    yield
    border = borders(plane)
    number = 1 + (plane[border] - 1) % (_COLOURS - 1)
    drawn[border] = label_colours(_COLOURS)[number]
    picture = Image.fromarray(drawn)
    write_atomically(path, lambda file: picture.save(file, format="PNG"))


def borders(plane: LabelMap) -> Mask:
    """Return pixels of objects that lie beside another object or background."""
    found = np.zeros(plane.shape, bool)
    for axis in range(2):
        here, there = neighbours(2, axis)
        apart = plane[here] != plane[there]
        found[here] |= apart
        found[there] |= apart
    inside: Mask = found & (plane != 0)
    return inside


def _background(result: Result) -> npt.NDArray[np.uint8]:
    """Return the image as it is seen, in colours if it has three, or else grey."""
    shape = (result.extent["Y"], result.extent["X"], 3)
    if result.image is None:
        return np.zeros(shape, np.uint8)
    channels = to_canonical(result.image, result.image_axes)[0, :, 0]
    if len(channels) in (3, 4) and result.image_axes.endswith("C"):
        return np.stack([_stretched(each) for each in channels[:3]], axis=-1)
    grey = _stretched(channels[0])
    return np.stack([grey, grey, grey], axis=-1)


def _stretched(channel: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return grey values between nearly the darkest and nearly the brightest."""
    if channel.dtype == np.uint8:
        return channel
    flat = channel.reshape(-1)[:: 1 + channel.size // _LOOKED_AT].astype(np.float64)
    known = flat[np.isfinite(flat)]
    low, high = np.percentile(known, (_BLACK, _WHITE)) if known.size else (0.0, 1.0)
    scaled = (channel.astype(np.float32) - low) / max(high - low, 1e-12)
    return np.asarray(np.round(255 * np.clip(np.nan_to_num(scaled), 0, 1)), np.uint8)


OUTLINES = Format(
    "outlines",
    "Picture with outlines (PNG)",
    "The image with the outlines of its objects in colours, for slides and notes.",
    " outlines.png",
    _write,
    of_planes=True,
)
