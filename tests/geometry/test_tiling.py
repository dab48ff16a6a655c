from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry.box import Box
from napari_unet.geometry.tiling import padded_shape, plan_tiles

PLANS = st.fixed_dictionaries(
    {
        "window": st.integers(24, 200),
        "halo": st.integers(0, 40),
        "stride": st.sampled_from([1, 2, 4, 8, 16]),
    }
)
SHAPES = st.tuples(st.integers(1, 150), st.integers(1, 150))


@given(SHAPES, PLANS)
def test_cores_cover_every_pixel_exactly_once(
    shape: tuple[int, int], plan: dict[str, int]
) -> None:
    covered = np.zeros(shape, int)
    for tile in plan_tiles(shape, **plan):
        covered[tile.core.slices] += 1
    assert (covered == 1).all()


@given(SHAPES, PLANS)
def test_windows_fit_the_network_and_give_every_core_its_halo(
    shape: tuple[int, int], plan: dict[str, int]
) -> None:
    padded = padded_shape(shape, plan["stride"])
    tiles = plan_tiles(shape, **plan)
    assert len({tile.window.shape for tile in tiles}) == 1
    for tile in tiles:
        assert tile.window.intersect(Box.whole(padded)) == tile.window
        for axis in range(2):
            start, stop = tile.window.start[axis], tile.window.stop[axis]
            assert start % plan["stride"] == 0
            assert (stop - start) % plan["stride"] == 0
            left = tile.core.start[axis] - start
            right = stop - tile.core.stop[axis]
            assert left >= plan["halo"] or start == 0
            assert right >= plan["halo"] or stop == padded[axis]


def test_an_image_that_fits_is_one_tile() -> None:
    (tile,) = plan_tiles((100, 60), window=128, halo=30, stride=16)
    assert tile.window.shape == (112, 64)
    assert tile.core.shape == (100, 60)


def test_a_large_image_is_not_computed_much_more_than_once() -> None:
    tiles = plan_tiles((2048, 2048), window=1152, halo=107, stride=16)
    computed = sum(np.prod(tile.window.shape) for tile in tiles)
    assert computed / 2048**2 < 1.3
