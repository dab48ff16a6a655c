from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.core.metrics import THRESHOLDS, evaluate, pool
from napari_unet.errors import InputError

LABELS = hnp.arrays(np.int32, (5, 6), elements=st.integers(0, 3))


def best_matching_by_brute_force(
    truth: np.ndarray, labels: np.ndarray, t: float
) -> int:
    a, b = (sorted(set(np.unique(x)) - {0}) for x in (truth, labels))
    if len(a) > len(b):
        truth, labels, a, b = labels, truth, b, a

    def matches(i: int, j: int) -> bool:
        both = ((truth == i) & (labels == j)).sum()
        return bool(both / ((truth == i) | (labels == j)).sum() >= t)

    return max(
        sum(matches(i, j) for i, j in zip(a, choice, strict=True))
        for choice in itertools.permutations(b, len(a))
    )


@given(LABELS, LABELS)
def test_matching_is_optimal(truth: np.ndarray, labels: np.ndarray) -> None:
    scores = evaluate(truth, labels)
    for threshold, tp in zip(THRESHOLDS, scores.true_positives, strict=True):
        assert tp == best_matching_by_brute_force(truth, labels, threshold)


@given(LABELS)
def test_a_label_map_matches_itself_under_any_ids(labels: np.ndarray) -> None:
    scores = evaluate(labels, labels * 1_000_003)
    assert set(scores.ap.values()) == {1.0}
    assert scores.dice == 1
    assert scores.fp == scores.fn == 0


@given(LABELS, LABELS)
def test_counts_add_up(truth: np.ndarray, labels: np.ndarray) -> None:
    scores = evaluate(truth, labels)
    assert scores.tp + scores.fn == len(set(np.unique(truth)) - {0})
    assert scores.tp + scores.fp == len(set(np.unique(labels)) - {0})


def test_a_missed_image_counts() -> None:
    truth = np.ones((4, 4), int)
    scores = evaluate(truth, np.zeros((4, 4), int))
    assert scores.ap["0.50"] == 0
    assert scores.dice == 0
    assert scores.fn == 1


def test_pooled_and_mean_differ() -> None:
    full = np.repeat(np.arange(1, 10), 4).reshape(1, -1)
    one = np.zeros_like(full)
    one[0, :4] = 1
    pooled = pool([evaluate(full, full), evaluate(one, np.zeros_like(one))])
    assert pooled.ap_mean["0.50"] == pytest.approx(0.5)
    assert pooled.pooled.ap["0.50"] == pytest.approx(0.9)
    assert pooled.as_json()["fn"] == 1


def test_other_shape_is_refused() -> None:
    with pytest.raises(InputError, match="same image"):
        evaluate(np.zeros((4, 4), int), np.zeros((4, 5), int))
