"""Classes of pixels: nothing opens or settles, and numbers keep their meaning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import (
    AcceptObject,
    AcceptView,
    ApplyPrediction,
    Settle,
    UnverifyView,
)
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.annotation.rules import ClassRules, MarkRules, Rules
from napari_unet.geometry.box import Box
from napari_unet.geometry.points import marked_points
from tests.annotation.painter import Painter, same
from tests.annotation.test_annotation_machine import SHAPES, box_in, boxes

CLASSES = 4


def annotation(shape=(16, 16)) -> Annotation:
    return Annotation(np.zeros(shape, np.int32), rules=ClassRules())


def predict(work: Annotation, predicted: np.ndarray, box: Box | None = None):
    snapshot = work.snapshot()
    merged = work.rules.merge(
        snapshot.labels, snapshot.provenance, predicted, snapshot.next_id
    )
    return work.do(ApplyPrediction(merged, box or Box.whole(predicted.shape)))


def test_painted_pixels_are_corrected_and_nothing_else():
    work = annotation()
    predict(work, np.ones((16, 16), np.uint8))
    Painter(work).paint(np.s_[2:5, 2:5], 2)
    assert not work.open_objects
    assert work.do(Settle()) is None
    assert (work.provenance == Provenance.CORRECTED).sum() == 9
    assert (work.provenance == Provenance.PREDICTED).sum() == 256 - 9
    assert (work.trainable() == (work.labels == 2)).all()


def test_erasing_says_class_zero():
    work = annotation()
    predict(work, np.ones((16, 16), np.uint8))
    Painter(work).paint(np.s_[2:5, 2:5], 0)
    assert (work.provenance[2:5, 2:5] == Provenance.CORRECTED).all()
    assert work.verified_labels() == {0}


def test_accepting_a_box_accepts_all_of_it_and_nothing_outside():
    work = annotation()
    predict(work, np.ones((16, 16), np.uint8))
    work.do(AcceptView(Box((0, 0), (3, 5))))
    assert (work.provenance == Provenance.ACCEPTED).sum() == 15
    assert (work.provenance[:3, :5] == Provenance.ACCEPTED).all()
    assert work.verified_labels() == {1}


def test_there_is_no_object_to_accept():
    work = annotation()
    predict(work, np.ones((16, 16), np.uint8))
    assert work.do(AcceptObject(1)) is None
    assert work.counts().verified_pixels == 0


def test_a_prediction_is_written_wherever_nothing_is_verified():
    work = annotation()
    predict(work, np.ones((16, 16), np.uint8))
    Painter(work).paint(np.s_[:4], 2)
    predict(work, np.full((16, 16), 3, np.uint8))
    assert (work.labels[:4] == 2).all()
    assert (work.labels[4:] == 3).all()
    assert (work.pixels_of(2), work.pixels_of(3), work.pixels_of(1)) == (64, 192, 0)


def test_class_numbers_are_never_shifted_like_new_ids():
    work = annotation()
    snapshot = work.snapshot()
    late = work.rules.merge(
        snapshot.labels,
        snapshot.provenance,
        np.full((16, 16), 2, np.uint8),
        snapshot.next_id,
    )
    Painter(work).paint(np.s_[:1], 3)  # three were ids in use, if they were ids
    work.do(ApplyPrediction(late, Box.whole((16, 16))))
    assert set(np.unique(work.labels)) == {2, 3}
    predict(work, np.full((16, 16), 1, np.uint8))
    assert set(np.unique(work.labels)) == {1, 3}


def test_undo_after_a_refreshed_prediction():
    work = annotation()
    hand = Painter(work)
    predict(work, np.ones((16, 16), np.uint8))
    before = hand.state()
    hand.paint(np.s_[2:5, 2:5], 2)
    predict(work, np.full((16, 16), 3, np.uint8))
    assert hand.undo().kind == "undo"
    assert same([a[2:5, 2:5] for a in hand.state()], [b[2:5, 2:5] for b in before])
    assert hand.redo().kind == "redo"
    assert (work.provenance[2:5, 2:5] == Provenance.CORRECTED).all()


def test_redo_brings_back_the_class_that_was_predicted_when_it_was_undone():
    work = annotation()
    hand = Painter(work)
    work.do(AcceptView(hand.whole))
    work.do(UnverifyView(hand.whole))
    predict(work, np.full((16, 16), 3, np.uint8))
    left = hand.state()
    hand.undo()
    hand.redo()
    assert same(hand.state(), left)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_predictions_of_any_integer_type(dtype):
    work = annotation()
    predict(work, np.ones((16, 16), dtype))
    assert work.labels.dtype == np.int32


class Work(RuleBasedStateMachine):
    """A person and a model, who never touches what the person stands behind."""

    merges = Bundle("merges")

    @initialize(shape=st.sampled_from(SHAPES))
    def begin(self, shape):
        self.annotation = annotation(shape)
        self.painter = Painter(self.annotation)

    def state(self):
        return self.painter.state()

    def check_only(self, before, changed):
        kept = is_verified(before[1]) & ~changed
        assert same([a[kept] for a in self.state()], [b[kept] for b in before])

    @rule(corners=boxes(), label=st.integers(0, CLASSES - 1))
    def paint(self, corners, label):
        where = box_in(self.annotation.labels.shape, corners)
        before = self.state()
        self.painter.paint(where.slices, label)
        touched = self.state()[0] != before[0]
        assert (self.state()[1][touched] == Provenance.CORRECTED).all()
        assert same([a[~touched] for a in self.state()], [b[~touched] for b in before])

    def touched(self, entries):
        mask = np.zeros(self.annotation.labels.shape, bool)
        for entry in entries:
            for part in entry.parts:
                mask[part.points] = True
        return mask

    @rule(again=st.booleans())
    def undo(self, again):
        before = self.state()
        last = self.touched(self.annotation.history.done[-1:])
        edit = self.painter.undo()
        assert bool(edit) == last.any()
        self.check_only(before, last)
        if edit and again:
            self.painter.redo()
            assert same(self.state(), before)

    @rule()
    def redo(self):
        before = self.state()
        last = self.touched(self.annotation.history.undone[-1:])
        self.painter.redo()
        self.check_only(before, last)

    @rule(corners=boxes())
    def unverify(self, corners):
        box = box_in(self.annotation.labels.shape, corners)
        before = self.state()
        self.annotation.do(UnverifyView(box))
        expected = before[1].copy()
        inside = expected[box.slices]
        inside[is_verified(inside)] = Provenance.PREDICTED
        assert same(self.state(), (before[0], expected))

    @rule(corners=boxes(), label=st.integers(0, CLASSES - 1))
    def scribble(self, corners, label):
        """Paint; what has the class already is said to be right."""
        where = box_in(self.annotation.labels.shape, corners)
        before = self.state()
        same_label = marked_points(where, before[0][where.slices] == label)
        self.painter.write(where.slices, label)
        edit = self.annotation.notice_change(where, same_label)
        expected = before[1].copy()
        inside = expected[where.slices]
        inside[before[0][where.slices] != label] = Provenance.CORRECTED
        inside[~is_verified(inside)] = Provenance.ACCEPTED
        assert (self.state()[1] == expected).all()
        assert bool(edit) != same(self.state(), before)

    @rule(corners=boxes())
    def accept(self, corners):
        box = box_in(self.annotation.labels.shape, corners)
        before = self.state()
        self.annotation.do(AcceptView(box))
        assert (self.state()[0] == before[0]).all()
        self.check_only(before, np.zeros(before[0].shape, bool))
        expected = before[1].copy()
        inside = expected[box.slices]
        inside[~is_verified(inside)] = Provenance.ACCEPTED
        assert (self.state()[1] == expected).all()

    @rule(target=merges, seed=st.integers(0, 99))
    def merge(self, seed):
        snapshot = self.annotation.snapshot()
        rng = np.random.default_rng(seed)
        predicted = rng.integers(0, CLASSES, snapshot.labels.shape, np.uint8)
        merged = self.annotation.rules.merge(
            snapshot.labels, snapshot.provenance, predicted, snapshot.next_id
        )
        return merged, predicted

    @rule(merge=merges, corners=boxes())
    def apply(self, merge, corners):
        merged, predicted = merge
        box = box_in(self.annotation.labels.shape, corners)
        before = self.state()
        self.annotation.do(ApplyPrediction(merged, box))
        self.check_only(before, np.zeros(before[0].shape, bool))
        inside = np.zeros(predicted.shape, bool)
        inside[box.slices] = True
        free = inside & ~is_verified(before[1]) & ~merged.kept
        assert (self.state()[0][free] == predicted[free]).all()
        assert (self.state()[1][free] == Provenance.PREDICTED).all()
        assert same([a[~free] for a in self.state()], [b[~free] for b in before])

    @invariant()
    def nothing_is_open_and_all_is_counted(self):
        labels, provenance = self.state()
        assert not self.annotation.open_objects
        assert labels.max() < CLASSES
        verified = is_verified(provenance)
        assert self.annotation.verified_labels() == set(labels[verified].tolist())
        assert self.annotation.counts().verified_pixels == verified.sum()
        for label in range(1, CLASSES):
            assert self.annotation.pixels_of(label) == (labels == label).sum()


TestWork = Work.TestCase
TestWork.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_painting_a_class_over_itself_accepts_it_in_one_step_with_the_rest():
    work = annotation()
    work.labels[1, 3] = 1
    box = Box((1, 3), (3, 5))
    points = (np.array([2, 1, 2]), np.array([4, 3, 4]))
    assert work.notice_change(box, points).kind == "edit"
    assert work.provenance[1, 3] == Provenance.CORRECTED
    assert work.provenance[2, 4] == Provenance.ACCEPTED
    assert is_verified(work.provenance).sum() == 2
    assert work.notice_change(box, points) is None
    work.undo()
    assert not work.provenance.any()
    work.redo()
    assert is_verified(work.provenance).sum() == 2


def test_to_confirm_only_is_a_step_too():
    work = annotation()
    points = (np.array([1, 2]), np.array([3, 4]))
    edit = work.notice_change(Box((1, 3), (3, 5)), points)
    assert (edit.kind, edit.box) == ("accept", Box((1, 3), (3, 5)))
    assert work.verified_labels() == {0}
    work.undo()
    assert not work.provenance.any()


@pytest.mark.parametrize("rules", [Rules(), MarkRules()], ids=["objects", "marks"])
def test_objects_and_marks_are_not_accepted_by_repainting(rules):
    work = Annotation(np.zeros((4, 4), np.int32), rules=rules)
    points = (np.array([1]), np.array([3]))
    assert work.notice_change(Box((0, 0), (4, 4)), points) is None
    assert not is_verified(work.provenance).any()
