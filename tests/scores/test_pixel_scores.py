"""Scores of classes and of values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.errors import InputError
from napari_unet.scores.pixel_scores import add_counts, count_classes, score_values

MAPS = hnp.arrays(np.int32, (5, 7), elements=st.integers(0, 3))


@given(MAPS, MAPS)
def test_dice_is_that_of_the_sets(truth, predicted):
    counts = count_classes(truth, predicted)
    for number, dice in enumerate(counts.dice):
        a, b = truth == number, predicted == number
        if dice is None:
            assert not a.any()
            assert not b.any()
        else:
            assert dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert counts.accuracy == pytest.approx((truth == predicted).mean())


@given(MAPS, MAPS, MAPS, MAPS)
def test_counts_of_images_add_up(a, b, c, d):
    pooled = add_counts([count_classes(a, b), count_classes(c, d)])
    whole = count_classes(np.stack([a, c]), np.stack([b, d]))
    np.testing.assert_array_equal(pooled.confusion, whole.confusion)


def test_unknown_pixels_do_not_count():
    truth, predicted = np.array([[0, 1, 255]]), np.array([[0, 1, 0]])
    assert count_classes(truth, predicted).dice == [1, 1]


@given(hnp.arrays(float, (2, 4, 5), elements=st.floats(-100, 100)))
def test_the_truth_scores_best(values):
    for score in score_values(values, values):
        assert score.mae == score.rmse == 0
        assert score.correlation == pytest.approx(1) or score.correlation == 0


def test_unknown_values_do_not_count():
    truth = np.array([[1.0, 2.0, np.nan, 4.0]])
    (score,) = score_values(truth, np.array([[2.0, 3.0, 99.0, 5.0]]))
    assert (score.mae, score.rmse, score.pixels) == (1, 1, 3)
    assert score.correlation == pytest.approx(1)


@pytest.mark.parametrize(
    ("truth", "predicted", "phrase"),
    [
        (np.zeros((2, 2), int), np.zeros((2, 3), int), "same image"),
        (np.full((2, 2), 300), np.zeros((2, 2), int), "object ids"),
    ],
)
def test_what_cannot_be_compared_is_refused(truth, predicted, phrase):
    with pytest.raises(InputError, match=phrase):
        count_classes(truth, predicted)


def test_values_that_cannot_be_compared_are_refused():
    with pytest.raises(InputError, match="same image"):
        score_values(np.zeros((1, 2)), np.zeros((2, 2)))
    with pytest.raises(InputError, match="no finite value"):
        score_values(np.full((1, 2), np.nan), np.zeros((1, 2)))
