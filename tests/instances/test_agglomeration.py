"""Merging many fragments at once is merging them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.core.jobs import drain
from napari_unet.geometry.ids import compact
from napari_unet.instances import agglomeration
from napari_unet.instances.agglomeration import iter_merge, sum_borders

COUNT = 9

PAIRS = st.lists(
    st.tuples(*[st.integers(1, COUNT)] * 2).filter(lambda pair: pair[0] != pair[1]),
    min_size=1,
    max_size=30,
)


def plain_merge(first, second, contact, most: float) -> np.ndarray:
    """Merge as it is defined: look for the lowest mean of all, again and again."""
    owner = np.arange(COUNT + 1)
    while True:
        a, b = owner[first], owner[second]
        sums: dict[tuple[int, int], list[float]] = {}
        for one, other, value in zip(a, b, contact, strict=True):
            if one != other:
                sums.setdefault((min(one, other), max(one, other)), []).append(value)
        means = {pair: np.mean(values) for pair, values in sums.items()}
        lowest = min(means, key=means.__getitem__, default=None)
        if lowest is None or means[lowest] >= most:
            return owner
        owner[owner == lowest[1]] = lowest[0]


@given(PAIRS, st.integers(0, 10**6), st.sampled_from([-0.5, 0.1, 0.5, 1.0]))
@pytest.mark.parametrize("few", [0, 10**6])
def test_merging_is_average_linkage(few: int, pairs, seed: int, most: float) -> None:
    first, second = np.array(pairs).T
    contact = np.random.default_rng(seed).uniform(-1, 1, len(pairs))
    borders = sum_borders(first, second, np.ones(len(pairs), int), contact)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agglomeration, "_FEW", few)
        patch.setattr(agglomeration, "_MERGES_A_STEP", 2)
        owner = drain(iter_merge(COUNT, borders, most))
    expected = plain_merge(first, second, contact, most)
    together = owner[:, None] == owner
    np.testing.assert_array_equal(together, expected[:, None] == expected)


@pytest.mark.parametrize("few", [0, 10**6])
def test_a_long_row_of_equal_borders_is_merged(few: int, monkeypatch) -> None:
    monkeypatch.setattr(agglomeration, "_FEW", few)
    first = np.arange(1, 3000)
    borders = sum_borders(first, first + 1, np.ones(2999, int), np.zeros(2999))
    steps = list(iter_merge(3000, borders, 0.5))
    owner = drain(iter_merge(3000, borders, 0.5))
    assert compact(owner)[0].max() == 1
    assert len(steps) < 40


def test_no_border_merges_nothing() -> None:
    nothing = np.zeros(0, int)
    borders = sum_borders(nothing, nothing, nothing, nothing.astype(float))
    assert drain(iter_merge(2, borders, 0.5)).tolist() == [0, 1, 2]
