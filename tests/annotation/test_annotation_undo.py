"""Undo and redo of everything that a person does, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import (
    AcceptObject,
    AcceptView,
    ApplyPrediction,
    Restore,
    Settle,
    StartOver,
    UnverifyObject,
    UnverifyView,
)
from napari_unet.annotation.merge import merge_prediction
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from tests.annotation.painter import Painter, cells, same

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance


@pytest.fixture(params=[(), (4,), (2, 3)], ids=["YX", "ZYX", "TZYX"])
def painter(request: pytest.FixtureRequest) -> Painter:
    labels = np.zeros((*request.param, 32, 32), np.int32)
    labels[...] = cells()
    return Painter(Annotation(labels, np.full(labels.shape, PREDICTED, np.uint8)))


ROW, WHOLE = np.s_[..., 6, 2:20], Box.whole((32, 32))


def test_undo_and_redo_restore_both_arrays(painter):
    painter.annotation.do(AcceptObject(2))
    states = [painter.state()]
    for where, label in [(ROW, 7), (np.s_[..., 7, :], 0), (np.s_[..., 3:9, 8:18], 2)]:
        painter.paint(where, label)
        painter.annotation.do(Settle())
        states.append(painter.state())
    for _ in range(2):
        for state in states[-2::-1]:
            assert painter.undo().kind == "undo"
            assert same(painter.state(), state)
        for state in states[1:]:
            assert painter.redo().kind == "redo"
            assert same(painter.state(), state)


def test_every_kind_of_step_is_taken_back_and_done_again(painter):
    work = painter.annotation
    earlier = work.snapshot()
    steps = [
        lambda: painter.paint(ROW, 7),
        lambda: work.do(AcceptView(painter.whole)),
        lambda: work.do(UnverifyObject(2)),
        lambda: work.do(AcceptObject(2)),
        lambda: work.do(UnverifyView(painter.whole)),
        lambda: work.do(StartOver()),
        lambda: painter.paint(ROW, 8),
        lambda: work.do(Restore(earlier)),
    ]
    states = [painter.state()]
    for step in steps:
        assert step() is not None
        work.do(Settle())
        states.append(painter.state())
    for _ in range(2):
        for state in states[-2::-1]:
            assert painter.undo().kind == "undo"
            assert same(painter.state(), state)
        assert painter.undo() is None
        for state in states[1:]:
            assert painter.redo().kind == "redo"
            assert same(painter.state(), state)
        assert painter.redo() is None


def test_what_changes_nothing_is_no_step(painter):
    work = painter.annotation
    work.do(AcceptView(painter.whole))
    work.do(AcceptView(painter.whole))
    work.do(UnverifyView(painter.whole))
    work.do(UnverifyView(painter.whole))
    work.do(UnverifyObject(99))
    work.do(StartOver())
    work.do(StartOver())
    assert [entry.kind for entry in work.history.done] == [
        "accept",
        "unverify",
        "replace",
    ]


def test_unverified_pixels_keep_their_labels_until_a_model_changes_them(plane):
    plane.paint(np.s_[4:10, 10:12], 1)
    plane.annotation.do(Settle())
    before = plane.state()
    plane.annotation.do(UnverifyObject(1))
    assert same([plane.labels], [before[0]])
    assert not (plane.annotation.provenance >= ACCEPTED).any()
    predicted = cells()
    predicted[4:10, 4:10] = 0
    refresh(plane, predicted)
    assert not (plane.labels[4:10, 4:12] == 1).any()
    plane.undo()
    verified = before[1] >= ACCEPTED
    assert same([a[verified] for a in plane.state()], [b[verified] for b in before])


def test_an_object_that_is_unverified_is_not_worked_on_any_more(plane):
    plane.paint(np.s_[4:10, 10:12], 1)
    plane.annotation.do(UnverifyView(plane.whole))
    assert not plane.annotation.open_objects
    assert plane.annotation.do(Settle()) is None
    plane.undo()
    assert plane.annotation.open_objects == {1}


def test_starting_over_and_predicting_anew_does_not_mix_with_the_way_back(plane):
    plane.paint(np.s_[4:10, 10:12], 1)
    before = plane.state()
    plane.annotation.do(StartOver())
    assert not plane.labels.any()
    assert not plane.annotation.provenance.any()
    predicted = np.zeros((32, 32), np.int32)
    predicted[12:18, 2:30] = 1
    first = refresh(plane, predicted)
    assert first > before[0].max()
    left = plane.state()
    plane.undo()
    assert same(plane.state(), before)
    plane.redo()
    assert same(plane.state(), left)


@pytest.mark.parametrize(
    "unverify",
    [UnverifyView(WHOLE), UnverifyObject(1), StartOver()],
    ids=lambda e: e.name,
)
def test_redo_brings_back_what_was_predicted_when_it_was_undone(plane, unverify):
    plane.annotation.do(AcceptView(plane.whole))
    plane.annotation.do(unverify)
    refresh(plane, np.roll(cells(), 2, axis=1))
    left = plane.state()
    assert (left[0] > 0)[4:10, 6:12].all()
    plane.undo()
    plane.redo()
    assert same(plane.state(), left)


def test_what_was_accepted_of_a_later_prediction_is_accepted_again(plane):
    plane.annotation.do(AcceptView(plane.whole))
    plane.annotation.do(UnverifyView(plane.whole))
    refresh(plane, np.roll(cells(), 3, axis=1))
    plane.annotation.do(AcceptView(plane.whole))
    left = plane.state()
    for _ in range(3):
        plane.undo()
    for _ in range(3):
        plane.redo()
    assert same(plane.state(), left)


def test_redo_accepts_only_what_was_seen(plane):
    plane.annotation.do(AcceptView(plane.whole))
    plane.undo()
    predicted = cells()
    predicted[20:28, 18:28] = 0
    refresh(plane, predicted)
    plane.redo()
    provenance = plane.annotation.provenance
    assert (provenance[4:10, 4:10] == ACCEPTED).all()
    assert (provenance[20:28, 18:28] == PREDICTED).all()


def test_a_forgotten_step_is_not_lost_with_its_labels(painter):
    for step in range(210):
        painter.paint(np.s_[..., 12, 12], 100 + step)
    assert len(painter.annotation.history.done) == 200
    while painter.undo():
        pass
    assert (painter.labels[..., 12, 12] == 109).all()
    assert (painter.annotation.provenance[..., 12, 12] == CORRECTED).all()


def test_accepting_ends_what_can_be_redone(painter):
    painter.paint(ROW, 7)
    painter.undo()
    painter.annotation.do(AcceptView(painter.whole))
    accepted = painter.state()
    assert painter.redo() is None
    assert same(painter.state(), accepted)


def refresh(painter: Painter, predicted: np.ndarray) -> int:
    """Apply a prediction at once; return its first new id."""
    snapshot = painter.annotation.snapshot()
    merged = merge_prediction(
        snapshot.labels, snapshot.provenance, predicted, snapshot.next_id
    )
    painter.annotation.do(ApplyPrediction(merged, painter.whole))
    return merged.first_id


@pytest.fixture
def plane() -> Painter:
    return Painter(Annotation(cells(), np.full((32, 32), PREDICTED, np.uint8)))


def test_redo_does_not_settle_what_nobody_has_seen(plane):
    plane.paint(np.s_[4:10, 8:12], 7)
    plane.annotation.do(Settle())
    plane.undo()
    predicted = np.zeros((32, 32), np.int32)
    predicted[4:10, 3:6] = 1
    stranger = refresh(plane, predicted)
    plane.redo()
    assert (plane.labels == stranger).any()
    provenance = plane.annotation.provenance
    assert (provenance[plane.labels == stranger] == PREDICTED).all()
    plane.undo()
    # What the person saw before the redo, not what was there long ago.
    assert 1 not in plane.labels[4:10, 8:10]


def test_an_object_that_changed_before_redo_is_open_again(plane):
    plane.paint(np.s_[4:10, 8:12], 7)
    plane.annotation.do(Settle())
    plane.undo()
    smaller = cells()
    smaller[9] = 0
    refresh(plane, smaller)
    plane.redo()
    assert plane.annotation.open_objects == {1}


def test_a_new_stroke_ends_what_can_be_redone(plane):
    plane.paint(np.s_[12:14, 4:10], 7)
    plane.undo()
    plane.paint(np.s_[30, 4:10], 8)
    assert plane.redo() is None
