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
    st.integers(1, 9),
)
def test_blocks_hold_each_cell_once_and_the_nearest_first(cells, centre, most):
    grid = Grid((57, 64), 10)
    blocks = list(grid.iter_blocks(cells, centre, most))
    found = [cell for block in blocks for cell in block]
    assert sorted(found) == sorted(cells)
    assert all(len(block) <= most for block in blocks)
    seen = np.zeros(grid.shape, int)
    for block in blocks:
        seen[grid.box_of(block).slices] += 1
    assert seen.max(initial=0) <= 1  # rectangles, which do not overlap
    if blocks:

        def far(cell):
            box = grid.box(cell)
            middle = np.add(box.start, box.stop) / 2
            return ((middle - centre) ** 2).sum()

        assert len(blocks[0]) == 1
        nearest = [min(map(far, block)) for block in blocks]
        assert np.all(np.diff(nearest) >= -1e-6)
