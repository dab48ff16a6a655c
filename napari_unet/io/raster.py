"""Reading PNG, JPEG, BMP, GIF, WebP and PNM files through Pillow.

Pillow reads colours of 16 bits a channel as 8 bits, and grey ones of a PNM in another
scale, without a word. So PNG files of that kind go through imagecodecs, and the numbers
of such PNM files are read here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from napari_unet.errors import InputError
from napari_unet.geometry.axes import ImageHeader
from napari_unet.geometry.box import Box
from napari_unet.images.source import ArrayImage
from napari_unet.io.reader import (
    NO_TRANSPARENCY,
    TURNED,
    refuse_beyond_memory,
    refuse_more_than_held,
)
from napari_unet.io.stored import Head, Pixels, Stored, View, file_fingerprint

_AXES = {2: "YX", 3: "YXC"}

# Pillow knows more, and runs Ghostscript for some of them.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")

_MOST_PIXELS = MappingProxyType(
    {"PNG": 8_800, "GIF": 3_000, "JPEG": 2_000, "MPO": 2_000}
)
"""Pixels that a byte in the file can stand for; those of WebP have no limit."""

_BITS = 8
_ORIENTATION = 274
_LARGEST_BYTE = 255

_LARGE = 2**28
READ_WHOLE = (
    "files of this kind can only be read whole, which takes memory; save large images "
    "as OME-Zarr, or as TIFF with tiles"
)
SEVERAL_FRAMES = (
    "the file holds several frames and only the first was read; save them as a "
    "TIFF stack to use all"
)


def read_raster(path: Path, *, stored: bool) -> ArrayImage:
    """Read the first frame of a file.

    Where what is `stored` is wanted, the numbers of a palette's colours are returned
    and not the colours.

    Raises an InputError if the file claims what it cannot hold, or more than fits into
    memory, or needs another package; or whatever Pillow raises for what it cannot read.
    """
    with _opened(path) as image:
        _check_size(path, image)
        # Not their number: it takes a walk through all of them.
        several = getattr(image, "is_animated", False)
        if not _is_deep(image):
            found = _pixels(image, stored=stored)
        elif image.format == "PNG":
            found = ArrayImage(array=_png(path))
        else:
            found = ArrayImage(array=_pnm(path, image))
        turned = _is_turned(image)
    found = replace(found, note=None).noted(
        SEVERAL_FRAMES if several else None, found.note, TURNED if turned else None
    )
    if found.array.ndim == 3 and found.array.shape[2] == 2:
        found = replace(found, array=found.array[..., 0]).noted(NO_TRANSPARENCY)
    return replace(found, axes=_AXES.get(found.array.ndim))


@dataclass(frozen=True, kw_only=True)
class RasterImage(Stored):
    """The first frame of a file; Pillow reads all of it at once.

    It has its pixels with it, and reads them again in another process.
    """

    stored: bool
    array: npt.NDArray[Any] = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without pixels."""
        return _find_again, (self.path, self.stored, self.views)

    def open(self) -> Pixels:
        """Return the pixels."""
        return _RasterPixels(self.array)

    def fingerprint(self) -> str:
        """Return what becomes another text when the file becomes another one."""
        return file_fingerprint(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class _RasterPixels:
    array: npt.NDArray[Any]

    def read(self, region: Box, level: int) -> npt.NDArray[Any]:
        del level  # there is one
        return self.array[region.slices]

    def missing(self, region: Box, level: int) -> tuple[str, ...]:
        del region, level
        return ()

    def close(self) -> None:
        pass


def find_raster(path: Path, *, stored: bool = False) -> RasterImage:
    """Return the first frame of a file; the rest as in `read_raster`."""
    found = read_raster(path, stored=stored)
    large = found.array.nbytes > _LARGE
    lying = Head(
        levels=(found.shape,),
        piece=found.shape,
        dtype=found.dtype,
        axes=found.axes,
        note=found.note,
        slow=READ_WHOLE if large else None,
    )
    return RasterImage(path=path, lying=lying, stored=stored, array=found.array)


def _find_again(path: Path, stored: bool, views: tuple[View, ...]) -> RasterImage:
    return find_raster(path, stored=stored).viewed(*views)


def read_raster_header(path: Path) -> ImageHeader:
    """Return what a file states; raises whatever Pillow raises."""
    with _opened(path) as image:
        bands = 3 if image.mode == "P" else len(image.getbands())
        shape = (image.height, image.width, bands)[: 3 if bands > 1 else 2]
    return ImageHeader(_AXES[len(shape)], shape)


def has_16_bit_colours(path: Path) -> bool:
    """Return whether a file has more bits a channel than Pillow reads."""
    try:
        with _opened(path) as image:
            return _is_deep(image)
    except Exception:  # noqa: BLE001 - Pillow raises anything on what it cannot read
        return False


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=_FORMATS) as image:
            yield image


