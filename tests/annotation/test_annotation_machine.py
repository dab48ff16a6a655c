"""A person, a model and an undo key, in any order.

Strokes, what is accepted and un-verified, and starting over are steps of one history.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
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
from napari_unet.annotation.change import Change
from napari_unet.annotation.drawn_edits import Delete, FillHoles, Merge, Smooth, Split
from napari_unet.annotation.edits import (
    AcceptView,
    ApplyPrediction,
    Restore,
    Settle,
    StartOver,
    TakeToCorrect,
    UnverifyObject,
    UnverifyView,
)
from napari_unet.annotation.merge import MergedPrediction, merge_prediction
from napari_unet.annotation.plane_edits import CopyToNext, CopyToPrevious, Interpolate
from napari_unet.annotation.provenance import AnnotationSnapshot, is_verified
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line
from napari_unet.geometry.section import Section
from tests.annotation.painter import Painter, same
from tests.annotation.reference import Reference, kept_pixels

SHAPES = [(9, 11), (3, 6, 8)]


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, ...]:
    """Fractions: four corners of a rectangle, and a plane."""
    return draw(st.tuples(*[st.integers(0, 10)] * 4, st.integers(0, 2)))


def box_in(shape: tuple[int, ...], corners: tuple[int, ...]) -> Box:
    height, width = shape[-2:]
    top, bottom = sorted(round(c * (height - 1) / 10) for c in corners[:2])
    left, right = sorted(round(c * (width - 1) / 10) for c in corners[2:4])
    leading = shape[:-2]
    return Box(
        (*(corners[4] for _ in leading), top, left),
        (*(corners[4] + 1 for _ in leading), bottom + 1, right + 1),
    )


def remembered(annotation: Annotation) -> list[list[object]]:
    """Everything that undo and redo can do, in plain numbers."""

    def plain(part):
        runs = (part.before, part.after, part.was, part.now, part.runs)
        return [part.box, *(each.tolist() for each in runs)]

    history = annotation.history
    return [
        [
            entry.number,
            entry.kind,
            [plain(part) for part in entry.parts],
            entry.open_before,
            entry.open_after,
            [plain(part) for part in entry.settled],
        ]
        for entry in (*history.done, *history.undone)
    ]


class Work(RuleBasedStateMachine):
    """Compares an annotation with the reference after every step."""

    snapshots = Bundle("snapshots")
    merges = Bundle("merges")

    @initialize(shape=st.sampled_from(SHAPES), objects=st.lists(boxes(), max_size=4))
    def begin(self, shape, objects):
        labels = np.zeros(shape, np.int32)
        for number, corners in enumerate(objects):
            labels[box_in(shape, corners).slices] = number + 1
        provenance = (labels > 0).astype(np.uint8)
        self.reference = Reference(labels, provenance)
        self.annotation = Annotation(labels, provenance)
        self.painter = Painter(self.annotation)
        self.used = set(range(self.annotation.next_id))
        self.merged_ids: dict[MergedPrediction, set[int]] = {}
        self.told: list[Change] = []
        self.initial: tuple[np.ndarray, ...] | None = self.painter.state()
        self.annotation.listener = self.told.append
        self.save()

    @rule()
    def save(self):
        self.saved = self.annotation.snapshot(), len(self.told)

    @rule()
    def restart(self):
        """What was saved, and what was told since, is all there was."""
        snapshot, number = self.saved
        again = Annotation(
            snapshot.labels.copy(),
            snapshot.provenance.copy(),
            next_id=snapshot.next_id,
        )
        for change in self.told[:number]:
            again.recall(change)
        for change in self.told[number:]:
            again.repeat(change)
        assert same((again.labels, again.provenance), self.state())
        assert (again.next_id, again.open_objects) == (
            self.annotation.next_id,
            self.annotation.open_objects,
        )
        assert remembered(again) == remembered(self.annotation)
        was_there = self.annotation.history.from_elsewhere
        assert again.history.from_elsewhere == was_there
        again.listener = self.told.append
        self.annotation = self.painter.annotation = again
        self.reference.foreground[...] = False

    def state(self):
        return self.painter.state()

    def notice(self):
        edit = self.annotation.notice_change(self.painter.whole)
        assert self.reference.paint(self.annotation.labels) == bool(edit)
        self.used |= set(self.annotation.labels.ravel().tolist())

    @rule(corners=boxes(), label=st.integers(0, 6), new=st.booleans())
    def paint(self, corners, label, new):
        if new:
            label = self.annotation.next_id
        where = box_in(self.annotation.labels.shape, corners)
        before = self.state()
        self.painter.write(where.slices, label)
        touched = self.annotation.labels != before[0]
        self.notice()
        after = self.state()
        assert (after[1][touched] == 3).all()
        kept = is_verified(before[1]) & ~touched
        assert same([a[kept] for a in after], [b[kept] for b in before])

    @rule(
        corners=boxes(), kind=st.sampled_from([Split, Merge, Delete, FillHoles, Smooth])
    )
    def draw(self, corners, kind):
        """What a line does is a stroke, with ids that nobody has used."""
        box = box_in(self.annotation.labels.shape, corners)
        ends = box.start, tuple(stop - 1 for stop in box.stop)
        axes = len(box.start) - 2, len(box.start) - 1
        before = set(self.annotation.labels.flat)
        change = self.annotation.do(kind(Line(ends, axes)))
        assert self.reference.paint(self.annotation.labels) == bool(change)
        fresh = set(self.annotation.labels.flat) - before
        assert not fresh & self.used
        self.used |= fresh

    @rule(
        corners=boxes(),
        kind=st.sampled_from([CopyToNext, CopyToPrevious, Interpolate]),
        background=st.booleans(),
    )
    def carry(self, corners, kind, background):
        """To other planes: one stroke that spares all that is verified."""
        shape = self.annotation.labels.shape
        if len(shape) == 2:
            return
        self.settle(True)
        before, verified = self.state(), is_verified(self.annotation.provenance)
        start = box_in(shape, corners).start
        picked = 0 if background else int(before[0][start])
        change = None
        with suppress(InputError):
            change = self.annotation.do(kind(Section(start, (1, 2), 0, 0), picked))
        after = self.state()
        assert same([a[verified] for a in after], [b[verified] for b in before])
        right = (after[1] != before[1]) & (after[0] == before[0])
        assert self.reference.paint(self.annotation.labels, right) == bool(change)

    @rule()
    def undo(self):
        assert bool(self.annotation.undo()) == bool(self.reference.done)
        self.reference.undo()

    @rule()
    def redo(self):
        assert bool(self.annotation.redo()) == bool(self.reference.undone)
        self.reference.redo()

    @rule()
    def undo_and_redo(self):
        before, were_open = self.state(), self.annotation.open_objects
        if not self.annotation.undo():
            return
        self.reference.undo()
        self.annotation.redo()
        self.reference.redo()
        assert same(self.state(), before)
        assert self.annotation.open_objects == were_open

    @rule()
    def undo_everything_and_redo(self):
        before = self.state()
        steps = len(self.reference.done)
        while self.annotation.undo():
            self.reference.undo()
        if self.initial is not None:
            assert same(self.state(), self.initial)
        for _ in range(steps):
            self.annotation.redo()
            self.reference.redo()
        assert same(self.state(), before)

    @rule(everything=st.booleans())
    def settle(self, everything):
        before = self.state()
        ids = set(self.annotation.open_objects)
        ids = ids if everything else set(sorted(ids)[:1])
        self.annotation.do(Settle(None if everything else frozenset(ids)))
        self.reference.settle(ids)
        self.check_only_accepted(before)

    @rule(corners=boxes())
    def accept(self, corners):
        before = self.state()
        box = box_in(self.annotation.labels.shape, corners)
        self.annotation.do(AcceptView(box))
        inside = np.zeros(self.annotation.labels.shape, bool)
        inside[box.slices] = True
        self.reference.accept(inside)
        self.check_only_accepted(before)

    @rule(corners=boxes())
    def unverify(self, corners):
        before = self.state()
        box = box_in(self.annotation.labels.shape, corners)
        self.annotation.do(UnverifyView(box))
        inside = np.zeros(self.annotation.labels.shape, bool)
        inside[box.slices] = True
        self.reference.unverify(inside)
        self.check_only_unverified(before)

    @rule(corners=boxes())
    def unverify_object(self, corners):
        before = self.state()
        labels = self.annotation.labels
        here = int(labels[box_in(labels.shape, corners).start])
        self.annotation.do(UnverifyObject(here))
        self.reference.unverify_object(here)
        self.check_only_unverified(before)

    def check_only_unverified(self, before):
        labels, provenance = self.state()
        changed = provenance != before[1]
        assert (labels == before[0]).all()
        assert (provenance[changed] == 1).all()
        assert is_verified(before[1])[changed].all()

    @rule()
    def start_over(self):
        if self.annotation.do(StartOver()) is not None:
            empty = np.zeros_like(self.reference.labels)
            self.reference.replace(empty, empty)

    @rule(snapshot=snapshots)
    def bring_back(self, snapshot):
        self.annotation.do(Restore(snapshot))
        self.reference.replace(snapshot.labels, snapshot.provenance)
        assert same(self.state(), (snapshot.labels, snapshot.provenance))

    @rule(objects=st.lists(boxes(), max_size=5))
    def take_to_correct(self, objects):
        """Labels of another program are a prediction, and a step."""
        predicted = np.zeros(self.annotation.labels.shape, np.int32)
        for number, corners in enumerate(objects):
            predicted[box_in(predicted.shape, corners).slices] = number + 1
        self.reference.settle(set(self.annotation.open_objects))
        before = self.reference.state()
        kept = kept_pixels(*before)
        change = self.annotation.do(TakeToCorrect(predicted))
        after = self.state()
        assert same([a[kept] for a in after], [b[kept] for b in before])
        assert (after[1][~kept] == 1).all()
        assert not (after[0].astype(bool) & ~(predicted > 0))[~kept].any()
        inherited = set(before[0].flat)
        fresh = set(after[0].flat) - inherited
        assert not fresh & self.used
        self.used |= fresh
        if change is not None:
            self.reference.replace(*after)
            self.reference.foreground[...] = predicted > 0
            assert self.annotation.history.from_elsewhere

    def check_only_accepted(self, before):
        labels, provenance = self.state()
        changed = provenance != before[1]
        assert (labels == before[0]).all()
        assert (provenance[changed] == 2).all()
        assert not is_verified(before[1])[changed].any()

    @rule(target=snapshots)
    def look(self):
        return self.annotation.snapshot()

    @rule(
        target=merges,
        snapshot=snapshots,
        objects=st.lists(boxes(), min_size=1, max_size=5),
    )
    def merge(self, snapshot: AnnotationSnapshot, objects):
        predicted = np.zeros(snapshot.labels.shape, np.int32)
        for number, corners in enumerate(objects):
            predicted[box_in(predicted.shape, corners).slices] = number + 1
        merged = merge_prediction(
            snapshot.labels, snapshot.provenance, predicted, snapshot.next_id
        )
        assert (merged.kept == kept_pixels(snapshot.labels, snapshot.provenance)).all()
        self.merged_ids[merged] = set()
        return merged

    @rule(merged=merges, corners=boxes(), everywhere=st.booleans())
    def apply(self, merged, corners, everywhere):
        labels = self.annotation.labels
        box = Box.whole(labels.shape) if everywhere else box_in(labels.shape, corners)
        before = self.state()
        change = self.annotation.do(ApplyPrediction(merged, box))
        changed = change and change.box
        after = self.state()
        if changed is not None:
            self.initial = None
        kept = is_verified(before[1])
        kept |= np.isin(before[0], list(self.annotation.open_objects))
        kept |= merged.kept
        assert same([a[kept] for a in after], [b[kept] for b in before])
        different = (after[0] != before[0]) | (after[1] != before[1])
        inside = np.zeros(labels.shape, bool)
        if changed is not None:
            inside[changed.intersect(box).slices] = True
        assert not (different & ~inside).any()
        assert (after[1][different] == 1).all()
        self.check_new_ids(merged, set(after[0].flat) - set(before[0].flat))
        self.reference.labels, self.reference.provenance = after
        self.reference.foreground[box.slices] = merged.foreground[box.slices]

    def check_new_ids(self, merged, appeared):
        """Ids that come in with a prediction were never used before."""
        inherited = {i for each in merged.objects.values() for i in each}
        inherited = {i for i in inherited if i < merged.first_id}
        fresh = appeared - inherited - self.merged_ids[merged]
        assert not fresh & self.used
        self.merged_ids[merged] |= fresh
        self.used |= fresh

    @invariant()
    def agrees_with_the_reference(self):
        assert (self.annotation.labels == self.reference.labels).all()
        assert (self.annotation.provenance == self.reference.provenance).all()
        assert self.annotation.open_objects == self.reference.open
        assert self.annotation.next_id > max(self.used)

    @invariant()
    def counts_and_snapshots_are_right(self):
        snapshot = self.annotation.snapshot()
        assert same(self.state(), (snapshot.labels, snapshot.provenance))
        verified = is_verified(self.annotation.provenance)
        ids = self.reference.ids()
        complete = [i for i in ids if verified[self.reference.labels == i].all()]
        counts = self.annotation.counts()
        assert counts.pixels == verified.size
        assert counts.verified_pixels == verified.sum()
        assert counts.objects == len(ids)
        assert counts.verified_objects == len(complete)


TestWork = Work.TestCase
TestWork.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
