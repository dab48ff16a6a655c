"""What the numbers of a TIFF's page are shown as: white at 0, palettes, inks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError

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

WHITE_WAS_ZERO = (
    "the file says that 0 is white, so grey values were turned round: what viewers "
    "show bright is bright"
)
MASK_OF_TIFFFILE = (
    "the file says that 0 is white, as tifffile does of every mask; its values were "
    "taken as they are"
)


def refuse_unread_colours(path: Path, page: Any) -> None:
    """Refuse pixels that stand for neither grey nor red, green and blue.

    Raises an InputError if they do; with what to save instead.
    """
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


def as_shown(
    array: npt.NDArray[Any], axes: str | None, page: Any, *, imagej: bool
) -> tuple[npt.NDArray[Any], str | None, list[str]]:
    """Return the pixels as viewers show them, their axes, and what was made of them.

    Palettes of ImageJ are only a look, and stay as they are.
    """
    makers: dict[int, Callable[..., Any]] = {_WHITE_IS_ZERO: _turned_round}
    if not imagej and page.colormap is not None and array.dtype.kind == "u":
        makers[_PALETTE] = _coloured
    if axes is None or axes.endswith("C"):
        makers[_SEPARATED] = _printed
    made = makers.get(int(page.photometric))
    return made(array, axes, page) if made else (array, axes, [])


def is_turned(page: Any) -> bool:
    """Return whether viewers may show the page turned or mirrored."""
    return page.tags.valueof(_ORIENTATION, 1) not in {0, 1}


def _turned_round(
    array: npt.NDArray[Any], axes: str | None, page: Any
) -> tuple[npt.NDArray[Any], str | None, list[str]]:
    if array.dtype.kind == "b" and str(page.software).startswith("tifffile"):
        return array, axes, [MASK_OF_TIFFFILE]
    return turn_round(array, page.bitspersample), axes, [WHITE_WAS_ZERO]


def turn_round(array: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """Return grey values of so many bits with black and white exchanged."""
    if array.dtype.kind == "f":
        return -array
    if array.dtype.kind == "u":
        # Packed values do not fill their data type.
        largest = min(2 ** int(bits) - 1, int(np.iinfo(array.dtype).max))
        return np.asarray(array.dtype.type(largest) - array)
    return ~array


def _coloured(
    numbers: npt.NDArray[Any], axes: str | None, page: Any
) -> tuple[npt.NDArray[Any], str | None, list[str]]:
    """Look colours up in a palette; grey where all that are used are grey."""
    palette = np.asarray(page.colormap)
    used = palette[:, int(numbers.min()) : int(numbers.max()) + 1]
    if used.shape[1] != int(numbers.max()) - int(numbers.min()) + 1:
        raise ValueError("a number lies beyond the palette")
    red, green, blue = used.astype(np.float64)
    if (np.diff(_RED * red + _GREEN * green + _BLUE * blue) >= 0).all():
        return numbers, axes, []  # the higher the number, the brighter
    if page.bitspersample <= 8:
        palette = (palette >> 8).astype(np.uint8)
    if (palette[0] == palette[1]).all() and (palette[0] == palette[2]).all():
        return palette[0][numbers], axes, []
    colours = np.moveaxis(palette[:, numbers], 0, -1)
    return colours, f"{axes}C" if axes else None, []


def _printed(
    inks: npt.NDArray[Any], axes: str | None, _page: Any
) -> tuple[npt.NDArray[Any], str | None, list[str]]:
    """Turn cyan, magenta, yellow and black into red, green and blue."""
    if inks.dtype.kind != "u" or inks.shape[-1] != 4:
        return inks, axes, []
    largest = float(np.iinfo(inks.dtype).max)
    left = 1 - inks / largest
    colours = np.rint(left[..., :3] * left[..., 3:] * largest).astype(inks.dtype)
    return colours, axes, ["colours were converted from CMYK to RGB"]
