"""A file with an image larger than memory, as levels from near to afar.

Where the file has a pyramid, these are its levels; or else coarse ones that are empty
until somebody reads them (`read_coarsely`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.errors import NapariUnetError, UnreadableRegion
from napari_unet.geometry.axes import guess_axes
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.images.coarse import CoarseLevel, CoarsePlanes
from napari_unet.images.source import ImageSource
from napari_unet.io.levels import FileLevel
from napari_unet.io.source import Source, open_source

Level: TypeAlias = FileLevel | CoarseLevel

_PIECE = 2048
_SQUARE, _SQUARES = 128, 4
_DARKEST, _BRIGHTEST = 0.5, 99.8
_TELLING = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class LargeFile:
    """An image in a file of which nobody reads all at once.

    Parameters
    ----------
    levels : tuple
        From the full resolution to the coarsest; arrays that read what is asked for.
    axes : str
        As the file states them, or else guessed.
    limits : tuple of float
        Grey values between which most of it lies.
    coarse : CoarsePlanes or None
        What has to be read before there is something to see from afar.
    """

    levels: tuple[Level, ...]
    axes: str
    limits: tuple[float, float]
    coarse: CoarsePlanes | None


def find_large(
    path: Path, is_large: Callable[[tuple[int, ...], str], bool]
) -> Source | None:
    """Return the image in a file if it is a large one; looks at its head alone."""
    try:
        source = open_source(path)
    except NapariUnetError:
        return None  # whoever reads it says what is wrong
    axes = _axes(source)
    planes = axes.endswith(("YX", "YXC"))
    return source if planes and is_large(source.shape, axes) else None


def open_large(source: Source) -> LargeFile:
    """Return a large image as levels; reads a few squares of it."""
    axes = _axes(source)
    levels: tuple[Level, ...] = tuple(
        FileLevel(source, number) for number in range(len(source.levels))
    )
    coarse = None
    if len(levels) == 1:
        coarse = CoarsePlanes(source.shape, source.dtype, axes.index("Y"))
        levels += coarse.levels
    return LargeFile(levels, axes, _limits(levels[0], axes), coarse)


def read_coarsely(
    source: ImageSource, rows: int, at: PlaneIndex, step: int
) -> Iterator[tuple[Box, npt.NDArray[Any]]]:
    """Yield every n-th pixel of a plane, part by part, each with where it lies.

    What is damaged is left out. `rows` is the axis of Y.
    """
    height, width, *colours = source.shape[rows:]
    piece = max(step, _PIECE // step * step)
    after = tuple(each + 1 for each in at)
    none = (0,) * len(colours)
    for top, left in product(range(0, height, piece), range(0, width, piece)):
        stop = min(height, top + piece), min(width, left + piece)
        region = Box((*at, top, left, *none), (*after, *stop, *colours))
        with suppress(UnreadableRegion):
            values = source.read(region)[(0,) * rows][::step, ::step]
            start = top // step, left // step
            ends = start[0] + values.shape[0], start[1] + values.shape[1]
            yield Box((*start, *none), (*ends, *colours)), values


def _axes(source: Source) -> str:
    return source.axes or guess_axes(source.shape, source.dtype)


def _limits(level: Level, axes: str) -> tuple[float, float]:
    """Return grey values between which most pixels lie, where there is something.

    Of some squares that are spread evenly those count in which most is to be seen.
    """
    rows = axes.index("Y")
    lone = tuple(n // 2 for n in level.shape[:rows])
    starts = (
        sorted({round(max(0, n - _SQUARE) * i / _SQUARES) for i in range(_SQUARES + 1)})
        for n in level.shape[rows : rows + 2]
    )
    seen = []
    for top, left in product(*starts):
        with suppress(UnreadableRegion):
            square = slice(top, top + _SQUARE), slice(left, left + _SQUARE)
            found = np.asarray(level[(*lone, *square)], np.float64).ravel()
            seen.append(found[np.isfinite(found)])
    spread = [float(each.std()) if each.size else 0.0 for each in seen]
    most = max(spread, default=0.0)
    if not most:
        whole = np.issubdtype(level.dtype, np.integer)
        return (0.0, float(np.iinfo(level.dtype).max)) if whole else (0.0, 1.0)
    telling = [e for e, s in zip(seen, spread, strict=True) if s >= _TELLING * most]
    values = np.concatenate(telling)
    low, high = (float(v) for v in np.percentile(values, (_DARKEST, _BRIGHTEST)))
    return low, high if high > low else low + 1.0
