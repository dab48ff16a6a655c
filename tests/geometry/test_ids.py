"""Ids of objects as consecutive numbers, and which ids of two maps meet."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.geometry.ids import (
    compact,
    count_pairs,
    numbered_as_met,
    pixels_by_id,
)

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, max_side=6)


def label_maps(shape, dtype=np.int32):
    few = st.sampled_from([0, 1, 2, 7, 2**20, np.iinfo(dtype).max - 1])
    return hnp.arrays(dtype, shape, elements=few)


@given(SHAPES.flatmap(label_maps))
def test_compact_ids_can_be_turned_back(labels):
    dense, ids = compact(labels)
    np.testing.assert_array_equal(ids[dense], labels)
    assert ids[0] == 0
    assert (np.diff(ids[1:]) > 0).all()
    np.testing.assert_array_equal(dense == 0, labels == 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.uint32])
def test_any_kind_of_integer_can_be_compacted(dtype):
    labels = np.array([[0, 5, 5], [200, 0, 5]], dtype)
    dense, ids = compact(labels)
    np.testing.assert_array_equal(dense, [[0, 1, 1], [2, 0, 1]])
    np.testing.assert_array_equal(ids, [0, 5, 200])


def test_negative_ids_are_objects_too():
    dense, ids = compact(np.array([-3, 0, 4], np.int32))
    np.testing.assert_array_equal(ids[dense], [-3, 0, 4])


@given(SHAPES.flatmap(lambda s: st.tuples(label_maps(s), label_maps(s))))
def test_maps_are_numbered_alike_if_their_objects_are_the_same(maps):
    one, other = maps
    found = numbered_as_met(one)
    np.testing.assert_array_equal(found == 0, one == 0)
    met = list(dict.fromkeys(found[found > 0].tolist()))
    assert met == list(range(1, len(met) + 1))
    pairs = set(zip(one.ravel().tolist(), other.ravel().tolist(), strict=True))
    alone = (len({each[i] for each in pairs}) == len(pairs) for i in (0, 1))
    same = all(alone) and all((a == 0) == (b == 0) for a, b in pairs)
    assert (found == numbered_as_met(other)).all() == same


def test_pixels_are_counted_by_id():
    dense = np.array([[0, 1, 1], [3, 0, 1]], np.int32)
    np.testing.assert_array_equal(pixels_by_id(dense, 5), [2, 3, 0, 1, 0])


@given(SHAPES.flatmap(lambda s: st.tuples(label_maps(s), label_maps(s))))
def test_pairs_are_counted_as_by_hand(maps):
    first, second = maps
    pairs = zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)
    a, b, pixels = count_pairs(first, second)
    found = dict(
        zip(zip(a.tolist(), b.tolist(), strict=True), pixels.tolist(), strict=True)
    )
    assert found == Counter(pairs)


def test_two_empty_maps_have_no_pairs():
    empty = np.zeros(0, np.int32)
    assert [len(part) for part in count_pairs(empty, empty)] == [0, 0, 0]
