import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmarks.agreement import differing_pixels

LABELS = hnp.arrays(np.int32, (6, 7), elements=st.integers(0, 5))


@given(LABELS, st.permutations(range(1, 9)))
def test_ids_do_not_matter(labels, ids):
    renumbered = np.array([0, *ids])[labels]
    assert differing_pixels(labels, renumbered) == 0


@given(LABELS, LABELS)
def test_a_map_does_not_differ_from_itself(a, b):
    assert 0 <= differing_pixels(a, b) <= 1
    assert differing_pixels(a, a) == 0


def test_a_lost_object_counts_its_own_pixels_and_shifts_nothing():
    truth = np.zeros((10, 10), np.int32)
    truth[1:3, 1:3], truth[5:8, 5:8], truth[0, 9] = 1, 2, 3
    found = truth.copy()
    found[truth == 1] = 0
    found[found > 0] -= 1
    assert differing_pixels(truth, found) == pytest.approx(4 / 100)


def test_two_objects_merged_count_the_smaller_one():
    truth = np.repeat([[1, 1, 1, 2]], 5, axis=0)
    assert differing_pixels(truth, np.ones_like(truth)) == pytest.approx(5 / 20)
