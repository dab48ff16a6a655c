"""Pieces of masks in which some neighbours are parted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry.pieces import connected_pieces, neighbours


def plain_pieces(mask: np.ndarray, links: list[np.ndarray]) -> np.ndarray:
    """Spread the least number of any neighbour until nothing changes."""
    numbers = np.where(mask, np.arange(mask.size).reshape(mask.shape) + 1, 0)
    while True:
        before = numbers.copy()
        for axis, link in enumerate(links):
            here, there = neighbours(mask.ndim, axis)
            joined = link & mask[here] & mask[there]
            low = np.minimum(numbers[here], numbers[there])
            numbers[here][joined] = low[joined]
            numbers[there][joined] = np.minimum(low, numbers[there])[joined]
        if np.array_equal(before, numbers):
            return numbers


@given(
    st.sampled_from([(7, 9), (1, 8), (8, 1), (3, 4, 5), (0, 3), (2, 0)]),
    st.integers(0, 10**6),
)
def test_pieces_are_those_of_neighbours_that_are_linked(shape, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < 0.8
    links = [
        rng.random(mask[neighbours(mask.ndim, axis)[0]].shape) < 0.6
        for axis in range(mask.ndim)
    ]
    pieces, count = connected_pieces(mask, links)
    _, expected = np.unique(plain_pieces(mask, links), return_inverse=True)
    expected = expected.reshape(shape) + (0 if not mask.all() else 1)
    np.testing.assert_array_equal(pieces, expected)
    assert count == expected.max(initial=0)
