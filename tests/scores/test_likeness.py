"""Likeness of found objects to verified ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.geometry.maps import LabelMap
from napari_unet.scores.likeness import Likeness, compare_objects

SHAPE = (12, 12)
LABELS = hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 4))
MASKS = hnp.arrays(bool, SHAPE)
EVERYWHERE = np.ones(SHAPE, bool)


def squares(*corners: tuple[int, int], side: int = 4) -> LabelMap:
    labels = np.zeros(SHAPE, np.int32)
    for number, (y, x) in enumerate(corners, start=1):
        labels[y : y + side, x : x + side] = number
    return labels


@given(LABELS, MASKS)
def test_what_is_equal_is_alike(labels: LabelMap, judged: np.ndarray):
    assert compare_objects(labels, labels, judged).score == pytest.approx(1)


@given(LABELS, LABELS, MASKS)
def test_scores_lie_between_0_and_1(truth, found, judged):
    likeness = compare_objects(truth, found, judged)
    assert 0 <= likeness.score <= 1
    assert 2 * likeness.matched <= likeness.objects
    assert likeness.right <= likeness.verified
    assert likeness.right <= likeness.objects - likeness.verified


@given(LABELS, LABELS)
def test_names_of_objects_do_not_matter(truth: LabelMap, found: LabelMap):
    renamed = np.array([0, 9, 3, 7, 5], np.int32)[found]
    assert compare_objects(truth, renamed, EVERYWHERE) == compare_objects(
        truth, found, EVERYWHERE
    )


def test_each_missed_or_invented_object_counts():
    truth = squares((0, 0), (6, 6))
    assert compare_objects(truth, squares((0, 0)), EVERYWHERE).score == 1 / 2
    found = squares((0, 0), (6, 6), (0, 6))
    assert compare_objects(truth, found, EVERYWHERE).score == 2 / 3


def test_better_outlines_count_more():
    truth = squares((4, 4))
    sides = [squares((4, 4), side=side) for side in (2, 3, 4)]
    scores = [compare_objects(truth, found, EVERYWHERE) for found in sides]
    assert scores[0].score == 0 < scores[1].score < scores[2].score == 1


def test_objects_that_were_merged_or_split_do_not_match():
    truth = squares((0, 0), (0, 4))
    merged = np.minimum(truth, 1)
    assert compare_objects(truth, merged, EVERYWHERE).score < 0.2
    assert compare_objects(merged, truth, EVERYWHERE).score < 0.2


def test_nobody_judges_what_is_found_where_nothing_is_known():
    truth = squares((0, 0))
    judged = np.zeros(SHAPE, bool)
    judged[:5, :5] = True
    found = squares((0, 0), (6, 6))
    assert compare_objects(truth, found, judged) == Likeness(1.0, 2, 1, 1)


def test_a_neighbour_that_is_not_judged_is_no_invention():
    truth = squares((0, 0), (0, 4))
    judged = truth == 1
    judged[0, 5] = False
    found = truth.copy()
    assert compare_objects(truth, found, judged) == Likeness(1.0, 2, 1, 1)


def test_parts_are_pooled():
    assert Likeness(1.0, 4, 2, 1) + Likeness(2.0, 4, 3, 2) == Likeness(3.0, 8, 5, 3)
    assert Likeness().score == 1
