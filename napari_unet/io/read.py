"""Reading images and label maps from files.

TIFF, OME-TIFF and ImageJ files go through tifffile, everything else (PNG, JPEG,
BMP, ...) through Pillow. The content decides, not the file's suffix. Zarr folders, with
or without OME's metadata, go through zarr.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from napari_unet.core.known_axes import StatedAxes
from napari_unet.core.provenance import LabelMap
from napari_unet.errors import InputError
from napari_unet.io.image_header import ImageHeader
from napari_unet.io.memory import in_words, refuse_beyond_memory
from napari_unet.io.tiff import (
    TiffImage,
    is_tiff,
    read_tiff,
    read_tiff_header,
)
from napari_unet.io.zarr_image import read_zarr, read_zarr_header
from napari_unet.io.zarr_metadata import is_zarr

_PILLOW_AXES = {2: "YX", 3: "YXC"}

# Pillow knows more, and runs Ghostscript for some of them.
_PILLOW_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")

_MOST_PIXELS = MappingProxyType(
    {"PNG": 8_800, "GIF": 3_000, "JPEG": 2_000, "MPO": 2_000}
)
"""Pixels that a byte in the file can stand for; those of WebP have no limit."""

_BITS = 8


@dataclass(frozen=True, slots=True, eq=False)
class ImageFile:
    """An image as it lies in a file.

    Parameters
    ----------
    array : ndarray
        Integers, unsigned integers or floats in native byte order; masks come as
        uint8.
    axes : str or None
        Axes out of "TCZYX", where the file names them or leaves no doubt.
    path : Path
        Where it was read from.
    pixel_size : dict of str to float
        Micrometres per pixel along "Z", "Y" and "X", where the file says so.
    note : str or None
        Something the person should know, such as a part that was left out.
    """

    array: npt.NDArray[Any]
    axes: str | None
    path: Path
    pixel_size: dict[str, float] = field(default_factory=dict)
    note: str | None = None


def read_image(path: str | Path) -> ImageFile:
    """Read one image: a file, or a zarr folder.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, not an image, damaged, or holds no
        pixels or pixels that are not real numbers.
    """
    path = Path(path)
    _check_file(path)
    found = _read_any(path)
    array = _real_pixels(found.array, path)
    return ImageFile(array, found.axes, path, found.pixel_size, found.note)


def read_header(path: Path) -> ImageHeader:
    """Return what an image file states of itself; no pixels are read.

    It is a hint, so a file that cannot be read states nothing: whoever reads its pixels
    is told why.
    """
    try:
        if is_zarr(path):
            return read_zarr_header(path)
        if not path.is_file():
            return ImageHeader()
        return read_tiff_header(path) if is_tiff(path) else _header_with_pillow(path)
    except Exception:  # noqa: BLE001 - readers raise anything on damaged files
        return ImageHeader()


def _header_with_pillow(path: Path) -> ImageHeader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=_PILLOW_FORMATS) as image:
            bands = 3 if image.mode == "P" else len(image.getbands())
            size = (image.height, image.width)
    if bands == 1:
        return ImageHeader(StatedAxes("YX", size))
    return ImageHeader(StatedAxes("YXC", (*size, bands)))


def read_labels(path: str | Path) -> LabelMap:
    """Read a label map: whole numbers, 0 for background, one id per object.

    Returns
    -------
    ndarray of int32
        In the file's order of axes.

    Raises
    ------
    InputError
        As `read_image`, and if pixels are colours, fractions, negative or too large.
    """
    image = read_image(path)
    array = image.array
    if image.axes is not None and "C" in image.axes:
        raise InputError(
            f"Expected a label map of whole numbers, found colours or channels "
            f"(axes {image.axes}) in {str(path)!r}; save it as a grey TIFF of ids."
        )
    if array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise InputError(
            f"Expected a label map of whole numbers, found fractions or NaN in "
            f"{str(path)!r}; save the object ids, not an image."
        )
    if array.min() < 0 or array.max() > np.iinfo(np.int32).max:
        raise InputError(
            f"Expected object ids from 0 to {np.iinfo(np.int32).max}, found "
            f"{array.min()} to {array.max()} in {str(path)!r}; renumber the objects."
        )
    return array.astype(np.int32)


def read_values(path: str | Path) -> npt.NDArray[np.float32]:
    """Read values to be regressed, or any other real numbers; NaN is allowed.

    Returns
    -------
    ndarray of float32
        In the file's order of axes, channels (variables) first.

    Raises
    ------
    InputError
        As `read_image`.
    """
    image = read_image(path)
    values = image.array.astype(np.float32)
    if image.axes is not None and "C" in image.axes:
        values = np.moveaxis(values, image.axes.index("C"), 0)
    return values


def _check_file(path: Path) -> None:
    name = repr(str(path))
    try:
        if is_zarr(path):
            return
        if path.is_dir():
            raise InputError(
                f"Expected an image file, found the folder {name}; "
                "name the images in it."
            )
        if not path.exists():
            raise InputError(f"There is no file {name}; check the name and the folder.")
        if not path.is_file():
            raise InputError(
                f"Expected an image file, found a device or pipe: {name}; save the "
                "image as a file."
            )
        if path.stat().st_size == 0:
            raise InputError(
                f"The file {name} is empty (0 bytes); copy or export it again."
            )
    except OSError as error:
        raise InputError(f"Cannot read {name}: {_reason(error)}.") from error


def _read_any(path: Path) -> TiffImage:
    try:
        if path.is_dir():
            return read_zarr(path)
        return read_tiff(path) if is_tiff(path) else _read_with_pillow(path)
    except InputError:
        raise
    # A damaged file can make the readers raise anything at all.
    except Exception as error:
        raise InputError(_in_words(path, error)) from error


def _read_with_pillow(path: Path) -> TiffImage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=_PILLOW_FORMATS) as image:
            _check_size(path, image)
            # Not their number: it takes a walk through all of them.
            several = getattr(image, "is_animated", False)
            array = np.array(image.convert("RGB") if image.mode == "P" else image)
    note = (
        "the file holds several frames and only the first was read; save them as a "
        "TIFF stack to use all"
    )
    axes = _PILLOW_AXES.get(array.ndim)
    return TiffImage(array, axes, note=note if several else None)


def _check_size(path: Path, image: Image.Image) -> None:
    """Compare the size that the header claims with the file's, and with the memory."""
    pixels = image.width * image.height
    tiles = getattr(image, "tile", None)
    packed = not tiles or tiles[0][0] != "raw"
    most = _MOST_PIXELS.get(image.format or "", np.inf) if packed else _BITS
    if pixels > path.stat().st_size * most:
        raise InputError(
            f"The image {str(path)!r} is incomplete or damaged: its header tells of "
            f"{image.width} x {image.height} pixels, which a file of "
            f"{in_words(path.stat().st_size)} cannot hold; copy or export it again."
        )
    bands = 3 if image.mode == "P" else len(image.getbands())
    sample = 4 if image.mode in {"I", "F"} else 2 if image.mode == "I;16" else 1
    refuse_beyond_memory(path, pixels * bands * sample)


