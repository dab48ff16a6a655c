"""Reading images from files.

An image in memory is a source (`napari_unet.io.source`) that was read whole.

napari's own readers turn nothing round where 0 is white, take inks for colours, and
keep 8 of the 16 bits of a PNG's colours; `as_file_means` mends what they opened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.axes import ImageHeader
from napari_unet.images.source import ArrayImage
from napari_unet.io.microscope import find_microscope, kind_of
from napari_unet.io.raster import has_16_bit_colours, read_raster_header
from napari_unet.io.remote import place_of
from napari_unet.io.source import Source, find_image
from napari_unet.io.tiff import (
    is_damaged_tiff,
    is_shown_otherwise,
    is_tiff,
    read_tiff_header,
)
from napari_unet.io.zarr import is_zarr, read_zarr_header

_COLOURS = (3, 4)
WHOLE_BITS = "the file has 16 bits a channel, which were read from it whole"
EIGHT_BITS = (
    "the file has 16 bits a channel, and only 8 of them were opened; open it as TIFF"
)


def read_image(path: str | Path, *, stored: bool = False) -> ArrayImage:
    """Read one image: a file, or a zarr folder.

    Its pixels are integers, unsigned integers or floats in native byte order; masks
    come as uint8. The file names its axes, or leaves no doubt, or they are None.

    Parameters
    ----------
    stored : bool
        Return the numbers that lie in the file, which are the ids of a label map, and
        not what they are shown as: numbers of colours instead of a palette's colours,
        and grey values that are not turned round where 0 is white.

    Raises an InputError if the file is missing, a folder, empty, not an image, damaged,
    or holds no pixels or pixels that are not real numbers.
    """
    image = find_image(place_of(path), stored=stored)
    with Source(image) as source:
        array = source.read_whole()
    head = image.head
    return ArrayImage(
        array=array, axes=head.axes, pixel_size=head.pixel_size, note=head.note
    )


def read_header(path: Path) -> ImageHeader:
    """Return what an image file states of itself; no pixels are read.

    It is a hint, so a file that cannot be read states nothing: whoever reads its pixels
    is told why.
    """
    try:
        if is_zarr(path):
            return read_zarr_header(path)
        if not path.is_file():
            return ImageHeader()  # to open a pipe would be to wait for it
        if is_tiff(path):
            return read_tiff_header(path)
        kind = kind_of(path)
        if kind is not None:
            return find_microscope(path, kind).head.header
        return read_raster_header(path)
    except Exception:  # noqa: BLE001 - readers raise anything on damaged files
        return ImageHeader()


def is_damaged(path: Path) -> bool:
    """Return whether a TIFF holds less than it says, which other readers overlook.

    They show the planes that are left of a stack that was copied in part.
    """
    try:
        return path.is_file() and is_tiff(path) and is_damaged_tiff(path)
    except OSError:
        return False


def read_values(path: str | Path) -> npt.NDArray[np.float32]:
    """Read values to be regressed: NaN is allowed; variables (channels) come first."""
    image = read_image(path)
    values = image.array.astype(np.float32)
    if image.axes is not None and "C" in image.axes:
        values = np.moveaxis(values, image.axes.index("C"), 0)
    return values


def as_file_means(
    path: Path | None, pixels: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], str | None]:
    """Return the pixels that a model gets of an opened file, and a note if others.

    Pixels that are no longer those of the file stay as they were opened.
    """
    if path is None or not path.is_file():
        return pixels, None
    try:
        if is_tiff(path):
            if not is_shown_otherwise(path):
                return pixels, None
            if not np.array_equal(read_image(path, stored=True).array, pixels):
                return pixels, None
            shown = read_image(path)
            fitting = _in_shape(shown.array, pixels.shape)
            return (pixels, None) if fitting is None else (fitting, shown.note)
        if pixels.dtype == np.uint8 and has_16_bit_colours(path):
            fitting = _in_shape(read_image(path).array, pixels.shape)
            if fitting is None or not np.array_equal(fitting >> 8, pixels):
                return pixels, EIGHT_BITS
            return fitting, WHOLE_BITS
    except (InputError, OSError):
        pass  # opened by somebody else, who can read it
    return pixels, None


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
