"""When an image is larger than memory, and what is not done with such a one."""

from __future__ import annotations

import math

from napari_unet.geometry.axes import result_axes

MOST_BYTES = 2**31
"""So much may labels of an image take that are held in memory as a whole."""

_BYTES_A_PIXEL = 9
"""Labels, as they are shown and as they are known, and who stands behind them."""


def is_large(shape: tuple[int, ...], axes: str, most_bytes: int = MOST_BYTES) -> bool:
    """Whether the labels of an image are held in chunks; of planes, not of stacks."""
    sizes = dict(zip(axes, shape, strict=True))
    if any(sizes.get(axis, 1) > 1 for axis in "TZ"):
        return False
    pixels = math.prod(sizes[axis] for axis in result_axes(axes))
    return _BYTES_A_PIXEL * pixels > most_bytes


def not_of_large(what: str, instead: str = "") -> str:
    """Say that something needs all of an image, and what to do."""
    way = instead or "cut out a part of it, and open that"
    return f"This image is larger than memory: {what} needs all of it at once; {way}."