def _in_words(path: Path, error: Exception) -> str:
    name = repr(str(path))
    if isinstance(error, PermissionError):
        return f"Cannot read {name}: {_reason(error)}; change its permissions."
    if isinstance(error, MemoryError):
        return (
            f"The image {name} does not fit into memory; crop it, or use a machine "
            "with more."
        )
    if isinstance(error, Image.DecompressionBombError):
        return (
            f"{name} is too large for its format; save it as TIFF, which has no limit."
        )
    if isinstance(error, UnidentifiedImageError):
        return (
            f"{name} is not an image that this program reads (TIFF, OME-TIFF, PNG, "
            "JPEG, BMP); open it in Fiji and save it as TIFF."
        )
    if isinstance(error, ImportError) or "imagecodecs" in str(error):
        return (
            f"The TIFF {name} is compressed in a way that needs one more package; "
            "run: pip install imagecodecs"
        )
    return (
        f"The image {name} is incomplete or damaged and was not read; "
        "copy or export it again."
    )


def _real_pixels(array: npt.NDArray[Any], path: Path) -> npt.NDArray[Any]:
    name = repr(str(path))
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"Expected real grey values, found {array.dtype} pixels in {name}; save "
            "the magnitude, or one component, as an image."
        )
    if array.size == 0:
        raise InputError(
            f"The image {name} holds no pixels (shape {array.shape}); export it again."
        )
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