def _pixels(image: Image.Image, *, stored: bool) -> ArrayImage:
    """Return the pixels, grey or in colours, and what was made of them."""
    if image.mode in {"P", "PA"}:
        if stored:
            return ArrayImage(array=np.array(image.getchannel(0)))
        clear = image.mode == "PA" or "transparency" in image.info
        array = np.array(image.convert("RGB"))
        if (array == array[..., :1]).all():
            array = np.ascontiguousarray(array[..., 0])  # its colours are grey
        return ArrayImage(array=array, note=NO_TRANSPARENCY if clear else None)
    note = None
    if image.mode in {"CMYK", "YCbCr"}:
        note = f"colours were converted from {image.mode} to RGB"
    if image.mode in {"CMYK", "YCbCr", "RGBX"}:
        image = image.convert("RGB")
    return ArrayImage(array=np.array(image), note=note)


def _is_turned(image: ImageFile.ImageFile) -> bool:
    try:
        return image.getexif().get(_ORIENTATION, 1) not in {0, 1}
    except Exception:  # noqa: BLE001 - a hint, in a part of the file that can be anything
        return False


def _is_deep(image: ImageFile.ImageFile) -> bool:
    """Return whether Pillow reads other numbers than lie in a file of 16 bits."""
    if image.format not in {"PNG", "PPM"} or not image.tile:
        return False
    how = image.tile[0][3]
    mode, *largest = how if isinstance(how, tuple) else (how,)
    if image.format == "PNG":
        return mode in {"RGB;16B", "LA;16B", "RGBA;16B"}
    return mode == "I;16B" or max(largest, default=0) > _LARGEST_BYTE


def _png(path: Path) -> npt.NDArray[Any]:
    try:
        from imagecodecs import png_decode  # an extra, which may be missing
    except ImportError as error:
        raise InputError(
            f"The PNG {str(path)!r} has colours of 16 bits a channel, which needs one "
            "more package; run: pip install imagecodecs, or save the image as TIFF."
        ) from error
    return np.asarray(png_decode(path.read_bytes()))


def _pnm(path: Path, image: ImageFile.ImageFile) -> npt.NDArray[Any]:
    colours = (3,) if image.mode == "RGB" else ()
    shape = (image.height, image.width, *colours)
    count = math.prod(shape)
    decoder, _, offset, _ = image.tile[0]
    content = path.read_bytes()
    if decoder == "ppm_plain":
        words = content[offset:].split(maxsplit=count)[:count]
        values = np.array([int(word) for word in words], np.uint16)
    else:
        values = np.frombuffer(content, ">u2", count, offset).astype(np.uint16)
    return values.reshape(shape)


def _check_size(path: Path, image: ImageFile.ImageFile) -> None:
    """Compare the size that the header claims with the file's, and with the memory."""
    pixels = image.width * image.height
    tiles = getattr(image, "tile", None)
    packed = not tiles or tiles[0][0] != "raw"
    most = _MOST_PIXELS.get(image.format or "", np.inf) if packed else _BITS
    words = f"{image.width} x {image.height} pixels"
    refuse_more_than_held(path, pixels, most, words)
    bands = 3 if image.mode == "P" else len(image.getbands())
    sample = 4 if image.mode in {"I", "F"} else 2 if image.mode == "I;16" else 1
    refuse_beyond_memory(path, pixels * bands * sample)
