"""Undo and redo: recognised by their pixels alone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.core.annotation import Annotation, merge_prediction
from napari_unet.core.box import Box
from napari_unet.core.provenance import Provenance
from tests.core.painter import Painter, cells, same

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance


@pytest.fixture(params=[(), (4,), (2, 3)], ids=["YX", "ZYX", "TZYX"])
def painter(request: pytest.FixtureRequest) -> Painter:
    labels = np.zeros((*request.param, 32, 32), np.int32)
    labels[...] = cells()
    return Painter(Annotation(labels, np.full(labels.shape, PREDICTED, np.uint8)))


ROW = np.s_[..., 6, 2:20]


@pytest.mark.parametrize("kinds", [(None, None), ("undo", "redo")])
def test_undo_and_redo_restore_both_arrays(painter, kinds):
    painter.annotation.accept_object(2)
    states = [painter.state()]
    for where, label in [(ROW, 7), (np.s_[..., 7, :], 0), (np.s_[..., 3:9, 8:18], 2)]:
        painter.paint(where, label)
        painter.annotation.settle()
        states.append(painter.state())
    for _ in range(2):
        for state in states[-2::-1]:
            assert painter.undo(kinds[0]).kind == "undo"
            assert same(painter.state(), state)
        for state in states[1:]:
            assert painter.redo(kinds[1]).kind == "redo"
            assert same(painter.state(), state)


def test_an_undo_seen_in_parts_is_one_undo(painter):
    before = painter.state()
    painter.paint(ROW, 7)
    painter.write_undo()
    left = Box((0,) * painter.labels.ndim, (*painter.labels.shape[:-1], 6))
    assert painter.annotation.notice_change(left).kind == "undo"
    assert painter.annotation.notice_change(painter.whole) is None
    assert same(painter.state(), before)


def test_an_undo_mixed_with_another_change_counts_as_a_correction(painter):
    before, _ = painter.state()
    painter.paint(ROW, 7)
    painter.write_undo()
    painter.labels[..., 30, 30] = 9
    assert painter.annotation.notice_change(painter.whole).kind == "edit"
    _, provenance = painter.state()
    assert (provenance[ROW][before[ROW] != 7] == CORRECTED).all()
    assert (provenance[..., 30, 30] == CORRECTED).all()
    painter.redo()
    assert (painter.annotation.provenance[ROW] == CORRECTED).all()
    assert (painter.labels[ROW] == 7).all()


def test_undo_skips_what_code_has_written_since(painter):
    painter.paint(ROW, 7)
    painter.annotation.settle()
    before = painter.state()
    painter.paint(np.s_[..., 12:14, :], 8)
    painter.labels[..., 30, 30] = 9
    painter.annotation.notice_change(painter.whole)
    assert painter.undo().kind == "undo"
    assert same(
        [array[..., :29, :] for array in painter.state()],
        [array[..., :29, :] for array in before],
    )
    assert painter.undo().kind == "undo"
    assert (painter.annotation.provenance[..., :29, :] == PREDICTED).all()
    assert (painter.annotation.provenance[..., 30, 30] == CORRECTED).all()


def test_a_false_hint_is_not_believed(painter):
    painter.paint(ROW, 7)
    painter.write(np.s_[..., 12, :], 8)
    assert painter.annotation.notice_change(painter.whole, "undo").kind == "edit"
    painter.write(np.s_[..., 13, :], 8)
    assert painter.annotation.notice_change(painter.whole, "redo").kind == "edit"


def test_painting_back_by_hand_is_a_correction_not_an_undo(painter):
    painter.paint(np.s_[..., 12:14, :], 8)
    assert painter.paint(np.s_[..., 12:14, :], 0).kind == "edit"
    assert (painter.annotation.provenance[..., 12:14, :] == CORRECTED).all()


def test_a_forgotten_stroke_is_still_not_lost(painter):
    for step in range(210):
        painter.paint(np.s_[..., 12, 12], 100 + step)
    painter.done.clear()
    painter.labels[..., 12, 12] = 100
    assert painter.annotation.notice_change(painter.whole).kind == "edit"
    assert (painter.annotation.provenance[..., 12, 12] == CORRECTED).all()


def test_what_was_accepted_between_undo_and_redo_stays_accepted(painter):
    painter.paint(ROW, 7)
    painter.undo()
    painter.annotation.accept(painter.whole)
    accepted = painter.state()
    painter.redo()
    painter.undo()
    assert same(painter.state(), accepted)


def refresh(painter: Painter, predicted: np.ndarray) -> int:
    """Apply a prediction at once; return its first new id."""
    snapshot = painter.annotation.snapshot()
    merged = merge_prediction(
        snapshot.labels, snapshot.provenance, predicted, snapshot.next_id
    )
    painter.annotation.apply(merged, painter.whole)
    return merged.first_id


@pytest.fixture
def plane() -> Painter:
    return Painter(Annotation(cells(), np.full((32, 32), PREDICTED, np.uint8)))


def test_redo_does_not_settle_what_nobody_has_seen(plane):
    plane.paint(np.s_[4:10, 8:12], 7)
    plane.annotation.settle()
    plane.undo()
    predicted = np.zeros((32, 32), np.int32)
    predicted[4:10, 3:6] = 1
    stranger = refresh(plane, predicted)
    plane.redo()
    assert (plane.labels == stranger).any()
    provenance = plane.annotation.provenance
    assert (provenance[plane.labels == stranger] == PREDICTED).all()
    plane.undo()
    # napari writes the old label, which no other object has got meanwhile.
    assert set(plane.labels[4:10, 8:10].ravel()) == {1}


def test_an_object_that_changed_before_redo_is_open_again(plane):
    plane.paint(np.s_[4:10, 8:12], 7)
    plane.annotation.settle()
    plane.undo()
    smaller = cells()
    smaller[9] = 0
    refresh(plane, smaller)
    plane.redo()
    assert plane.annotation.open_objects == {1}


def test_what_was_accepted_between_undo_and_redo_is_not_said_of_other_labels(plane):
    plane.paint(np.s_[12:14, 4:10], 7)
    plane.undo()
    predicted = np.zeros((32, 32), np.int32)
    predicted[12:14, 4:10] = 1
    plane.annotation.accept_object(refresh(plane, predicted))
    plane.redo()
    plane.undo()
    assert (plane.labels[12:14, 4:10] == 0).all()
    assert (plane.annotation.provenance[12:14, 4:10] == PREDICTED).all()


def test_a_new_stroke_ends_what_can_be_redone(plane):
    plane.paint(np.s_[12:14, 4:10], 7)
    plane.undo()
    plane.paint(np.s_[30, 4:10], 8)
    plane.labels[12:14, 4:10] = 7
    assert plane.annotation.notice_change(plane.whole).kind == "edit"
