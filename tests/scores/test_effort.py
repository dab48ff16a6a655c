"""What is said of a person's work is what the views show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.scores.effort import (
    FinishedView,
    advise,
    gain,
    rate,
    rates_over_time,
    rounds,
)

COUNTS = st.lists(st.integers(0, 40), min_size=1, max_size=12)
VIEWS = st.lists(
    st.builds(
        FinishedView,
        st.floats(0, 500),
        st.integers(0, 30),
        st.none() | st.integers(0, 200),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=15,
)


def views(
    *corrections: int, objects: int | None = 50, model: str = "a"
) -> list[FinishedView]:
    return [FinishedView(30.0, each, objects, model) for each in corrections]


def samples(rng: np.random.Generator, mean: float, spread: float, count: int):
    """Return counts of that mean, whose variance is so many times as large."""
    if spread == 1:
        return rng.poisson(mean, count)
    return rng.negative_binomial(mean / (spread - 1), 1 / spread, count)


@pytest.mark.parametrize("mean", [0.3, 1.0, 4.0, 15.0])
@pytest.mark.parametrize("spread", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("count", [3, 5, 12])
def test_intervals_hold_the_truth_as_often_as_they_say(mean, spread, count):
    rng = np.random.default_rng(0)
    found = [rate(samples(rng, mean, spread, count)) for _ in range(1500)]
    held = np.mean([each.low <= mean <= each.high for each in found])
    # A few views can hardly tell that they differ as much as in the last case.
    assert held > {1: 0.9, 2: 0.87, 4: 0.75}[spread]


def test_the_interval_is_no_wider_than_it_must_be():
    rng = np.random.default_rng(0)
    held = [rate(samples(rng, 4.0, 1.0, 12)) for _ in range(1500)]
    least = 2 * 1.645 * (4.0 / 12) ** 0.5
    assert np.mean([each.high - each.low for each in held]) < 1.4 * least


@given(COUNTS)
def test_a_mean_lies_in_its_interval_and_orders_do_not_matter(counts):
    found = rate(counts)
    assert 0 <= found.low <= found.mean <= found.high
    assert rate(counts[::-1]).mean == found.mean
    twice = rate(counts, [2.0] * len(counts))
    assert twice.mean == pytest.approx(found.mean / 2)
    assert twice.high == pytest.approx(found.high / 2)


@given(VIEWS)
def test_whatever_happened_there_is_something_to_say(history):
    said = advise(history)
    assert said.endswith(".")
    assert len(said) < 130
    assert len(rates_over_time(history)) == len(history)
    assert sum(each.views for each in rounds(history)) == len(history)


@given(VIEWS)
def test_no_gain_is_told_of_a_single_model(history):
    same = [FinishedView(v.seconds, v.corrections, v.objects, "a") for v in history]
    assert gain(same) is None
    assert "gain" not in advise(same)


@given(st.integers(0, 8))
def test_empty_views_say_nothing(empty):
    assert advise(views(*[0] * empty, objects=0)).startswith("Too early to say")


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([], "Too early to say when to stop: finish 3 views first."),
        (views(2), "Too early to say when to stop: finish 2 more views first."),
        (views(2, 0), "Too early to say when to stop: finish 1 more view first."),
        (
            views(9, 9, 2, 3, 1, 2, 2),
            "The last 5 views needed 2 corrections each (1.1 to 4).",
        ),
        (
            views(5, 0, 0, 0, 0, 0, 0),
            "The last 6 views needed nothing: it may be time to run it on everything.",
        ),
        (
            views(0, 0, 0),
            "The last 3 views needed nothing (at most 1.2 corrections each).",
        ),
        (
            views(0, 0, 0, 0, 0, objects=1),
            "The last 5 views needed nothing (at most 0.5 corrections each).",
        ),
        (
            views(0, 0, 0, 0, 0, objects=None),
            "The last 5 views needed nothing: it may be time to run it on everything.",
        ),
    ],
)
def test_words(history, said):
    assert advise(history) == said


def test_a_trend_is_told_when_it_is_there():
    history = [
        FinishedView(60.0, max(0, 20 - 2 * n), 100, model=str(n // 2))
        for n in range(10)
    ]
    found = gain(history)
    assert found is not None
    assert 0 < found.low < found.mean < found.high
    assert "10 more minutes may gain about" in advise(history)


def test_no_trend_is_told_where_there_is_none():
    rng = np.random.default_rng(1)
    told = 0
    for _ in range(200):
        history = [
            FinishedView(60.0, int(rng.poisson(6)), 60, model=str(n // 3))
            for n in range(9)
        ]
        told += "gain about" in advise(history)
    assert told < 0.1 * 200


def test_little_is_told_where_little_is_left():
    counts = [3, 2, 1, 1, 0, 1, 0, 0, 0, 1]
    history = [
        FinishedView(120.0, each, 400, model=str(n // 3))
        for n, each in enumerate(counts)
    ]
    assert "less than 1 %" in advise(history)


def test_rounds_come_in_order_with_their_rates():
    history = [*views(10, 8, model="start"), *views(2, 1, 3, model="better")]
    first, second = rounds(history)
    assert (first.model, first.views, second.model, second.views) == (
        "start",
        2,
        "better",
        3,
    )
    assert first.per_view.mean == 9
    assert second.per_100_objects.mean == 4
    assert rounds(views(1, objects=None))[0].per_100_objects is None
