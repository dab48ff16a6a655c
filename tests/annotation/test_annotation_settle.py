"""From touched to accepted: settling, and accepting on request."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import grey_dilation

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import (
    AcceptObject,
    AcceptView,
    ApplyPrediction,
    Settle,
)
from napari_unet.annotation.merge import merge_prediction
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from tests.annotation.painter import Painter, cells, same

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance


@pytest.fixture
def painter() -> Painter:
    return Painter(Annotation(cells(), np.full((32, 32), PREDICTED, np.uint8)))


def ring_of(body: np.ndarray, width: int = 2) -> np.ndarray:
    size = 2 * width + 1
    return grey_dilation(body, size=(*(1,) * (body.ndim - 2), size, size)) & ~body


def test_a_touched_object_settles_as_a_whole_with_a_ring(painter):
    painter.paint(np.s_[6, 8:13], 1)
    box = painter.annotation.do(Settle()).box
    labels, provenance = painter.state()
    body = labels == 1
    ring = ring_of(body)
    assert (provenance[body] >= ACCEPTED).all()
    assert ((provenance == CORRECTED) == (labels != cells())).all()
    assert (provenance[ring] == ACCEPTED).all()
    assert (provenance[~body & ~ring] == PREDICTED).all()
    changed = provenance == ACCEPTED
    assert changed[box.slices].sum() == changed.sum()
    assert painter.annotation.open_objects == set()
    assert painter.annotation.do(Settle()) is None


def test_the_ring_leaves_out_neighbours_and_what_the_model_sees():
    labels = cells()
    labels[4:10, 11:14] = 8
    painter = Painter(Annotation(labels, np.full((32, 32), PREDICTED, np.uint8)))
    painter.annotation.foreground = np.zeros((32, 32), bool)
    painter.annotation.foreground[10:14, :] = True
    painter.paint(np.s_[4, 4], 0)
    painter.annotation.do(Settle())
    provenance = painter.annotation.provenance
    assert (provenance[labels == 8] == PREDICTED).all()
    assert (provenance[10:] == PREDICTED).all()
    assert (provenance[2, 3:12] == ACCEPTED).all()


@pytest.mark.parametrize("width", [0, 1, 3])
def test_the_ring_stays_in_the_plane(width, monkeypatch):
    monkeypatch.setattr("napari_unet.annotation.rules.RING", width)
    labels = np.zeros((3, 32, 32), np.int32)
    labels[1:] = cells()
    painter = Painter(Annotation(labels))
    painter.paint(np.s_[1, 6, 8:13], 1)
    painter.annotation.do(Settle())
    provenance = painter.annotation.provenance
    body = painter.labels == 1
    assert (provenance[[0, 2]] == UNSEEN).all()
    finished = (body | ring_of(body, width))[1]
    assert ((provenance[1] >= ACCEPTED) == finished).all()


@pytest.fixture
def field() -> Painter:
    """A field of cells that a model took for one, and a cell beside it."""
    labels = np.ones((64, 64), np.int32)
    labels[:8] = 0
    labels[:4, :10] = 2
    return Painter(Annotation(labels, np.full((64, 64), PREDICTED, np.uint8)))


@pytest.mark.parametrize("label", [3, 0])
def test_what_is_left_of_a_field_that_was_taken_for_one_is_not_accepted(field, label):
    """Or a cell that is drawn over it would teach that all else is one object."""
    field.paint(np.s_[20:30, 20:32], label)
    field.annotation.do(Settle())
    labels, provenance = field.state()
    assert (provenance[labels == 1] == PREDICTED).all()
    assert (provenance[20:30, 20:32] == CORRECTED).all()


def test_who_paints_with_a_large_object_has_said_that_it_is_one(field):
    field.paint(np.s_[20:30, 20:60], 3)
    field.paint(np.s_[20:22, 50:60], 1)
    field.annotation.do(Settle())
    labels, provenance = field.state()
    assert (provenance[labels == 1] >= ACCEPTED).all()


def test_who_accepted_one_as_large_has_said_how_large_they_are(field):
    field.annotation.do(AcceptObject(1))
    labels = field.labels
    assert not field.annotation.pixels.objects.outsized(
        labels[20, 20:23], np.array([3, 3, 3], np.int32)
    )


def test_strokes_on_one_object_leave_it_open(painter):
    painter.paint(np.s_[6, 8:13], 1)
    painter.paint(np.s_[7, 8:13], 1)
    assert painter.annotation.open_objects == {1}
    assert (painter.annotation.provenance != ACCEPTED).all()


def test_moving_on_settles_what_is_not_touched_any_more(painter):
    painter.paint(np.s_[6, 8:18], 1)
    assert painter.annotation.open_objects == {1, 2}
    edit = painter.paint(np.s_[7, 8:13], 1)
    assert painter.annotation.open_objects == {1}
    labels, provenance = painter.state()
    assert (provenance[labels == 2] >= ACCEPTED).all()
    assert (provenance[9, 5] == PREDICTED).all()
    # The edit tells of all that changed, the settled neighbour too.
    assert edit.box.contains(Box((4, 10), (10, 22)))


def test_erasing_an_object_wholly_leaves_nothing_open(painter):
    painter.paint(np.s_[20:28, 18:28], 0)
    assert painter.annotation.open_objects == set()
    assert painter.annotation.do(Settle()) is None
    assert (painter.annotation.provenance[20:28, 18:28] == CORRECTED).all()
    assert painter.annotation.counts().objects == 2
    painter.undo()
    assert painter.annotation.counts().objects == 3


def test_undo_takes_back_the_settling_of_its_stroke_only(painter):
    painter.paint(np.s_[6, 8:13], 1)
    first = painter.state()
    painter.annotation.do(Settle())
    settled = painter.state()
    painter.paint(np.s_[22, 10:20], 3)
    painter.annotation.do(Settle())
    painter.undo()
    assert same(painter.state(), settled)
    painter.undo()
    assert (painter.annotation.provenance == PREDICTED).all()
    painter.redo()
    assert same(painter.state(), settled)
    assert painter.annotation.open_objects == set()
    assert not same(first, settled)


def test_a_stroke_into_the_ring_of_the_last_object(painter):
    painter.paint(np.s_[6, 8:12], 1)
    painter.paint(np.s_[6, 13:15], 9)
    assert painter.annotation.provenance[6, 13] == CORRECTED
    painter.undo()
    # Object 1 was finished when the person moved on, and stays so.
    assert painter.annotation.provenance[6, 13] == ACCEPTED
    assert painter.annotation.provenance[6, 14] == PREDICTED


def test_what_a_program_wrote_is_a_step_of_its_own(painter):
    painter.paint(np.s_[6, 8:12], 1)
    painter.annotation.do(Settle())
    settled = painter.state()
    painter.labels[6, 13] = 9
    painter.annotation.notice_change(painter.whole)
    assert painter.undo().kind == "undo"
    assert same(painter.state(), settled)


def test_undo_opens_what_was_open_before(painter):
    painter.paint(np.s_[6, 8:13], 1)
    painter.paint(np.s_[7, 8:13], 1)
    painter.annotation.do(Settle())
    painter.undo()
    assert painter.annotation.open_objects == {1}
    painter.redo()
    assert painter.annotation.open_objects == set()
    painter.undo()
    painter.undo()
    assert painter.annotation.open_objects == set()
    painter.redo()
    assert painter.annotation.open_objects == {1}


def test_only_chosen_objects_settle(painter):
    painter.paint(np.s_[6, 8:18], 0)
    painter.annotation.do(Settle(frozenset([2, 3])))
    assert painter.annotation.open_objects == {1}
    assert (painter.annotation.provenance[cells() == 3] == PREDICTED).all()


def test_a_distant_part_of_an_object_settles_with_it(painter):
    painter.paint(np.s_[30, 2:6], 2)
    painter.annotation.do(Settle())
    assert (painter.annotation.provenance[painter.labels == 2] >= ACCEPTED).all()


def test_accepting_a_view_takes_whole_objects(painter):
    view = Box((0, 0), (24, 20))
    changed = painter.annotation.do(AcceptView(view)).box
    labels, provenance = painter.state()
    inside = np.zeros((32, 32), bool)
    inside[view.slices] = True
    assert (provenance[inside & (labels == 0)] == ACCEPTED).all()
    assert (provenance[~inside & (labels == 0)] == PREDICTED).all()
    assert (provenance[(labels == 1) | (labels == 2)] == ACCEPTED).all()
    assert (provenance[labels == 3] == PREDICTED).all()
    assert changed == Box((0, 0), (24, 22))
    assert painter.annotation.do(AcceptView(view)) is None
    assert painter.annotation.do(AcceptView(Box((5, 5), (5, 9)))) is None


def test_accepting_an_object(painter):
    box = painter.annotation.do(AcceptObject(2)).box
    assert box == Box((4, 16), (10, 22))
    assert ((painter.annotation.provenance == ACCEPTED) == (painter.labels == 2)).all()
    assert painter.annotation.do(AcceptObject(2)) is None
    assert painter.annotation.do(AcceptObject(0)) is None
    assert painter.annotation.do(AcceptObject(77)) is None


def test_accepting_is_a_step_like_a_stroke(painter):
    start = painter.state()
    painter.paint(np.s_[6, 8:13], 1)
    painter.annotation.do(Settle())
    settled = painter.state()
    painter.annotation.do(AcceptView(Box((0, 0), (16, 16))))
    accepted = painter.state()
    assert painter.undo().kind == "undo"
    assert painter.annotation.history.undone[-1].kind == "accept"
    assert same(painter.state(), settled)
    painter.undo()
    assert same(painter.state(), start)
    painter.redo()
    assert same(painter.state(), settled)
    painter.redo()
    assert same(painter.state(), accepted)


def test_counts_follow(painter):
    painter.annotation.do(AcceptObject(1))
    counts = painter.annotation.counts()
    assert (counts.pixels, counts.verified_pixels) == (32 * 32, 36)
    assert (counts.objects, counts.verified_objects) == (3, 1)


def test_training_does_not_see_open_objects(painter):
    painter.annotation.do(AcceptView(Box((0, 14), (16, 32))))
    painter.paint(np.s_[6, 8:13], 1)
    trainable = painter.annotation.trainable()
    assert not trainable[painter.labels == 1].any()
    assert trainable[painter.labels == 2].all()
    painter.annotation.do(Settle())
    assert painter.annotation.trainable()[painter.labels == 1].all()


def test_a_long_thin_object_settles_like_any_other():
    labels = np.zeros((700, 700), np.int32)
    painter = Painter(Annotation(labels))
    along = np.arange(5, 690)
    painter.paint((along, along), 1)
    painter.annotation.do(Settle())
    body = painter.labels == 1
    assert ((painter.annotation.provenance >= ACCEPTED) == body | ring_of(body)).all()


def test_an_object_that_had_to_give_way_is_not_called_background():
    """The model sees it, so nobody verified that nothing is there."""
    labels = np.zeros((32, 32), np.int32)
    labels[4:12, 4:12] = 1
    painter = Painter(Annotation(labels))
    painter.annotation.do(AcceptObject(1))
    predicted = np.zeros((32, 32), np.int32)
    predicted[4:12, 6:14] = 1  # mostly inside the verified object: it is dropped
    merged = merge_prediction(
        painter.annotation.labels, painter.annotation.provenance, predicted, 2
    )
    whole = Box.whole((32, 32))
    painter.annotation.do(ApplyPrediction(merged, whole))
    assert (painter.annotation.labels[4:12, 12:14] == 0).all()
    painter.paint(np.s_[8, 4], 0)
    painter.annotation.do(Settle())
    assert (painter.annotation.provenance[4:12, 12:14] == PREDICTED).all()
    assert (painter.annotation.provenance[2:4, 4:12] == ACCEPTED).all()
