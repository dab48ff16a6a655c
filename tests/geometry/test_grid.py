"""Squares of a plane, and the order in which they are predicted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry.box import Box
from napari_unet.geometry.grid import Grid


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(1, 17),
    st.integers(0, 3),
    st.data(),
)
def test_cells_are_those_that_a_box_touches(shape, side, around, data):
    ends = [sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2))) for n in shape]
    box = Box(*zip(*ends, strict=True))
    grid = Grid(shape, side)
    cells = grid.cells(box, around)
    touched = {
        cell
        for cell in grid.cells(Box.whole(shape))
        if not grid.box(cell).intersect(box.grow(around * side, shape)).empty
    }
    assert set(cells) == (set() if box.empty else touched)
    assert len(set(cells)) == len(cells)


@given(
    st.sets(st.tuples(st.integers(0, 5), st.integers(0, 6)), max_size=30),
    st.tuples(st.floats(0, 60), st.floats(0, 70)),
    st.integers(1, 3),
    st.integers(1, 9),
    st.integers(0, 12),
)
def test_blocks_hold_all_cells_and_the_nearest_first(cells, centre, first, most, halo):
    grid = Grid((57, 64), 10)
    blocks = grid.blocks(cells, centre, first=first, most=most, halo=halo)
    assert {cell for block in blocks for cell in block} >= cells
    assert all(len(block) <= most for block in blocks[1:])
    for block in blocks:
        rows, columns = map(set, zip(*block, strict=True))
        assert len(block) == len(set(block)) == len(rows) * len(columns)

    def far(cell):
        box = grid.box(cell)
        return ((np.add(box.start, box.stop) / 2 - centre) ** 2).sum()

    def read(block):
        return np.prod(grid.box_of(block).grow(halo, grid.shape).shape)

    if blocks:
        assert len(blocks[0]) <= first
        assert min(map(far, blocks[0])) == min(map(far, cells))
        nearest = [min(map(far, block)) for block in blocks[1:]]
        assert np.all(np.diff(nearest) >= -1e-6)
        plain = grid.blocks(cells, centre, first=first, most=most)
        assert sum(map(read, blocks)) <= sum(map(read, plain))


def test_what_is_around_a_first_block_is_read_at_once():
    grid = Grid((700, 700), 100)
    cells = grid.cells(Box((0, 0), (700, 700)))
    blocks = grid.blocks(cells, (350, 350), first=1, most=64, halo=100)
    assert [len(block) for block in blocks] == [1, 49]
