"""Compute a layer strip by strip: the same numbers, and much less memory at once.

What a convolution reads and writes for a large plane does not fit into a processor's
caches, and is asked from the operating system anew for every layer, which takes as long
as a third of the computing. A strip's fits, and its memory is used again for the next.
Between two strips one can stop.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

import torch
from torch import Tensor

from napari_unet.core.jobs import mapped

R = TypeVar("R")

# Twice as many, which a block reads, take less than 32 MiB in bfloat16: up to there
# glibc keeps memory for the next strip. Fewer would wait for all threads more often,
# which costs most where other programs compute too.
_STRIP_VALUES = 7 * 2**20
_LEAST_ROWS = 16


def iter_strips(
    layer: Callable[..., Tensor],
    inputs: tuple[Tensor, ...],
    rows: int,
    *,
    height: int,
    halo: int,
) -> Generator[float, None, Tensor]:
    """Return ``layer(*inputs)``, computed in strips along the first spatial axis.

    Yields the share that is done.

    Parameters
    ----------
    layer : callable
        Takes tensors (N, C, [Z,] Y, X) and returns one.
    inputs : tuple of Tensor
        Their extents along the axis are `rows`, twice or half as many.
    rows : int
        Extent of what is returned along the axis.
    height : int
        Rows of a strip of the result, an even number.
    halo : int
        Rows of context that a row of the result needs on each side, an even number.
    """
    if height >= rows:
        whole = layer(*inputs)
        yield 1.0
        return whole
    joined: Tensor | None = None
    for start in range(0, rows, height):
        stop = min(rows, start + height)
        first, last = max(0, start - halo), min(rows, stop + halo)
        strip = layer(*[_cut(each, first, last, rows) for each in inputs])
        if joined is None:
            joined = _room(strip, rows)
        joined[:, :, start:stop] = strip[:, :, start - first : stop - first]
        yield stop / rows
    assert joined is not None
    return joined


def iter_part(
    steps: Generator[float, None, R], number: int, count: int
) -> Generator[float, None, R]:
    """Report the progress of one part as that of `count` equal parts."""
    return mapped(lambda share: (number + share) / count, steps)


def strip_height(values: int) -> int:
    """Return how many rows of so many values make a strip: even, for the poolings."""
    return max(_LEAST_ROWS, _STRIP_VALUES // values // 2 * 2)


def _cut(tensor: Tensor, first: int, last: int, rows: int) -> Tensor:
    """Return the rows that belong to `first` to `last` of `rows`, as a view."""
    extent = tensor.shape[2]
    return tensor[:, :, first * extent // rows : last * extent // rows]


def _room(strip: Tensor, rows: int) -> Tensor:
    """Return memory for all strips, in their order of axes."""
    shape = (*strip.shape[:2], rows, *strip.shape[3:])
    orders = {4: torch.channels_last, 5: torch.channels_last_3d}
    order = orders.get(strip.ndim, torch.contiguous_format)
    if not strip.is_contiguous(memory_format=order):
        order = torch.contiguous_format
    return torch.empty(
        shape, dtype=strip.dtype, device=strip.device, memory_format=order
    )
