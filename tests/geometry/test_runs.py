from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from napari_unet.geometry.box import Box
from napari_unet.geometry.points import marked_points
from napari_unet.geometry.runs import (
    check_mask,
    check_values,
    mask_of_runs,
    points_of_runs,
    runs_of_mask,
    runs_of_points,
    runs_of_values,
    values_of_runs,
)

MASKS = stn.arrays(
    bool, stn.array_shapes(min_dims=2, max_dims=3, max_side=7), elements=st.booleans()
)
START = (3, 0, 5)


def box_of(mask):
    return Box((0,) * mask.ndim, mask.shape).placed_in(
        Box(START[: mask.ndim], START[: mask.ndim])
    )


@given(MASKS)
def test_a_mask_comes_back(mask):
    box, runs = box_of(mask), runs_of_mask(mask)
    assert check_mask(runs, box) == mask.sum()
    assert (mask_of_runs(runs, box) == mask).all()
    points = points_of_runs(runs, box)
    expected = marked_points(box, mask)
    assert all(map(np.array_equal, points, expected))
    if mask.any():
        assert (runs_of_points(expected, box) == runs).all()


@given(
    st.lists(st.sampled_from([-(2**31), -1, 0, 1, 7, 2**31 - 1]), min_size=1),
)
def test_values_come_back(values):
    runs = runs_of_values(np.array(values, np.int32))
    check_values(runs, len(values), -(2**31), 2**31 - 1)
    assert values_of_runs(runs).tolist() == values


@pytest.mark.parametrize(
    "runs",
    [[1], [0, 13], [5, 5, 3, 1], [-1, 4], [0, 0], [0, -2], [2**40, 2**40], [2**62] * 4],
    ids=str,
)
def test_what_is_no_mask_is_refused_before_it_takes_memory(runs):
    with pytest.raises(ValueError, match="mask"):
        check_mask(np.array(runs, np.int64), Box((0, 0), (3, 4)))


@pytest.mark.parametrize(
    "runs", [[1], [1, 4], [1, 6], [1, 0, 1, 5], [1, -1, 1, 6], [9, 5], [-1, 5]], ids=str
)
def test_what_are_no_values_is_refused(runs):
    with pytest.raises(ValueError, match="values"):
        check_values(np.array(runs, np.int64), 5, 0, 3)
