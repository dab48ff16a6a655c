"""A plane as a grid of squares that are predicted, kept and found again one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypeAlias

from napari_unet.geometry.box import Box

Cell: TypeAlias = tuple[int, int]
"""The row and the column of a square."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Squares that begin at the origin of a plane (Y, X); the last ones are cut."""

    shape: tuple[int, int]
    side: int

    def box(self, cell: Cell) -> Box:
        """Return a square of the plane."""
        return self.box_of((cell,))

    def box_of(self, cells: Sequence[Cell]) -> Box:
        """Return the smallest box that holds some squares, which are at least one."""
        low, high = _ends(cells)
        start = tuple(n * self.side for n in low)
        stop = tuple((n + 1) * self.side for n in high)
        return Box(start, stop).intersect(Box.whole(self.shape))

    def cells(self, box: Box, around: int = 0) -> list[Cell]:
        """Return the squares that a box of the plane touches, and some around it."""
        box = box.intersect(Box.whole(self.shape))
        if box.empty:
            return []
        ranges = []
        for start, stop, extent in zip(box.start, box.stop, self.shape, strict=True):
            last = (extent - 1) // self.side
            first = max(0, start // self.side - around)
            ranges.append(range(first, min(last, (stop - 1) // self.side + around) + 1))
        rows, columns = ranges
        return list(product(rows, columns))

    def blocks(
        self,
        cells: Iterable[Cell],
        centre: tuple[float, float],
        *,
        first: int,
        most: int,
        halo: int = 0,
    ) -> list[list[Cell]]:
        """Put squares into rectangular blocks, in the order of their distance.

        The centre is a point of the plane. A block has so many squares at most, the
        first one fewer, as somebody waits for it. As a halo is read around each block,
        two of them become one where that is less to read: then there may be squares in
        it that others have as well, or that nobody has asked for.
        """

        def near(block: list[Cell]) -> float:
            return min(self._distance(cell, centre)[0] for cell in block)

        left = sorted(cells, key=lambda cell: self._distance(cell, centre))
        found: list[list[Cell]] = []
        while left:
            block = _grown(left[0], set(left), most if found else first)
            found.append(block)
            left = [cell for cell in left if cell not in block]
        rest = self._joined(found[1:], most, halo)
        return found[:1] + sorted(rest, key=near)

    def _joined(
        self, blocks: list[list[Cell]], most: int, halo: int
    ) -> list[list[Cell]]:
        for one, other in combinations(blocks, 2):
            both = _rectangle(*_ends(one + other))
            read = sum(self._read(block, halo) for block in (one, other))
            if len(both) <= most and self._read(both, halo) <= read:
                left = [each for each in blocks if not set(each) <= set(both)]
                return self._joined([*left, both], most, halo)
        return blocks

    def _read(self, block: list[Cell], halo: int) -> int:
        """Return how many pixels are read for a block."""
        return math.prod(self.box_of(block).grow(halo, self.shape).shape)

    def _distance(self, cell: Cell, centre: tuple[float, float]) -> tuple[float, Cell]:
        box = self.box(cell)
        ends = zip(box.start, box.stop, centre, strict=True)
        return sum(((a + b) / 2 - c) ** 2 for a, b, c in ends), cell


def _grown(first: Cell, free: set[Cell], most: int) -> list[Cell]:
    """Return a rectangle of free squares around the first one, as wide as high."""
    low, high = list(first), list(first)
    while True:
        extents = [b - a for a, b in zip(low, high, strict=True)]
        for axis in sorted((0, 1), key=extents.__getitem__):
            for end, step in ((low, -1), (high, 1)):
                end[axis] += step
                block = _rectangle(low, high)
                if len(block) <= most and free.issuperset(block):
                    break
                end[axis] -= step
            else:
                continue
            break
        else:
            return _rectangle(low, high)


def _ends(cells: Sequence[Cell]) -> tuple[list[int], list[int]]:
    """Return the first and the last row and column of some squares."""
    rows, columns = zip(*cells, strict=True)
    return [min(rows), min(columns)], [max(rows), max(columns)]


def _rectangle(low: list[int], high: list[int]) -> list[Cell]:
    rows, columns = (range(a, b + 1) for a, b in zip(low, high, strict=True))
    return list(product(rows, columns))
