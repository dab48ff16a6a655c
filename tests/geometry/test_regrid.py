"""Parts of a plane on another grid are parts of the whole plane on that grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.geometry.box import Box
from napari_unet.geometry.regrid import Regrid, needed, owned
from napari_unet.inference.model_input import resize, sample_labels

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))


@st.composite
def parts(draw) -> tuple[tuple[int, int], tuple[int, int], Box]:
    shape, new = draw(sizes), draw(sizes)
    start = tuple(draw(st.integers(0, n - 1)) for n in new)
    stop = tuple(draw(st.integers(a + 1, n)) for a, n in zip(start, new, strict=True))
    return shape, new, Box(start, stop)


@settings(max_examples=40, deadline=None)
@given(parts())
def test_a_part_is_what_the_whole_has_there(part) -> None:
    shape, new, box = part
    maps = np.random.default_rng(0).random((2, *shape), np.float32)
    read = needed(box, new, shape)
    found = Regrid(shape, new, read, box).resize(maps[:, *read.slices])
    np.testing.assert_allclose(found, resize(maps, new)[:, *box.slices], atol=1e-5)
    labels = np.arange(np.prod(shape)).reshape(shape)
    sampled = Regrid(shape, new, Box.whole(shape), box).sample(labels)
    np.testing.assert_array_equal(sampled, sample_labels(labels, new)[box.slices])


def test_a_column_is_resized_as_a_row_is() -> None:
    row = np.random.default_rng(0).random((2, 1, 20), np.float32)
    for new in ((1, 10), (1, 40), (2, 7)):
        column = resize(row.swapaxes(1, 2), new[::-1])
        np.testing.assert_allclose(column.swapaxes(1, 2), resize(row, new), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, st.integers(1, 15))
def test_every_pixel_has_one_owner(shape, new, side: int) -> None:
    seen = np.zeros(shape, int)
    for y, x in np.ndindex(*(-(-n // side) for n in new)):
        start = y * side, x * side
        box = Box(start, (start[0] + side, start[1] + side)).intersect(Box.whole(new))
        seen[owned(box, new, shape).slices] += 1
    assert (seen == 1).all()
