"""Strokes, undo and redo."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_unet.core.annotation import Annotation, merge_prediction
from napari_unet.core.box import Box
from napari_unet.core.provenance import Provenance
from napari_unet.errors import InputError
from tests.core.painter import Painter, same

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance


def cells() -> np.ndarray:
    """Three cells on 32 x 32."""
    labels = np.zeros((32, 32), np.int32)
    labels[4:10, 4:10] = 1
    labels[4:10, 16:22] = 2
    labels[20:28, 18:28] = 3
    return labels


@pytest.fixture(params=[(), (4,), (2, 3)], ids=["YX", "ZYX", "TZYX"])
def painter(request: pytest.FixtureRequest) -> Painter:
    labels = np.zeros((*request.param, 32, 32), np.int32)
    labels[...] = cells()
    return Painter(Annotation(labels, np.full(labels.shape, PREDICTED, np.uint8)))


ROW = np.s_[..., 6, 2:20]


def test_a_stroke_is_corrected_and_nothing_else(painter):
    before, _ = painter.state()
    edit = painter.paint(ROW, 7)
    labels, provenance = painter.state()
    assert ((labels != before) == (provenance == CORRECTED)).all()
    assert (provenance[labels == before] == PREDICTED).all()
    assert edit.kind == "edit"
    assert edit.stroke.ids == {1, 2, 7}
    assert (edit.stroke.before == before[edit.stroke.points]).all()
    assert (edit.stroke.after == 7).all()
    assert edit.box.slices[-2:] == np.s_[6:7, 2:20]
    assert painter.annotation.open_objects == {1, 2, 7}


def test_looking_where_nothing_changed_finds_nothing(painter):
    revision = painter.annotation.revision
    assert painter.annotation.notice_change(painter.whole) is None
    outside = Box(*((9,) * painter.labels.ndim, (5,) * painter.labels.ndim))
    assert painter.annotation.notice_change(outside) is None
    far = Box((-9,) * painter.labels.ndim, (-2,) * painter.labels.ndim)
    assert painter.annotation.notice_change(far) is None
    assert painter.annotation.revision == revision


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


def test_redo_does_not_settle_what_nobody_has_seen():
    painter = Painter(Annotation(cells(), np.ones((32, 32), np.uint8)))
    annotation = painter.annotation
    painter.paint(np.s_[4:10, 8:12], 7)
    annotation.settle()
    assert annotation.open_objects == set()
    painter.undo()
    snapshot = annotation.snapshot()
    predicted = np.zeros((32, 32), np.int32)
    predicted[4:10, 3:6] = 1
    merged = merge_prediction(
        snapshot.labels, snapshot.provenance, predicted, snapshot.next_id
    )
    annotation.apply(merged, painter.whole)
    painter.redo()
    stranger = annotation.labels == merged.first_id
    assert stranger.any()
    assert (annotation.provenance[stranger] == PREDICTED).all()
    painter.undo()
    # napari writes the old label, which no other object has got meanwhile.
    assert set(painter.labels[4:10, 8:10].ravel()) == {1}


def test_strokes_in_large_images_cost_what_they_touch():
    labels = np.zeros((4096, 4096), np.int32)
    annotation = Annotation(labels)
    times = []
    for step in range(40):
        box = Box((50 * step, 9), (50 * step + 60, 69))
        labels[box.slices] = step + 1
        start = time.thread_time()
        annotation.notice_change(box, "edit")
        times.append(time.thread_time() - start)
    # A single pass over the whole array takes longer than that.
    assert np.median(times) < 0.006


@pytest.mark.parametrize(
    ("labels", "provenance", "words"),
    [
        (np.zeros((4, 4), np.int64), None, "int64"),
        (np.zeros(4, np.int32), None, "two axes"),
        (np.zeros((4, 4), np.int32), np.zeros((4, 5), np.uint8), r"\(4, 5\)"),
        (np.zeros((4, 4), np.int32), np.zeros((4, 4), bool), "bool"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(labels, provenance, words):
    with pytest.raises(InputError, match=words):
        Annotation(labels, provenance)


def test_any_id_a_person_can_type_is_taken():
    painter = Painter(Annotation(cells()))
    painter.paint(np.s_[12, 2:9], -5)
    painter.paint(np.s_[14, 2:9], 2**31 - 1)
    annotation = painter.annotation
    annotation.settle()
    assert annotation.next_id == 2**31
    assert annotation.counts().objects == 5
    snapshot = annotation.snapshot()
    merge_prediction(*painter.state(), 0 * snapshot.labels, snapshot.next_id)
    with pytest.raises(InputError, match="smaller ids"):
        merge_prediction(*painter.state(), cells()[::-1], snapshot.next_id)
    with pytest.raises(InputError, match="smaller ids"):
        annotation.new_id()
