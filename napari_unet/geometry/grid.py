"""A plane as a grid of squares that are predicted, kept and found again one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
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

    def box_of(self, cells: Iterable[Cell]) -> Box:
        """Return the smallest box that holds some squares, which are at least one."""
        rows, columns = zip(*cells, strict=True)
        side, plane = self.side, Box.whole(self.shape)
        start = min(rows) * side, min(columns) * side
        stop = (max(rows) + 1) * side, (max(columns) + 1) * side
        return Box(start, stop).intersect(plane)

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

    def iter_blocks(
        self, cells: Iterable[Cell], centre: tuple[float, float], most: int
    ) -> Iterator[list[Cell]]:
        """Put squares into rectangular blocks, in the order of their distance.

        The square at the centre, a point of the plane, or the one that is nearest to
        it, comes alone, as somebody waits for it. The others come together: what is
        read around each of them is read once for all. A block has so many at most.
        """
        left = sorted(cells, key=lambda cell: self._distance(cell, centre))
        if left:
            yield [left.pop(0)]
        while left:
            block = _grown(left[0], set(left), most)
            yield block
            left = [cell for cell in left if cell not in block]

    def _distance(self, cell: Cell, centre: tuple[float, float]) -> tuple[float, Cell]:
        box = self.box(cell)
        ends = zip(box.start, box.stop, centre, strict=True)
        return sum(((a + b) / 2 - c) ** 2 for a, b, c in ends), cell


def _grown(first: Cell, free: set[Cell], most: int) -> list[Cell]:
    """Return a rectangle of free squares around the first one, by row and column."""
    low, high = list(first), list(first)
    grows = True
    while grows:
        grows = False
        for axis, end in product((0, 1), (low, high)):
            before = end[axis]
            end[axis] += 1 if end is high else -1
            block = _rectangle(low, high)
            if len(block) <= most and free.issuperset(block):
                grows = True
            else:
                end[axis] = before
    return _rectangle(low, high)


def _rectangle(low: list[int], high: list[int]) -> list[Cell]:
    rows, columns = (range(a, b + 1) for a, b in zip(low, high, strict=True))
    return list(product(rows, columns))
