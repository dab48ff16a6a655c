"""Which objects of two blocks are one, and the numbers of all."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.inference.stitching import number_objects, same_objects

NONE = np.zeros(4, bool)


def pairs(one, other, cut_one=NONE, cut_other=NONE) -> list[tuple[int, int]]:
    found = same_objects(np.array([one]), cut_one, np.array([other]), cut_other)
    return list(zip(*(side.tolist() for side in found), strict=True))


def test_what_is_mostly_the_same_is_one() -> None:
    assert pairs([1, 1, 1, 0, 2], [3, 3, 0, 0, 1]) == [(1, 3), (2, 1)]
    assert pairs([1, 1, 1, 1], [2, 3, 3, 2]) == []
    assert pairs([0, 0], [1, 1]) == []


def test_pieces_of_what_was_seen_cut_are_parts_of_what_holds_them() -> None:
    cut = np.array([False, True, False, True])
    one, other = [1, 1, 0, 3, 3, 0], [2, 2, 2, 2, 2, 2]
    assert pairs(one, other) == []
    assert pairs(one, other, cut_one=cut) == [(1, 2), (3, 2)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=12),
)
def test_numbers_are_dense_and_one_for_what_is_one(counts, links) -> None:
    places = [(b, n) for b, count in enumerate(counts) for n in range(1, count + 1)]
    links = [(a % len(places), b % len(places)) for a, b in links if places]
    asked = [
        (*(places[n][0] for n in link), tuple(np.array([places[n][1]]) for n in link))
        for link in links
    ]
    numbering = number_objects(5, counts, [(5 + a, 5 + b, p) for a, b, p in asked])
    groups = list(range(len(places)))
    for a, b in links:
        groups = [groups[a] if g == groups[b] else g for g in groups]
    expected: dict[int, int] = {}
    for group in groups:
        expected.setdefault(group, len(expected) + 1)
    found = [int(numbering.of(5 + b)[n]) for b, n in places]
    assert found == [expected[g] for g in groups]
    assert numbering.count == len(expected)
    assert all(numbering.of(5 + b)[0] == 0 for b in range(len(counts)))
