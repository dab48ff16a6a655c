"""What the numbers of a TIFF's page are shown as: white at 0, palettes, inks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.axes import Shape
from napari_unet.geometry.box import Box
from napari_unet.images.channels import channel_count
from napari_unet.io.reader import NO_TRANSPARENCY, TURNED
from napari_unet.io.stored import Head, LastAxis, Picked, Said, View

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
_INKS = 4

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


def iter_alpha_views(head: Head, page: Any) -> Iterator[View]:
    """Leave out the transparency of grey; put that of colours in the last place."""
    axes, samples = head.axes or "", int(page.samplesperpixel)
    has_alpha = not _ALPHA.isdisjoint(int(one) for one in page.extrasamples)
    if not has_alpha or "C" not in axes or channel_count(head.shape, axes) != samples:
        return
    place = axes.index("C")
    if samples == 2:
        yield Picked((place,))
        yield Said(NO_TRANSPARENCY)
    else:
        yield LastAxis(place)


def iter_shown_views(
    head: Head, page: Any, *, imagej: bool, used: Callable[[], tuple[int, int]]
) -> Iterator[View]:
    """Turn numbers to what viewers show.

    Palettes of ImageJ are only a look, and stay as they are. Which of the colours are
    `used`, from the lowest to the highest, is asked only where there is a palette.
    """
    kind = int(page.photometric)
    if kind == _WHITE_IS_ZERO:
        yield from _iter_turned_round(head, page)
    elif kind == _PALETTE and not imagej and page.colormap is not None:
        yield from _iter_coloured(head, page, used)
    elif kind == _SEPARATED and _are_inks(head):
        yield _Printed()
        yield Said("colours were converted from CMYK to RGB")
    if page.tags.valueof(_ORIENTATION, 1) not in {0, 1}:
        yield Said(TURNED)


def _are_inks(head: Head) -> bool:
    last = head.axes is None or head.axes.endswith("C")
    return last and head.dtype.kind == "u" and head.shape[-1] == _INKS


def _iter_turned_round(head: Head, page: Any) -> Iterator[View]:
    if head.dtype.kind == "b" and str(page.software).startswith("tifffile"):
        yield Said(MASK_OF_TIFFFILE)
    else:
        yield _TurnedRound(int(page.bitspersample))
        yield Said(WHITE_WAS_ZERO)


def _iter_coloured(
    head: Head, page: Any, used: Callable[[], tuple[int, int]]
) -> Iterator[View]:
    """Look colours up in a palette; grey where all that are used are grey."""
    if head.dtype.kind != "u":
        return
    palette = np.asarray(page.colormap)
    lowest, highest = used()
    if highest >= palette.shape[1]:
        raise ValueError("a number lies beyond the palette")
    red, green, blue = palette[:, lowest : highest + 1].astype(np.float64)
    if (np.diff(_RED * red + _GREEN * green + _BLUE * blue) >= 0).all():
        return  # the higher the number, the brighter
    if page.bitspersample <= 8:
        palette = (palette >> 8).astype(np.uint8)
    if (palette == palette[0]).all():
        yield _Toned(palette[0])
    else:
        yield _Coloured(palette)


@dataclass(frozen=True, slots=True)
class _TurnedRound(View):
    """Grey values with black and white exchanged."""

    bits: int

    def head(self, head: Head) -> Head:
        return head

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        del region
        return turn_round(array, self.bits)


@dataclass(frozen=True, slots=True, eq=False)
class _Toned(View):
    """Grey values that a palette has for numbers."""

    greys: npt.NDArray[Any]

    def head(self, head: Head) -> Head:
        return replace(head, dtype=self.greys.dtype)

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        del region
        return np.asarray(self.greys[array])


@dataclass(frozen=True, slots=True, eq=False)
class _Coloured(View):
    """Red, green and blue that a palette (3, n) has for numbers, on a last axis."""

    palette: npt.NDArray[Any]

    def head(self, head: Head) -> Head:
        axes = f"{head.axes}C" if head.axes else None
        return replace(head.reshaped(_with_colours, axes), dtype=self.palette.dtype)

    def inner(self, region: Box) -> Box:
        return Box(region.start[:-1], region.stop[:-1])

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        some = self.palette[region.slices[-1]]
        return np.moveaxis(some[:, array], 0, -1)


@dataclass(frozen=True, slots=True)
class _Printed(View):
    """Cyan, magenta, yellow and black on the last axis as red, green and blue."""

    def head(self, head: Head) -> Head:
        return head.reshaped(lambda shape: _with_colours(shape[:-1]), head.axes)

    def inner(self, region: Box) -> Box:
        return Box((*region.start[:-1], 0), (*region.stop[:-1], _INKS))

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        largest = float(np.iinfo(array.dtype).max)
        left = 1 - array / largest
        colours = np.rint(left[..., :3] * left[..., 3:] * largest)
        return colours[..., region.slices[-1]].astype(array.dtype)


def _with_colours(shape: Shape) -> Shape:
    return (*shape, 3)


def turn_round(array: npt.NDArray[Any], bits: int) -> npt.NDArray[Any]:
    """Return grey values of so many bits with black and white exchanged."""
    if array.dtype.kind == "f":
        return -array
    if array.dtype.kind == "u":
        # Packed values do not fill their data type.
        largest = min(2 ** int(bits) - 1, int(np.iinfo(array.dtype).max))
        return np.asarray(array.dtype.type(largest) - array)
    return ~array
