"""What the numbers of a TIFF's page are shown as: white at 0, palettes, inks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.images.channels import channel_count
from napari_unet.images.source import ArrayImage
from napari_unet.io.reader import NO_TRANSPARENCY, TURNED

_WHITE_IS_ZERO, _PALETTE, _SEPARATED, _YCBCR = 0, 3, 5, 6
SHOWN_OTHERWISE = frozenset({_WHITE_IS_ZERO, _SEPARATED})
"""Kinds of pixels whose numbers are changed, and whose shape may stay."""

_UNREAD = MappingProxyType(
    {
        8: "CIE L*a*b*",
        9: "ICC L*a*b*",
        10: "ITU L*a*b*",
        32803: "a camera's colour filter mosaic",
        32844: "LogL",
        32845: "LogLuv",
    }
)
# Decoders of photographs turn YCbCr into RGB; these only unpack.
_LOSSLESS = frozenset({1, 5, 8, 32773, 32946, 34887, 34925, 50000})
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_ORIENTATION = 274
_ALPHA = frozenset({1, 2})

WHITE_WAS_ZERO = (
    "the file says that 0 is white, so grey values were turned round: what viewers "
    "show bright is bright"
)
MASK_OF_TIFFFILE = (
    "the file says that 0 is white, as tifffile does of every mask; its values were "
    "taken as they are"
)


def refuse_unread_colours(path: Path, page: Any) -> None:
    """Refuse pixels that stand for neither grey nor red, green and blue."""
    name = _UNREAD.get(int(page.photometric))
    if int(page.photometric) == _YCBCR and int(page.compression) in _LOSSLESS:
        name = "YCbCr"
    if int(page.photometric) == _SEPARATED and page.samplesperpixel != 4:
        name = f"{page.samplesperpixel} inks"
    if name is not None:
        raise InputError(
            f"The pixels of {str(path)!r} are {name}, neither grey nor RGB, and were "
            "not read; save the image as RGB or grey."
        )


def as_shown(image: ArrayImage, page: Any, *, imagej: bool) -> ArrayImage:
    """Return an image with the pixels that viewers show, and what was made of them.

    Palettes of ImageJ are only a look, and stay as they are.
    """
    makers: dict[int, Callable[[ArrayImage, Any], ArrayImage]]
    makers = {_WHITE_IS_ZERO: _turned_round}
    if not imagej and page.colormap is not None and image.dtype.kind == "u":
        makers[_PALETTE] = _coloured
    if image.axes is None or image.axes.endswith("C"):
        makers[_SEPARATED] = _printed
    make = makers.get(int(page.photometric))
    shown = make(image, page) if make else image
    turned = page.tags.valueof(_ORIENTATION, 1) not in {0, 1}
    return shown.noted(TURNED) if turned else shown


def without_alpha(image: ArrayImage, page: Any) -> ArrayImage:
    """Leave out the transparency of grey; put that of colours in the last place."""
    axes, samples = image.axes or "", int(page.samplesperpixel)
    has_alpha = not _ALPHA.isdisjoint(int(one) for one in page.extrasamples)
    if not has_alpha or channel_count(image.shape, axes) != samples or "C" not in axes:
        return image
    last, kept = np.moveaxis(image.array, axes.index("C"), -1), axes.replace("C", "")
    if samples == 2:
        return replace(image, array=last[..., 0], axes=kept).noted(NO_TRANSPARENCY)
    return replace(image, array=last, axes=f"{kept}C")


def _turned_round(image: ArrayImage, page: Any) -> ArrayImage:
    if image.dtype.kind == "b" and str(page.software).startswith("tifffile"):
        return image.noted(MASK_OF_TIFFFILE)
    turned = turn_round(image.array, page.bitspersample)
    return replace(image, array=turned).noted(WHITE_WAS_ZERO)


def turn_round(array: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """Return grey values of so many bits with black and white exchanged."""
    if array.dtype.kind == "f":
        return -array
    if array.dtype.kind == "u":
        # Packed values do not fill their data type.
        largest = min(2 ** int(bits) - 1, int(np.iinfo(array.dtype).max))
        return np.asarray(array.dtype.type(largest) - array)
    return ~array


def _coloured(image: ArrayImage, page: Any) -> ArrayImage:
    """Look colours up in a palette; grey where all that are used are grey."""
    numbers, palette = image.array, np.asarray(page.colormap)
    lowest, highest = int(numbers.min()), int(numbers.max())
    if highest >= palette.shape[1]:
        raise ValueError("a number lies beyond the palette")
    red, green, blue = palette[:, lowest : highest + 1].astype(np.float64)
    if (np.diff(_RED * red + _GREEN * green + _BLUE * blue) >= 0).all():
        return image  # the higher the number, the brighter
    if page.bitspersample <= 8:
        palette = (palette >> 8).astype(np.uint8)
    if (palette == palette[0]).all():
        return replace(image, array=palette[0][numbers])
    colours = np.moveaxis(palette[:, numbers], 0, -1)
    return replace(image, array=colours, axes=f"{image.axes}C" if image.axes else None)


def _printed(image: ArrayImage, _page: Any) -> ArrayImage:
    """Turn cyan, magenta, yellow and black into red, green and blue."""
    inks = image.array
    if inks.dtype.kind != "u" or inks.shape[-1] != 4:
        return image
    largest = float(np.iinfo(inks.dtype).max)
    left = 1 - inks / largest
    colours = np.rint(left[..., :3] * left[..., 3:] * largest).astype(inks.dtype)
    note = "colours were converted from CMYK to RGB"
    return replace(image, array=colours).noted(note)
