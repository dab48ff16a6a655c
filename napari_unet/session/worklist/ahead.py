"""The next image, read and predicted before a person comes to it.

That happens while nothing else goes on, to one image at a time, and only where the
person works on predictions. Nothing is written: what a model says of the next image is
kept in memory, and is applied when the person is there, as any prediction. Who is there
before it is ready waits for it; nobody has to press Predict again for every image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_unet.annotation.stage import Stage
from napari_unet.core.jobs import Job
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.worklist.entry import Entry
from napari_unet.session.worklist.predict_file import (
    FileEvent,
    Known,
    PictureRead,
    PredictedFile,
    PredictFile,
    what_is_asked,
)
from napari_unet.session.worklist.reading import Picture, ReadFile, Unread

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

R = TypeVar("R")

MOST_BYTES = 2**29
"""Larger files are read when a person goes there: two of them may be too much."""


@dataclass(slots=True, eq=False)
class _Next:
    """An image ahead: what there is of it so far."""

    source: object
    model: Model | None
    picture: Picture | None = None
    found: PredictedFile | None = None
    job: Running | None = None


class Ahead:
    """Keeps the next image ready, as long as predictions are `wanted`.

    `following` returns the entry that comes next, `unread` what it takes to open an
    entry without a front end, and `predict` predicts the current image as a person has
    it done.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        models: Models,
        predicting: Predicting,
        following: Callable[[], Entry | None],
        unread: Callable[[Entry], Unread],
        predict: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._predict = predict
        self._predicting = predicting
        self._following = following
        self._unread = unread
        self._next: _Next | None = None
        self._awaited: object = None
        self.wanted = False

    def waiting(self, source: object) -> Picture | None:
        """Return the picture of an image, if it is the one that was read ahead."""
        ahead = self._next
        return ahead.picture if ahead is not None and ahead.source == source else None

    def tick(self) -> None:
        """Begin with the next image when nothing else goes on, or leave it."""
        state = self._hub.state
        if state.predicting or state.training or state.loading or state.worklist.batch:
            self._stop()
            self.arrive()
            return
        if state.worklist.opening:
            return
        image = self._images.current
        entry = self._following()
        if image is None or not self.wanted or entry is None or self._busy:
            return
        model = self._models.active if entry.work.stage is Stage.UNSEEN else None
        ahead = self._next
        if ahead is None or ahead.source != entry.source or ahead.model is not model:
            self._begin(entry, model)

    def drop(self) -> None:
        """Forget what a model said: another one predicts, or labels mean another."""
        self._stop()
        self._next = None

    def expect(self, entry: Entry) -> None:
        """Note that a person goes to an image, from one that was predicted or not."""
        unseen = entry.work.stage is Stage.UNSEEN
        self._awaited = entry.source if self.wanted and unseen else None

    def arrive(self) -> None:
        """Predict the image that has become current, or apply what is known of it."""
        image = self._images.current
        if image is None or not _is_of(image, self._awaited) or image.has_labels:
            return
        ahead = self._next
        if ahead is not None and ahead.source == self._awaited and ahead.job:
            return  # it is nearly there
        self._awaited = None
        if self._hub.state.why_not_predict:
            return
        model, found = self._models.active, ahead.found if ahead is not None else None
        if model is None or found is None or not self._holds(found, model, image):
            self._predict()
        else:
            job = Known(found.predicted, found.events)
            self._predicting.begin(image, model, job, refreshing=False)

    def _holds(self, found: PredictedFile, model: Model, image: OpenImage) -> bool:
        """Whether a model would say of an image what it has said ahead."""
        ahead = self._next
        same = ahead is not None and ahead.model is model
        return same and found.asked == what_is_asked(image)

    @property
    def _busy(self) -> bool:
        """Whether something is going on already, or waits to be applied."""
        return self._next is not None and self._next.job is not None

    def _begin(self, entry: Entry, model: Model | None) -> None:
        self._stop()
        path = entry.path
        if path is None or entry.problem or _bytes_of(path) > MOST_BYTES:
            self._next = None
            return
        before = self.waiting(entry.source)
        self._next = ahead = _Next(entry.source, model, before)
        unread = self._unread(entry)
        if model is not None:
            self._start(ahead, PredictFile(unread, model), self._on_predicted)
        elif before is None:
            self._start(ahead, ReadFile(path, unread.reader), self._on_read)

    def _start(
        self, ahead: _Next, job: Job[FileEvent, R], done: Callable[[_Next, R], None]
    ) -> None:
        def end(result: R) -> None:
            ahead.job = None
            done(ahead, result)

        def fail(_error: Exception) -> None:
            ahead.job = None  # it is told when the person goes there
            self.arrive()

        def read(event: FileEvent) -> None:
            if isinstance(event, PictureRead):
                ahead.picture = event.picture

        running = self._hub.runner.start(
            job, Handlers(event=read, result=end, error=fail)
        )
        if running.running:
            ahead.job = running

    def _on_read(self, ahead: _Next, picture: Picture) -> None:
        ahead.picture = picture

    def _on_predicted(self, ahead: _Next, found: PredictedFile | None) -> None:
        ahead.found = found
        self.arrive()

    def _stop(self) -> None:
        ahead = self._next
        if ahead is not None and ahead.job is not None:
            ahead.job.cancel()
            # What was read of it stays; it is predicted when there is time again.
            self._next = _Next(ahead.source, None, ahead.picture)


def _is_of(image: OpenImage, source: object) -> bool:
    path = image.identity.path
    return path is not None and path.resolve() == source


def _bytes_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
