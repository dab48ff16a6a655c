from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.errors import InputError
from napari_unet.scores.metrics import THRESHOLDS, evaluate, pool
from tests.annotation.reference import reference_scores

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


@st.composite
def shifted_grids(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Return bars and the same bars moved: many overlaps are a half or a third."""
    width = draw(st.integers(1, 6))
    bars = np.repeat(np.arange(1, draw(st.integers(1, 9)) + 1), width)[None]
    gaps = draw(hnp.arrays(bool, bars.shape))
    moved = np.roll(bars, draw(st.integers(0, width)), axis=1)
    return np.where(gaps, 0, bars), moved


@given(st.one_of(shifted_grids(), st.tuples(LABELS, LABELS)))
def test_scores_are_those_of_a_table_of_all_pairs(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    scores = evaluate(*pair)
    found = (scores.true_positives, scores.n_true, scores.n_predicted)
    assert found == reference_scores(*pair, THRESHOLDS)
    truth, labels = (array > 0 for array in pair)
    assert scores.overlap == (truth & labels).sum()
    assert scores.foreground == truth.sum() + labels.sum()


def test_as_many_objects_as_a_slide_has() -> None:
    """A table of all with all would take 50 gigabytes."""
    labels = np.zeros((600, 600), np.int32)
    labels[::2, :] = np.arange(300 * 600).reshape(300, 600) // 2 + 1
    scores = evaluate(labels, np.roll(labels, 1, axis=1))
    assert scores.n_true == scores.n_predicted == 90_000
    assert scores.tp == 0
    assert evaluate(labels, labels).true_positives == (90_000,) * len(THRESHOLDS)


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


def plain_msa(truth: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean over ten thresholds, from a table of all pairs."""
    thresholds = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    matches, true, found = reference_scores(truth, labels, thresholds)
    if true + found == 0:
        return 1.0
    return sum(tp / (true + found - tp) for tp in matches) / len(thresholds)


@given(st.one_of(shifted_grids(), st.tuples(LABELS, LABELS)))
@example((np.array([[0, 2, 3]]), np.array([[1, 2, 3]])))
def test_the_mean_over_thresholds(pair: tuple[np.ndarray, np.ndarray]) -> None:
    scores = evaluate(*pair)
    assert scores.msa == pytest.approx(plain_msa(*pair))
    assert 0 <= scores.msa <= scores.ap["0.50"]


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=3))
def test_means_of_several_images(pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    found = pool([evaluate(*pair) for pair in pairs])
    assert found.msa_mean == pytest.approx(np.mean([plain_msa(*p) for p in pairs]))
    assert 0 <= found.msa_mean <= found.ap_mean["0.50"] + 1e-9
    # The objects of all images together are those of one that holds them side by side.
    apart = [[side + 10 * n * (side > 0) for side in p] for n, p in enumerate(pairs)]
    beside = [np.concatenate(sides) for sides in zip(*apart, strict=True)]
    assert found.pooled.msa == pytest.approx(plain_msa(*beside))


def test_outlines_that_are_nearly_right() -> None:
    """19 pixels of 20 are 0.95, which counts; 18 of 20 do not."""
    truth = np.repeat([1, 2], 20)[None]
    labels = truth.copy()
    labels[0, :1], labels[0, -2:] = 0, 0
    scores = evaluate(truth, labels)
    assert list(scores.ap) == [f"{t / 100}0"[:4] for t in range(50, 95, 5)]
    assert set(scores.ap.values()) == {1.0}
    assert scores.msa == pytest.approx(0.9 + 0.1 / 3)


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
