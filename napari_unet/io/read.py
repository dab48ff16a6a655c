"""Reading images from files.

TIFF, OME-TIFF and ImageJ files go through tifffile, everything else (PNG, JPEG,
BMP, ...) through Pillow. The content decides, not the file's suffix. Zarr folders, with
or without OME's metadata, go through zarr.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from napari_unet.errors import InputError
from napari_unet.images.known_axes import StatedAxes
from napari_unet.io.image_header import ImageHeader
from napari_unet.io.raster import FORMATS, read_raster
from napari_unet.io.tiff import (
    TiffImage,
    is_tiff,
    read_tiff,
    read_tiff_header,
)
from napari_unet.io.zarr_image import read_zarr, read_zarr_header
from napari_unet.io.zarr_metadata import is_zarr


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


def read_image(path: str | Path, *, stored: bool = False) -> ImageFile:
    """Read one image: a file, or a zarr folder.

    Parameters
    ----------
    path : str or Path
        The file, or the folder.
    stored : bool
        Return the numbers that lie in the file, which are the ids of a label map, and
        not what they are shown as: numbers of colours instead of a palette's colours,
        and grey values that are not turned round where 0 is white.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, not an image, damaged, or holds no
        pixels or pixels that are not real numbers.
    """
    path = Path(path)
    _check_file(path)
    found = _read_any(path, stored=stored)
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
        with Image.open(path, formats=FORMATS) as image:
            bands = 3 if image.mode == "P" else len(image.getbands())
            size = (image.height, image.width)
    if bands == 1:
        return ImageHeader(StatedAxes("YX", size))
    return ImageHeader(StatedAxes("YXC", (*size, bands)))


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
        if path.is_symlink() and not path.exists():
            raise InputError(
                f"The link {name} leads to no file; make it anew, or name the file."
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


def _read_any(path: Path, *, stored: bool) -> TiffImage:
    try:
        if path.is_dir():
            return read_zarr(path)
        if is_tiff(path):
            return read_tiff(path, stored=stored)
        return read_raster(path, stored=stored)
    except InputError:
        raise
    # A damaged file can make the readers raise anything at all.
    except Exception as error:
        raise InputError(_in_words(path, error)) from error


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
