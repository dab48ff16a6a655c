"""Marks with values, beside a prediction that may change at any time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.annotation.change import Mark
from napari_unet.annotation.edits import AcceptView, UnverifyView
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from tests.annotation.painter import Painter

SHAPE = (6, 8)
WHOLE = Box.whole(SHAPE)


def annotation(variables=2) -> ValueAnnotation:
    return ValueAnnotation(np.zeros(SHAPE, np.int32), variables)


def show(work: ValueAnnotation, values, box: Box = WHOLE) -> None:
    work.do(work.merging(np.asarray(values, np.float32), box).merge()(box))


def known(work: ValueAnnotation) -> np.ndarray:
    return work.snapshot().labels


def test_a_mark_says_one_variable():
    work = annotation()
    Painter(work).paint(np.s_[:2, :2], work.mark_for(1, 2.5))
    assert (known(work)[1, :2, :2] == 2.5).all()
    assert np.isfinite(known(work)).sum() == 4
    assert (work.provenance[:2, :2] == Provenance.CORRECTED).all()
    assert work.trainable().sum() == 4
    assert not work.open_objects


def test_the_same_value_has_the_same_mark():
    work = annotation()
    mark = work.mark_for(0, 0.1)
    assert work.mark_for(0, 0.1) == mark
    assert work.mark_for(1, 0.1) != mark
    assert work.palette[mark] == Mark(0, float(np.float32(0.1)))


@pytest.mark.parametrize(("variable", "value"), [(0, np.nan), (0, np.inf), (2, 1.0)])
def test_what_is_no_value_is_refused(variable, value):
    with pytest.raises(InputError, match="Expected a number"):
        annotation().mark_for(variable, value)


def test_erasing_a_mark_says_nothing_any_more():
    work = annotation()
    hand = Painter(work)
    hand.paint(np.s_[:2, :2], work.mark_for(0, 1))
    hand.paint(np.s_[:1, :2], 0)
    assert np.isfinite(known(work)).sum() == 2
    assert (work.provenance[:1] == Provenance.UNSEEN).all()
    hand.undo()
    assert np.isfinite(known(work)).sum() == 4
    hand.redo()
    assert (work.provenance[:1] == Provenance.UNSEEN).all()


def test_accepting_takes_what_is_shown_then():
    work = annotation()
    show(work, np.ones((2, *SHAPE)))
    Painter(work).paint(np.s_[0, 0], work.mark_for(0, 7))
    work.do(AcceptView(Box((0, 0), (2, 3))))
    show(work, np.full((2, *SHAPE), 5))
    assert known(work)[0, 0, 0] == 7
    assert np.isnan(known(work)[1, 0, 0])
    assert (known(work)[:, 1, :3] == 1).all()
    assert np.isnan(known(work)[:, 2:]).all()


def test_nothing_is_accepted_where_nothing_was_predicted():
    work = annotation()
    assert work.do(AcceptView(WHOLE)) is None
    show(work, np.ones((2, 3, 8)), Box((0, 0), (3, 8)))
    work.do(AcceptView(WHOLE))
    assert is_verified(work.provenance).sum() == 24


def test_undoing_a_mark_brings_the_accepted_value_back():
    work = annotation(1)
    show(work, np.ones((1, *SHAPE)))
    work.do(AcceptView(WHOLE))
    hand = Painter(work)
    hand.paint(np.s_[:2], work.mark_for(0, 9))
    assert (known(work)[0, :2] == 9).all()
    hand.undo()
    assert (known(work) == 1).all()
    assert (work.provenance == Provenance.ACCEPTED).all()


def test_redo_takes_an_undo_back_whatever_is_shown_meanwhile():
    work = annotation()
    show(work, np.ones((2, *SHAPE)))
    hand = Painter(work)
    hand.paint(np.s_[:2], work.mark_for(0, 9))
    work.do(AcceptView(WHOLE))
    work.do(UnverifyView(WHOLE))
    states = [work.snapshot()]
    for shown in (2, 3, 4):
        show(work, np.full((2, *SHAPE), shown))
        hand.undo()
        states.append(work.snapshot())
    for state in states[-2::-1]:
        show(work, np.full((2, *SHAPE), 5))
        hand.redo()
        assert np.array_equal(known(work), state.labels, equal_nan=True)
        assert (work.provenance == state.provenance).all()


def test_what_a_snapshot_holds_can_be_restored():
    work = annotation()
    show(work, np.arange(96).reshape(2, *SHAPE))
    hand = Painter(work)
    hand.paint(np.s_[0, :4], work.mark_for(0, -1.25))
    hand.paint(np.s_[0, 4:], work.mark_for(1, 3))
    hand.paint(np.s_[5, 5:], work.mark_for(0, 3))
    work.do(AcceptView(Box((2, 0), (4, 8))))
    snapshot = work.snapshot()
    again = ValueAnnotation.restored(snapshot.labels, snapshot.provenance)
    assert np.array_equal(known(again), snapshot.labels, equal_nan=True)
    assert again.mark_for(0, -1.25) == again.labels[0, 0]
    assert again.next_id == 4


def test_predictions_of_another_shape_are_refused():
    with pytest.raises(InputError, match="predicted values"):
        show(annotation(), np.ones((1, *SHAPE)))


actions = st.one_of(
    st.tuples(st.just("paint"), st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.sampled_from(["undo", "redo", "show"]), st.just(0), st.integers(0, 9)),
    st.tuples(st.just("accept"), st.integers(0, 5), st.just(0)),
)


@given(st.lists(actions, max_size=25))
@settings(max_examples=60, deadline=None)
def test_only_a_persons_hand_changes_verified_values(steps):
    work = annotation()
    hand = Painter(work)
    for what, row, number in steps:
        before, labels = work.snapshot(), work.labels.copy()
        if what == "paint":
            label = work.mark_for(number % 2, number) if number else 0
            hand.paint(np.s_[row, :4], label)
        elif what == "show":
            show(work, np.full((2, *SHAPE), number))
        elif what == "accept":
            work.do(AcceptView(Box((row, 0), (row + 1, 8))))
        else:
            getattr(hand, what)()
        kept = is_verified(before.provenance) & (labels == work.labels)
        if what in ("show", "accept"):
            assert kept.sum() == is_verified(before.provenance).sum()
            after = work.snapshot()
            assert np.array_equal(
                after.labels[:, kept], before.labels[:, kept], equal_nan=True
            )
            assert (after.provenance[kept] == before.provenance[kept]).all()
        verified = is_verified(work.provenance)
        assert (np.isfinite(known(work)).any(axis=0) == verified).all()
