"""The order in which objects are listed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.measurements.measure import measure_objects
from napari_unet.measurements.order import order_by, order_to_work_in

LABELS = np.array([[4, 0, 2, 0, 9, 0, 1]], np.int32)
numbers = st.lists(st.one_of(st.floats(-9, 9), st.just(float("nan"))))


@given(numbers, st.booleans())
def test_numbers_are_in_order_and_what_is_not_known_is_last(values, descending):
    array = np.array(values, float)
    ordered = array[order_by(array, descending=descending)]
    known = np.count_nonzero(~np.isnan(array))
    assert np.isnan(ordered[known:]).all()
    steps = np.diff(ordered[:known])
    assert ((steps <= 0) if descending else (steps >= 0)).all()


def test_what_is_uncertain_comes_first_and_what_is_verified_last():
    says = np.array([[0.9, 0, 0.6, 0, 0.8, 0, 0.7]], np.float32)
    table = measure_objects(
        LABELS, "YX", verified=LABELS == 2, foreground=lambda _t, _z: says
    )
    assert table["id"][order_to_work_in(table)].tolist() == [1, 9, 4, 2]


def test_without_a_model_ids_are_in_order():
    table = measure_objects(LABELS, "YX", verified=LABELS == 1)
    assert table["id"][order_to_work_in(table)].tolist() == [1, 2, 4, 9]
