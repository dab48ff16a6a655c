"""In which order a person should look at views."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry.box import Box
from napari_unet.scores.views import View, rank

SHARES = st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])
ORDERS = st.sampled_from(["telling", "random"])


def view(number: int = 0, **known: object) -> View:
    return View("image", Box((0, 100 * number), (100, 100 * number + 100)), **known)


@st.composite
def views(draw: st.DrawFn, least: int = 0, most: int = 12) -> list[View]:
    count = draw(st.integers(least, most))
    numbers = st.floats(0, 50, width=16)
    return [
        view(
            n,
            corrections=draw(numbers),
            doubt=draw(st.floats(0, 1, width=16)),
            seen=draw(SHARES),
            looks=(draw(numbers), 3.0, draw(numbers)),
        )
        for n in range(count)
    ]


@given(views(), ORDERS, st.integers(0, 3), st.floats(0, 1))
def test_nothing_is_lost_and_chance_is_repeatable(given, order, seed, variety):
    found = rank(given, order=order, seed=seed, variety=variety)
    assert sorted(found, key=given.index) == given
    assert found == rank(given, order=order, seed=seed, variety=variety)


@given(views(1), st.data(), ORDERS, st.floats(0, 1))
def test_what_was_seen_never_comes_before_its_equal(given, data, order, variety):
    one = data.draw(st.sampled_from(given))
    less, more = sorted(data.draw(st.tuples(SHARES, SHARES)))
    fresh, known = replace(one, seen=less), replace(one, seen=more)
    others = [each for each in given if each is not one]
    both = data.draw(st.permutations([*others, fresh, known]))
    found = rank(both, order=order, variety=variety)
    assert less == more or found.index(fresh) < found.index(known)


@given(views(2))
def test_what_was_seen_wholly_comes_last(given):
    found = [each.seen == 1 for each in rank(given)]
    assert found == sorted(found)


@given(views(), st.randoms())
def test_where_nothing_is_equal_the_order_of_the_views_does_not_matter(given, chance):
    given = [replace(v, corrections=n, doubt=n, seen=0) for n, v in enumerate(given)]
    shuffled = chance.sample(given, len(given))
    assert rank(shuffled, variety=0) == rank(given, variety=0)


def test_more_corrections_come_first():
    given = [view(n, corrections=c) for n, c in enumerate([1.0, 5.0, 0.0, 3.0])]
    assert [each.corrections for each in rank(given)] == [5, 3, 1, 0]


def test_without_objects_doubt_decides():
    given = [view(n, doubt=d) for n, d in enumerate([0.1, 0.5, 0.3])]
    assert [each.doubt for each in rank(given)] == [0.5, 0.3, 0.1]


def test_views_that_look_alike_do_not_all_come_first():
    crowded = [view(n, corrections=9.0 - n / 100, looks=(1.0, 0.0)) for n in range(5)]
    sparse = view(9, corrections=8.975, looks=(0.0, 1.0))
    assert rank([*crowded, sparse])[1] == sparse
    assert rank([*crowded, sparse], variety=0)[3] == sparse


def test_what_looks_like_a_view_that_was_seen_comes_later():
    seen = view(0, corrections=3.0, seen=1.0, looks=(0.0,))
    alike = view(1, corrections=3.0, looks=(0.0,))
    new = view(2, corrections=3.0, looks=(1.0,))
    assert rank([seen, alike, new]) == (new, alike, seen)


def test_chance_differs_by_its_seed():
    given = [view(n) for n in range(20)]
    assert rank(given, order="random", seed=1) != rank(given, order="random", seed=2)


@pytest.mark.parametrize("order", ["telling", "random"])
def test_thousands_of_views_are_ordered_at_once(order):
    given = [view(n, corrections=n % 97, looks=(n % 7, n % 11)) for n in range(4000)]
    assert len(rank(given, order=order)) == 4000
    assert rank([], order=order) == ()
