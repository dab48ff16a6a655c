"""A program that edits, predicts, trains and saves until somebody kills it."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.annotation.edits import AcceptView
from napari_unet.core.jobs import Job
from napari_unet.geometry.box import Box
from napari_unet.session.images.image import OpenImage
from napari_unet.session.runner import NO_HANDLERS, Handlers, Running, Yielded
from napari_unet.session.session import Session
from tests.session.brightness import brightness_model, disks
from tests.torture.reports import Report

NAMES = ("a", "b")
SHAPE = (64, 80)
_TRAINING_MINUTES = 0.01
_FOR_ALL = ("accept", "train")
"""What finishes objects in every image."""


def picture(name: str) -> np.ndarray:
    """Return one of two images with disks."""
    return disks(SHAPE, pitch=16 + 4 * NAMES.index(name), radius=5, dim=(2,))


class ThreadRunner:
    """Jobs in threads, as the dock has them, without Qt."""

    def __init__(self) -> None:
        self._jobs: list[_ThreadJob] = []

    def start(self, job: Job[Any, Any], handlers: Any = NO_HANDLERS) -> _ThreadJob:
        running = _ThreadJob(job, handlers)
        self._jobs.append(running)
        return running

    def deliver(self) -> None:
        """Call the handlers that are due."""
        for job in tuple(self._jobs):
            if not job.deliver_all():
                self._jobs.remove(job)


class _ThreadJob(Running):
    def __init__(self, job: Job[Any, Any], handlers: Handlers[Any, Any]) -> None:
        super().__init__(job, handlers)
        self._outbox: deque[Any] = deque()
        threading.Thread(target=self._run, daemon=True).start()

    def deliver_all(self) -> bool:
        while self._outbox and self.running:
            self.deliver(self._outbox.popleft())
        return self.running

    def _run(self) -> None:
        while True:
            outcome = self.advance()
            self._outbox.append(outcome)
            if not isinstance(outcome, Yielded):
                return


class Victim:
    """One life of the program.

    Parameters
    ----------
    home : Path
        Where its images lie, and beside them the project of each.
    seed : int
        Of everything that it does.
    pipe : int
        Where it reports.
    """

    def __init__(self, home: Path, seed: int, pipe: int) -> None:
        self._home = home
        self._random = random.Random(seed)
        self._pipe = pipe
        self._runner = ThreadRunner()
        self._session = Session(self._runner)
        self._session.models.timeline.publish(brightness_model())

    def live(self) -> None:
        """Do one thing after the other, for ever."""
        self._switch()
        actions = {
            self._paint: 8,
            self._undo: 2,
            self._redo: 1,
            self._accept: 1,
            self._predict: 1,
            self._refresh: 1,
            self._train: 1,
            self._save: 2,
            self._switch: 1,
        }
        while True:
            (action,) = self._random.choices(list(actions), list(actions.values()))
            action()
            self._live_on()
            self._tell("done")

    @property
    def _image(self) -> OpenImage:
        image = self._session.images.current
        assert image is not None, self._session.state.problems
        return image

    def _live_on(self) -> None:
        self._runner.deliver()
        self._session.tick()

    def _wait(self, happened: Callable[[], Any]) -> None:
        while not happened():
            self._live_on()

    def _tell(self, what: str, **arrays: np.ndarray) -> None:
        """Report the state, and what is under way in the current image.

        What is done to one image may finish what was begun in the other.
        """
        for image in self._session.images:
            if image is not self._image:
                self._report(image, what if what in _FOR_ALL else "done")
        self._report(self._image, what, **arrays)

    def _report(self, image: OpenImage, what: str, **arrays: np.ndarray) -> None:
        snapshot = image.annotation.snapshot()
        state = {"labels": snapshot.labels, "provenance": snapshot.provenance}
        facts = {"what": what, "image": image.name}
        Report(facts, {**state, **arrays}).send(self._pipe)

    def _write(self, where: Any, label: int) -> None:
        """Let a person write into the labels, and take note of it."""
        image = self._image
        after = np.array(image.annotation.labels)
        after[where] = label
        self._tell("stroke", after=after)
        image.annotation.labels[where] = label
        image.annotation.notice_change(Box.whole(after.shape))
        self._session.note_edit(image)

    def _paint(self) -> None:
        y, x = (self._random.randrange(2, n - 8) for n in SHAPE)
        width = self._random.randrange(2, 8)
        label = self._random.choice([0, self._image.annotation.next_id, 1, 2, 3])
        self._write(np.s_[y : y + 4, x : x + width], label)

    def _undo(self) -> None:
        self._replay(self._image.annotation.history.done, "labels_before")

    def _redo(self) -> None:
        self._replay(self._image.annotation.history.undone, "labels_after")

    def _replay(self, entries: Any, labels: str) -> None:
        if not entries:
            return
        image = self._image
        after = np.array(image.annotation.labels)
        for part in entries[-1].parts:
            after[part.points] = getattr(part, labels)
        self._tell("stroke", after=after)
        replay = image.annotation.undo if labels == "labels_before" else None
        (replay or image.annotation.redo)()
        self._session.note_edit(image)

    def _accept(self) -> None:
        if self._session.state.why_not_do("accept view"):
            return
        self._tell("accept")
        top = self._random.randrange(SHAPE[0] - 16)
        box = Box((top, 0), (top + 16, SHAPE[1]))
        self._session.correcting.do(AcceptView(box))

    def _predict(self) -> None:
        if not self._session.state.why_not_predict:
            self._tell("predict")
            self._session.predict()
            self._wait(lambda: not self._session.state.predicting)

    def _refresh(self) -> None:
        number = self._random.randrange(2)
        model = brightness_model((0.5, 0.25)[number])
        self._session.models.timeline.publish(model)
        self._predict()

    def _train(self) -> None:
        if not self._session.state.why_not_finetune:
            self._tell("train")
            self._session.finetune(_TRAINING_MINUTES)

    def _save(self) -> None:
        self._session.images.current.saving.start()

    def _switch(self) -> None:
        # What a prediction or training still writes belongs to an image that is open.
        self._wait(lambda: not self._session.state.predicting)
        name = self._random.choice(NAMES)
        images = self._session.images
        found = next((each for each in images if each.name == name), None)
        if found is not None:
            images.select(found)
        else:
            path = self._home / f"{name}.tif"
            images.open(picture(name), name, "YX", path)
            self._wait(lambda: self._session.images.current)
        self._tell("open")
