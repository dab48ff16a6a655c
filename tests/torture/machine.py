"""A person, a model and a program that dies, in any order; nothing may be lost."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import ClassVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import (
    AcceptObject,
    AcceptView,
    UnverifyObject,
    UnverifyView,
)
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.ids import LARGEST_ID, LARGEST_NEW_ID
from napari_unet.geometry.points import marked_points
from napari_unet.session.images.image import OpenImage
from tests.annotation.painter import Painter
from tests.torture.faults import failing_journal, failing_replace, short_journals
from tests.torture.saves import iter_recovered, strokes_told
from tests.torture.scene import (
    PICTURES,
    TASKS,
    Life,
    box_in,
    bytes_of,
    differences,
    facts,
    model_for,
    scratch,
    tear,
)
from tests.torture.scripts import a_short_training

CORNERS = st.tuples(*[st.integers(0, 10)] * 4, st.integers(0, 1))
ODD = st.sampled_from([-1, -7, -(2**31), 10**9, LARGEST_ID - 40, LARGEST_ID])
ERRORS = st.sampled_from([errno.ENOSPC, errno.EROFS, errno.EIO, errno.ESTALE])


class Sitting(RuleBasedStateMachine):
    """Whatever happens, what was verified stays, and comes back."""

    tally: ClassVar[Counter[str]] = Counter()

    @initialize(
        task=st.sampled_from(TASKS),
        manual=st.booleans(),
        name=st.sampled_from(sorted(PICTURES)),
        short=st.booleans(),
    )
    def begin(self, task, manual, name, short):
        self.home = Path(tempfile.mkdtemp(dir=scratch()))
        self.limits = short_journals() if short else nullcontext()
        self.limits.__enter__()
        self.short = short
        self.task, self.manual = task, manual
        self.life = Life(self.home, task, manual)
        self.used: dict[str, int] = {}
        self.moves, self.moved = 0, set()
        self.switch_to(name)

    def teardown(self):
        if hasattr(self, "life"):
            self.life.die()
            self.limits.__exit__(None, None, None)
            shutil.rmtree(self.home, ignore_errors=True)

    def switch_to(self, name: str) -> None:
        there = [each for each in self.life.session.images if each.name == name]
        if there:
            self.life.session.images.select(there[0])
        else:
            self.life.open(name)

    @property
    def image(self) -> OpenImage:
        return self.life.session.images.current

    @property
    def annotation(self) -> Annotation:
        return self.image.annotation

    @property
    def painter(self) -> Painter:
        return Painter(self.annotation)

    def count(self, what: str) -> None:
        type(self).tally[what] += 1

    @contextmanager
    def verified_stays(self, what: str, touched: np.ndarray | None = None):
        """Count a step, and see that it changes no verified pixel but those."""
        self.count(what)
        before = self.verified()
        yield
        for image, kept, labels, provenance in before:
            if touched is not None and image is self.image:
                kept = kept & ~touched
            now = image.annotation
            assert np.array_equal(now.labels[kept], labels[kept]), what
            assert np.array_equal(now.provenance[kept], provenance[kept]), what

    def verified(self) -> list:
        return [
            (
                image,
                is_verified(image.annotation.provenance),
                image.annotation.labels.copy(),
                image.annotation.provenance.copy(),
            )
            for image in self.life.session.images
        ]

    def finish(self, now: bool) -> None:
        if now:
            self.life.run()

    # --- a person -----------------------------------------------------------------

    def stroke(self, what: str, where: np.ndarray, label: int) -> None:
        touched = where & (self.annotation.labels != label)
        with self.verified_stays(what, touched):
            self.painter.write(where, label)
            self.annotation.notice_change(self.painter.whole)
            self.life.session.note_edit(self.image)

    def place(self, corners) -> np.ndarray:
        mask = np.zeros(self.annotation.labels.shape, bool)
        mask[box_in(mask.shape, corners).slices] = True
        return mask

    def label(self, number: int, new: bool) -> int:
        if isinstance(self.annotation, ValueAnnotation):
            return self.annotation.mark_for(number % 2, number / 4)
        if self.task == "classes":
            return number % 3
        # `new_id` gives the id away even if it is never painted; a test need not.
        return self.annotation.next_id if new and self.ids_left else 1 + number

    @property
    def ids_left(self) -> bool:
        return self.annotation.next_id <= LARGEST_ID

    @rule(corners=CORNERS, number=st.integers(0, 6), new=st.booleans())
    def paint(self, corners, number, new):
        self.stroke("paint", self.place(corners), self.label(number, new))

    @rule(corners=CORNERS)
    def erase(self, corners):
        self.stroke("erase", self.place(corners), 0)

    @rule(corners=CORNERS, number=st.integers(0, 6))
    def fill(self, corners, number):
        labels = self.annotation.labels
        here = labels[tuple(box_in(labels.shape, corners).start)]
        plane = np.zeros(labels.shape, bool)
        plane[(corners[4],) * (labels.ndim - 2)] = True
        where = plane & (labels == here)
        self.stroke("fill", where, self.label(number, False))

    @rule(corners=CORNERS, label=ODD, really=st.integers(0, 3))
    def paint_odd_number(self, corners, label, really):
        # Seldom: after the largest id no prediction has ids left.
        if really == 0 or label < LARGEST_ID - 40:
            self.stroke("paint an odd number", self.place(corners), label)

    @rule(corners=CORNERS)
    def paint_over_itself(self, corners):
        where = box_in(self.annotation.labels.shape, corners)
        with self.verified_stays("paint over itself"):
            points = marked_points(where, np.ones(where.shape, bool))
            self.annotation.notice_change(where, points)
            self.life.session.note_edit(self.image)

    @rule()
    def undo(self):
        self.count("undo")
        if self.annotation.undo():
            self.life.session.note_edit(self.image)

    @rule()
    def redo(self):
        self.count("redo")
        if self.annotation.redo():
            self.life.session.note_edit(self.image)

    @rule(corners=CORNERS)
    def unverify_view(self, corners):
        self.count("un-verify view")
        shape = self.annotation.labels.shape
        self.life.session.correcting.do(UnverifyView(box_in(shape, corners)))

    @precondition(lambda self: self.task == "instances")
    @rule(corners=CORNERS)
    def unverify_object(self, corners):
        self.count("un-verify object")
        labels = self.annotation.labels
        here = labels[tuple(box_in(labels.shape, corners).start)]
        self.life.session.correcting.do(UnverifyObject(int(here)))

    @rule(now=st.booleans())
    def start_over(self, now):
        self.count("start over")
        self.life.session.correcting.start_over()
        self.finish(now)

    @rule(now=st.booleans())
    def bring_back(self, now):
        if self.image.snapshots:
            self.count("bring back")
            self.life.session.correcting.bring_back(self.image.snapshots[0].number)
            self.finish(now)

    @rule()
    def settle(self):
        with self.verified_stays("settle"):
            self.image.canvas.settle()
            self.life.session.note_edit(self.image)

    @rule(corners=CORNERS)
    def accept_view(self, corners):
        with self.verified_stays("accept view"):
            shape = self.annotation.labels.shape
            self.life.session.correcting.do(AcceptView(box_in(shape, corners)))

    @precondition(lambda self: self.task == "instances")
    @rule(corners=CORNERS)
    def accept_object(self, corners):
        with self.verified_stays("accept object"):
            labels = self.annotation.labels
            here = labels[tuple(box_in(labels.shape, corners).start)]
            self.life.session.correcting.do(AcceptObject(int(here)))

    # --- a model ------------------------------------------------------------------

    @rule(now=st.booleans())
    def predict(self, now):
        with self.verified_stays("predict"):
            if not self.life.session.state.why_not_predict:
                self.life.session.predict()
            self.finish(now)

    @rule(number=st.integers(0, 1), now=st.booleans())
    def refresh(self, number, now):
        with self.verified_stays("refresh"):
            session = self.life.session
            session.models.timeline.publish(model_for(self.task, number))
            session.predicting.refresh.want(soon=True)
            session.tick()
            self.finish(now)

    @rule(better=st.booleans(), now=st.booleans())
    def train(self, better, now):
        session = self.life.session
        with self.verified_stays("train"), a_short_training(self.task, better):
            if not session.state.why_not_finetune:
                session.finetune(1)
            self.life.run()
            self.life.wait(1.5)
            self.finish(now)

    @precondition(lambda self: self.manual)
    @rule(steps=st.integers(1, 8), tick=st.booleans())
    def step(self, steps, tick):
        with self.verified_stays("step of the jobs"):
            for _ in range(steps):
                self.life.runner.step()
                if tick:
                    self.life.session.tick()

    @rule()
    def cancel(self):
        with self.verified_stays("cancel"):
            self.life.session.predicting.cancel()
            self.life.run()

    # --- the disk -----------------------------------------------------------------

    @rule(now=st.booleans())
    def save_now(self, now):
        with self.verified_stays("save now"):
            self.life.session.images.current.saving.start()
            self.finish(now)

    @rule(seconds=st.sampled_from([1.5, 3.0, 11.0]), now=st.booleans())
    def wait(self, seconds, now):
        with self.verified_stays("autosave"):
            self.life.wait(seconds)
            self.finish(now)

    @rule(step=st.integers(0, 4), code=ERRORS)
    def save_fails(self, step, code):
        self.life.run()
        with self.verified_stays("failing save"), failing_replace(step, code):
            self.life.session.images.current.saving.start()
            self.life.run()

    @rule(corners=CORNERS, code=ERRORS)
    def journal_fails(self, corners, code):
        with failing_journal(code):
            self.stroke("failing journal", self.place(corners), self.label(2, False))
        self.life.wait(1.5)
        status = self.image.journal.status
        assert (status.unwritten, status.failure) == (0, "")

    @rule(same=st.booleans(), now=st.booleans())
    def save_to_another_folder(self, same, now):
        with self.verified_stays("save to"):
            self.life.run()
            self.moves += 1
            folder = self.home / f"moved {self.moves}.unet"
            others = [i for i in self.life.session.images if i is not self.image]
            if same and others:
                folder = others[0].project.folder
            self.life.session.save_to(folder)
            self.moved.add(self.image.name)
            self.finish(now)

    # --- the program --------------------------------------------------------------

    @rule(name=st.sampled_from(sorted(PICTURES)))
    def switch(self, name):
        with self.verified_stays("switch image"):
            self.life.run()
            self.switch_to(name)

    @rule(torn=st.booleans())
    def crash(self, torn):
        self.count("crash, torn" if torn else "crash")
        before = self.known()
        self.life.die()
        if torn:
            for place in {*self.life.places.values()}:
                tear(place)
        self.come_back(before)

    @rule()
    def close_and_come_back(self):
        self.count("close")
        if self.manual:
            self.life.run()
        before = self.known()
        assert self.life.close() == []
        self.come_back(before)

    def known(self) -> dict[str, dict]:
        return {i.name: facts(i.annotation) for i in self.life.session.images}

    def lost(self, image: OpenImage, before: dict, after: dict) -> list[str]:
        """Return what did not come back, of what must.

        A move takes no strokes along to undo, and old parts of a journal go.
        """
        strokes = None
        if self.short or image.name in self.moved:
            strokes = strokes_told(image.project.folder, image.identity)
        return differences(before, after, strokes)

    def come_back(self, before: dict[str, dict]) -> None:
        current, places = self.image.name, dict(self.life.places)
        written = bytes_of(self.home)
        self.life = Life(self.home, self.task, self.manual, places)
        for name in (*(n for n in before if n != current), current):
            self.switch_to(name)
            assert not self.image.read_only, self.image.read_only
            now = facts(self.annotation)
            assert self.lost(self.image, before[name], now) == [], name
            # Class numbers are no ids, and numbers of marks are not saved.
            if self.task == "instances":
                assert self.annotation.next_id > self.used[name]
            assert "cannot be read" not in self.life.session.state.recovered
        assert bytes_of(self.home) == written, "opening wrote"

    @rule()
    def look_at_every_save(self):
        self.count("every kept save")
        written = bytes_of(self.home)
        for image in self.life.session.images:
            now = facts(image.annotation)
            folder, names = image.project.folder, []
            for name, annotation in iter_recovered(folder, image.identity):
                assert self.lost(image, now, facts(annotation)) == [], name
                self.count("saves replayed")
                names.append(name)
            if names and image.name not in self.moved:
                assert len(names) > 1 or names == ["the journal alone"], names
        assert bytes_of(self.home) == written

    @invariant()
    def accepted_values_are_known(self):
        if hasattr(self, "life") and self.task == "regression":
            for image in self.life.session.images:
                snapshot = image.annotation.snapshot()
                accepted = snapshot.provenance == Provenance.ACCEPTED
                assert np.isfinite(snapshot.labels[:, accepted]).all()

    @invariant()
    def ids_are_remembered(self):
        if hasattr(self, "life"):
            for image in self.life.session.images:
                ids = image.annotation.labels
                # Larger ones are a person's to choose, and count for nothing.
                largest = int(ids[ids <= LARGEST_NEW_ID].max(initial=0))
                self.used[image.name] = max(self.used.get(image.name, 0), largest)
