"""When an image is larger than memory, and what is not done with such a one."""

from __future__ import annotations

import math

import psutil

from napari_unet.geometry.axes import result_axes

MOST_BYTES = 2**31
"""So much may labels of an image take that are held in memory as a whole."""

_BYTES_A_PIXEL = 9
"""Labels, as they are shown and as they are known, and who stands behind them."""


_OF_ALL_MEMORY = 4
"""Labels of a stack may take so small a part of the memory that there is."""


def is_large(shape: tuple[int, ...], axes: str, most_bytes: int = MOST_BYTES) -> bool:
    """Whether the labels of an image are held in chunks.

    A stack that is held as a whole can be seen from three sides, followed through time
    and measured, so it may take more than a plane where there is more memory.
    """
    sizes = dict(zip(axes, shape, strict=True))
    if any(sizes.get(axis, 1) > 1 for axis in "TZ"):
        total = psutil.virtual_memory().total
        most_bytes = round(most_bytes * max(1.0, total / _OF_ALL_MEMORY / MOST_BYTES))
    pixels = math.prod(sizes[axis] for axis in result_axes(axes))
    return _BYTES_A_PIXEL * pixels > most_bytes


def not_of_large(what: str, instead: str = "") -> str:
    """Say that something needs all of an image, and what to do."""
    way = instead or "cut out a part of it, and open that"
    return f"This image is larger than memory: {what} needs all of it at once; {way}."
