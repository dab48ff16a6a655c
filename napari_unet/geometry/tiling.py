"""Cut a plane into windows with a halo, so that tiled equals untiled.

::

    0                      window.stop          shape
    |--- core ---|-- halo --|                     |
         ^ kept      ^ read by the network, then thrown away

Every window has the same shape, so windows can be stacked into batches. At the
border of the plane a window is pushed inwards: there it ends where the plane ends,
and the network sees the same border as it would see without tiles.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from napari_unet.geometry.box import Box


@dataclass(frozen=True, slots=True)
class Tile:
    """A window that the network reads and the core that is kept of it.

    Parameters
    ----------
    window : Box
        What the network reads, in coordinates of the padded plane.
    core : Box
        What is kept; the cores of a plan cover the plane, each pixel once.
    """

    window: Box
    core: Box


def padded_shape(shape: tuple[int, ...], stride: int) -> tuple[int, ...]:
    """Return `shape` rounded up to multiples of the network's total stride."""
    return tuple(math.ceil(n / stride) * stride for n in shape)


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
    return tuple(
        Tile(
            Box(tuple(a[0] for a in spans), tuple(a[1] for a in spans)),
            Box(tuple(a[2] for a in spans), tuple(a[3] for a in spans)),
        )
        for spans in product(*axes)
    )


def _plan_axis(
    size: int, window: int, halo: int, stride: int
) -> list[tuple[int, int, int, int]]:
    """Return (window start, window stop, core start, core stop) along one axis."""
    padded = math.ceil(size / stride) * stride
    halo = math.ceil(halo / stride) * stride
    window = max(window // stride * stride, 2 * halo + stride)
    if padded <= window:
        return [(0, padded, 0, size)]
    count = _fewest_windows(padded, window, halo)
    extent = _window_extent(padded, count, halo, stride)
    return list(_spans(size, padded, extent, halo))


def _fewest_windows(padded: int, window: int, halo: int) -> int:
    """Return how many windows cover the axis; inner ones lose a halo on both sides."""
    return math.ceil((padded - 2 * halo) / (window - 2 * halo))


def _window_extent(padded: int, count: int, halo: int, stride: int) -> int:
    """Shrink the windows to what `count` of them need: less to compute twice."""
    core = math.ceil((padded - 2 * halo) / count / stride) * stride
    return min(padded, core + 2 * halo)


def _spans(
    size: int, padded: int, extent: int, halo: int
) -> Iterator[tuple[int, int, int, int]]:
    start = 0
    core_start = 0
    while core_start < size:
        stop = start + extent
        core_stop = size if stop >= padded else stop - halo
        yield start, stop, core_start, core_stop
        core_start = core_stop
        start = min(core_stop - halo, padded - extent)
