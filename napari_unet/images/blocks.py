"""The order in which an image is read once, a bounded part at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

from napari_unet.geometry.axes import Shape
from napari_unet.geometry.box import Box


def iter_blocks(shape: Shape, piece: Shape, most: int) -> Iterator[Box]:
    """Yield regions that cover an image, each pixel once, of at most so many pixels.

    They are whole pieces, as they lie together in a file, as long as a piece is no
    larger: then none is read twice.
    """
    block = block_shape(shape, piece, most)
    steps = (range(0, n, step) for n, step in zip(shape, block, strict=True))
    for start in product(*steps):
        ends = zip(start, block, shape, strict=True)
        yield Box(start, tuple(min(a + step, n) for a, step, n in ends))


def block_shape(shape: Shape, piece: Shape, most: int) -> Shape:
    """Return the shape of such regions: pieces joined along the last axes first."""
    block = [max(1, min(n, whole)) for n, whole in zip(piece, shape, strict=True)]
    for axis in range(len(shape)):
        # Too large by itself: cut along the first axes.
        block[axis] = max(1, min(block[axis], most * block[axis] // math.prod(block)))
    for axis in reversed(range(len(shape))):
        times = max(1, most // math.prod(block))
        block[axis] = min(shape[axis], block[axis] * times)
    return tuple(block)
