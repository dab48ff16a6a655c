"""How many objects two predictions do not have in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.scores.differing import count_differing

SHAPE = (16, 16)
LABELS = hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 5))
MASKS = hnp.arrays(bool, SHAPE)
EVERYWHERE = np.ones(SHAPE, bool)


@given(LABELS, MASKS)
def test_nothing_differs_from_itself_whatever_the_ids(labels, inside):
    others = np.array([0, 3, 5, 1, 2, 4], np.int32)[labels]
    assert count_differing(labels, others, inside) == 0


@given(LABELS, LABELS, MASKS)
def test_both_sides_are_alike_and_no_more_differ_than_there_are(one, other, inside):
    found = count_differing(one, other, inside)
    assert found == count_differing(other, one, inside)
    assert 0 <= found <= max(len(np.unique(one)), len(np.unique(other)))


@given(LABELS, LABELS, MASKS)
def test_parts_of_an_image_add_up_to_no_less_than_the_whole(one, other, inside):
    parts = [count_differing(one, other, mask) for mask in (inside, ~inside)]
    assert sum(parts) >= count_differing(one, other, EVERYWHERE) - 1e-9


def test_each_kind_of_error_counts_as_one_says():
    one = np.zeros(SHAPE, np.int32)
    one[:, :4], one[:, 4:8], one[:, 10:14] = 1, 2, 3
    missed, joined, shrunk = one.copy(), one.copy(), one.copy()
    missed[one == 3] = 0
    joined[one == 2] = 1
    shrunk[8:][one[8:] == 3] = 0
    assert count_differing(one, missed, EVERYWHERE) == 1
    assert count_differing(one, joined, EVERYWHERE) == 2
    assert count_differing(one, shrunk, EVERYWHERE) == 1
    assert count_differing(one, one[:, ::-1].copy(), EVERYWHERE) == 3


def test_an_object_on_the_edge_counts_in_part():
    one = np.zeros(SHAPE, np.int32)
    one[:, 4:8] = 1
    inside = np.zeros(SHAPE, bool)
    inside[:, :5] = True
    assert count_differing(one, np.zeros_like(one), inside) == pytest.approx(0.25)
