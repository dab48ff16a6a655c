"""Planes cut into windows with a halo, into bands, and into squares.

Windows have a halo so that a tiled prediction equals an untiled one::

    0                      window.stop          shape
    |--- core ---|-- halo --|                     |
         ^ kept      ^ read by the network, then thrown away

Every window has the same shape, so windows can be stacked into batches. At the
border of the plane a window is pushed inwards: there it ends where the plane ends,
and the network sees the same border as it would see without tiles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap, Mask

_BAND_PIXELS = 2**17
_SQUARE_SIZES = (16, 128)
_SQUARES_WANTED = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """A window that the network reads and the core that is kept of it."""

    window: Box  # in coordinates of the padded plane
    core: Box  # those of a plan cover the plane, each pixel once


def padded_shape(shape: tuple[int, ...], stride: int) -> tuple[int, ...]:
    """Return `shape` rounded up to multiples of the network's total stride."""
    return tuple(_round_up(n, stride) for n in shape)


def padded(
    maps: npt.NDArray[np.float32], stride: int, mode: Literal["symmetric", "constant"]
) -> npt.NDArray[np.float32]:
    """Return maps (K, Y, X) that go on, as `numpy.pad` has it, to multiples of it."""
    shape = padded_shape(maps.shape[1:], stride)
    if maps.shape[1:] == shape:
        return maps
    margins = [(0, n - m) for n, m in zip(shape, maps.shape[1:], strict=True)]
    return np.pad(maps, [(0, 0), *margins], mode=mode)


def _round_up(extent: float, stride: int) -> int:
    return math.ceil(extent / stride) * stride


def plan_tiles(
    shape: tuple[int, ...], *, window: int, halo: int, stride: int
) -> tuple[Tile, ...]:
    """Plan the tiles of a plane, in reading order.

    Parameters
    ----------
    shape : tuple of int
        Shape of the plane before padding.
    window : int
        Largest extent of a window along an axis, in pixels. Raised, where it is too
        small, to the least that leaves a core of one stride.
    halo : int
        Context around a core, at least the network's receptive radius, in pixels.
    stride : int
        Total stride of the network: windows begin at its multiples.
    """
    axes = [_plan_axis(n, window, halo, stride) for n in shape]
    tiles = []
    for spans in product(*axes):
        start, stop, core_start, core_stop = zip(*spans, strict=True)
        tiles.append(Tile(Box(start, stop), Box(core_start, core_stop)))
    return tuple(tiles)


def _plan_axis(
    size: int, window: int, halo: int, stride: int
) -> list[tuple[int, int, int, int]]:
    """Return (window start, window stop, core start, core stop) along one axis."""
    padded, halo = _round_up(size, stride), _round_up(halo, stride)
    window = max(window // stride * stride, 2 * halo + stride)
    if padded <= window:
        return [(0, padded, 0, size)]
    # Inner windows lose a halo on both sides.
    count = math.ceil((padded - 2 * halo) / (window - 2 * halo))
    # Windows shrink to what that many need: less is computed twice.
    core = _round_up((padded - 2 * halo) / count, stride)
    extent = min(padded, core + 2 * halo)
    spans, start, core_start = [], 0, 0
    while core_start < size:
        stop = start + extent
        core_stop = size if stop >= padded else stop - halo
        spans.append((start, stop, core_start, core_stop))
        core_start = core_stop
        start = min(core_stop - halo, padded - extent)
    return spans


def cut_into_bands(box: Box) -> list[Box]:
    """Cut a box along its first axes into parts that fit into a processor's cache."""
    inner = math.prod(box.shape[1:])
    if inner > _BAND_PIXELS and len(box.shape) > 1:
        rest = Box(box.start[1:], box.stop[1:])
        return [
            Box((i, *part.start), (i + 1, *part.stop))
            for i in range(box.start[0], box.stop[0])
            for part in cut_into_bands(rest)
        ]
    rows = max(1, _BAND_PIXELS // max(1, inner))
    return [
        Box((i, *box.start[1:]), (min(i + rows, box.stop[0]), *box.stop[1:]))
        for i in range(box.start[0], box.stop[0], rows)
    ]


def number_squares(mask: Mask) -> LabelMap:
    """Cover the marked pixels with a grid of numbered squares; 0 where none is marked.

    Their size follows from the marked area: about 64 of them cover it. In 3-D they
    reach through all sections. They are held out where there are no objects.
    """
    area = np.count_nonzero(mask) / (len(mask) if mask.ndim > 2 else 1)
    size = int(np.clip(np.sqrt(area / _SQUARES_WANTED), *_SQUARE_SIZES))
    rows, columns = (np.arange(n) // size for n in mask.shape[-2:])
    numbers = rows[:, None] * (columns[-1] + 1) + columns[None] + 1
    return np.where(mask, numbers, 0).astype(np.int32)
