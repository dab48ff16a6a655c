"""Reading PNG, JPEG, BMP, GIF, WebP and PNM files through Pillow.

Pillow reads colours of 16 bits a channel as 8 bits, without a word. So PNG files of
that kind go through imagecodecs, and PNM files are read here.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from napari_unet.errors import InputError
from napari_unet.images.source import ArrayImage
from napari_unet.io.reader import (
    NO_TRANSPARENCY,
    TURNED,
    in_words,
    refuse_beyond_memory,
)

_AXES = {2: "YX", 3: "YXC"}

# Pillow knows more, and runs Ghostscript for some of them.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "WEBP")

_MOST_PIXELS = MappingProxyType(
    {"PNG": 8_800, "GIF": 3_000, "JPEG": 2_000, "MPO": 2_000}
)
"""Pixels that a byte in the file can stand for; those of WebP have no limit."""

_BITS = 8
_ORIENTATION = 274
_PNG = b"\x89PNG\r\n\x1a\n"
# By the type of colour in a PNG's header; plain grey is read by Pillow.
_PNG_COLOURS = frozenset({2, 4, 6})
_GAP = rb"(?:\s|#[^\n]*\n)+"
_PNM = re.compile(rb"P([2356])" + _GAP + _GAP.join([rb"(\d{1,9})"] * 3) + rb"\s")
_HEAD = 512
_TEXT, _COLOUR = b"23", b"36"
_LARGEST_BYTE, _LARGEST_SHORT = 255, 65_535

SEVERAL_FRAMES = (
    "the file holds several frames and only the first was read; save them as a "
    "TIFF stack to use all"
)


def read_raster(path: Path, *, stored: bool) -> ArrayImage:
    """Read the first frame of a file.

    Where what is `stored` is wanted, the numbers of a palette's colours are returned
    and not the colours.

    Raises an InputError if the file claims what it cannot hold, or more than fits into
    memory, or needs another package. Raises whatever else Pillow raises for what it
    cannot read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS) as image:
            _check_size(path, image)
            # Not their number: it takes a walk through all of them.
            several = getattr(image, "is_animated", False)
            array = _of_16_bits(path)
            notes = [SEVERAL_FRAMES] if several else []
            if array is None:
                array, said = _pixels(image, stored=stored)
                notes += said
            if _is_turned(image):
                notes.append(TURNED)
    if array.ndim == 3 and array.shape[2] == 2:
        array = array[..., 0]
        notes.append(NO_TRANSPARENCY)
    axes, note = _AXES.get(array.ndim), "; ".join(notes) or None
    return ArrayImage(array=array, axes=axes, note=note)


def _pixels(image: Image.Image, *, stored: bool) -> tuple[npt.NDArray[Any], list[str]]:
    """Return the pixels, grey or in colours, and what was made of them."""
    notes = []
    if image.mode in {"P", "PA"}:
        if stored:
            return np.array(image.getchannel(0)), []
        clear = image.mode == "PA" or "transparency" in image.info
        return _grey_if_it_is(np.array(image.convert("RGB"))), (
            [NO_TRANSPARENCY] if clear else []
        )
    if image.mode in {"CMYK", "YCbCr"}:
        notes.append(f"colours were converted from {image.mode} to RGB")
    if image.mode in {"CMYK", "YCbCr", "RGBX"}:
        image = image.convert("RGB")
    return np.array(image), notes


def _grey_if_it_is(colours: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return one channel of colours that are grey, all of them."""
    red, green, blue = np.moveaxis(colours, -1, 0)
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(red)
    return colours


def _is_turned(image: Image.Image) -> bool:
    try:
        return image.getexif().get(_ORIENTATION, 1) not in {0, 1}
    except Exception:  # noqa: BLE001 - a hint, in a part of the file that can be anything
        return False


def has_16_bit_colours(path: Path) -> bool:
    """Return whether a file has more bits a channel than Pillow reads."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_PNG) and len(head) > 25:
        # After the signature: length, "IHDR", width, height, bits, type of colour.
        return head[24] == 16 and head[25] in _PNG_COLOURS
    return _is_deep_pnm(head) is not None


def _of_16_bits(path: Path) -> npt.NDArray[Any] | None:
    """Return the pixels of a file that Pillow would read as 8 bits, or None."""
    if not has_16_bit_colours(path):
        return None
    with path.open("rb") as file:
        is_png = file.read(len(_PNG)) == _PNG
    return _png(path) if is_png else _pnm(path)


def _png(path: Path) -> npt.NDArray[Any]:
    try:
        from imagecodecs import png_decode  # an extra, which may be missing
    except ImportError as error:
        raise InputError(
            f"The PNG {str(path)!r} has colours of 16 bits a channel, which needs one "
            "more package; run: pip install imagecodecs, or save the image as TIFF."
        ) from error
    return np.asarray(png_decode(path.read_bytes()))


def _is_deep_pnm(content: bytes) -> re.Match[bytes] | None:
    header = _PNM.match(content)
    deep = header and _LARGEST_BYTE < int(header[4]) <= _LARGEST_SHORT
    return header if deep else None


def _pnm(path: Path) -> npt.NDArray[Any]:
    content = path.read_bytes()
    header = _is_deep_pnm(content)
    if header is None:
        raise ValueError("its header is longer than any")
    kind, (width, height) = header[1], (int(header[2]), int(header[3]))
    shape = (height, width, 3) if kind in _COLOUR else (height, width)
    count = int(np.prod(shape))
    if kind in _TEXT:
        words = content[header.end() :].split(maxsplit=count)[:count]
        values = np.array([int(word) for word in words], np.uint16)
    else:
        values = np.frombuffer(content, ">u2", count, header.end()).astype(np.uint16)
    return values.reshape(shape)


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
