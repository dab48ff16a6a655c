"""Pixels that another program read from a file, as the file means them.

napari's own readers turn nothing round where 0 is white, take inks for colours, and
keep 8 of the 16 bits of a PNG's colours. The command reads such files itself; here an
open image gets the same pixels, in the shape in which it was opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.io.raster import has_16_bit_colours
from napari_unet.io.read import read_image
from napari_unet.io.tiff import is_shown_otherwise, is_tiff

_COLOURS = (3, 4)
WHOLE_BITS = "the file has 16 bits a channel, which were read from it whole"
EIGHT_BITS = (
    "the file has 16 bits a channel, and only 8 of them were opened; open it as TIFF"
)


def as_file_means(
    path: Path | None, pixels: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], str | None]:
    """Return the pixels that a model gets of an opened file, and a note if others.

    Parameters
    ----------
    path : Path or None
        Where they come from.
    pixels : ndarray
        As they were opened. If they are no longer those of the file, they stay.
    """
    if path is None or not path.is_file():
        return pixels, None
    try:
        if is_tiff(path):
            return _of_tiff(path, pixels)
        if pixels.dtype == np.uint8 and has_16_bit_colours(path):
            return _of_16_bits(path, pixels)
    except (InputError, OSError):
        pass  # opened by somebody else, who can read it
    return pixels, None


def _of_tiff(
    path: Path, pixels: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], str | None]:
    if not is_shown_otherwise(path):
        return pixels, None
    stored = read_image(path, stored=True).array
    if not np.array_equal(stored, pixels):
        return pixels, None
    shown = read_image(path)
    fitting = _in_shape(shown.array, pixels.shape)
    return (pixels, None) if fitting is None else (fitting, shown.note)


def _of_16_bits(
    path: Path, pixels: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], str | None]:
    fitting = _in_shape(read_image(path).array, pixels.shape)
    if fitting is None or not np.array_equal(fitting >> 8, pixels):
        return pixels, EIGHT_BITS
    return fitting, WHOLE_BITS


def _in_shape(
    found: npt.NDArray[Any], shape: tuple[int, ...]
) -> npt.NDArray[Any] | None:
    """Return grey as colours, and colours with full opacity, where others are so."""
    if found.shape == shape:
        return found
    if found.shape == shape[:-1] and shape[-1] in _COLOURS:
        found = np.repeat(found[..., None], 3, axis=-1)
    if found.shape[:-1] == shape[:-1] and (found.shape[-1], shape[-1]) == _COLOURS:
        opaque = np.full_like(found[..., :1], np.iinfo(found.dtype).max)
        found = np.concatenate([found, opaque], axis=-1)
    return found if found.shape == shape else None
