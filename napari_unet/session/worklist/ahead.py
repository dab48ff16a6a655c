"""The next image, read and predicted before a person comes to it.

That happens while nothing else goes on, to one image at a time, and only where the
person has predictions made. Nothing is written: what a model says of the next image is
kept in memory, and is applied when the person is there, as any prediction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_unet.core.jobs import Job
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.worklist.entry import Entry, Stage
from napari_unet.session.worklist.predict_file import (
    FileEvent,
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
    """Keeps the next image ready.

    `following` returns the entry that comes next, and `unread` what it takes to open an
    entry without a front end.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        models: Models,
        predicting: Predicting,
        following: Callable[[], Entry | None],
        unread: Callable[[Entry], Unread],
    ) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._predicting = predicting
        self._following = following
        self._unread = unread
        self._next: _Next | None = None

    def waiting(self, source: object) -> Picture | None:
        """Return the picture of an image, if it is the one that was read ahead."""
        ahead = self._next
        return ahead.picture if ahead is not None and ahead.source == source else None

    def tick(self) -> None:
        """Begin with the next image when nothing else goes on, or leave it."""
        state = self._hub.state
        if state.predicting or state.training or state.loading or state.worklist.batch:
            self._stop()
            return
        if state.worklist.opening:
            return
        image = self._images.current
        entry = self._following()
        if image is None or not image.has_labels or entry is None or self._busy:
            return
        model = self._models.active if entry.work.stage is Stage.UNSEEN else None
        ahead = self._next
        if ahead is None or ahead.source != entry.source or ahead.model is not model:
            self._begin(entry, model)

    def drop(self) -> None:
        """Forget what a model said: another one predicts, or labels mean another."""
        self._stop()
        self._next = None

    def arrive(self) -> None:
        """Apply what is known of the image that has become current."""
        ahead, image = self._next, self._images.current
        if ahead is None or image is None or not _is_of(image, ahead.source):
            return
        found = ahead.found
        if ahead.job is None:
            self._next = None
        if found is None or ahead.model is None or image.has_labels:
            return
        if ahead.model is not self._models.active:
            return
        if what_is_asked(image) != found.asked or self._hub.state.why_not_predict:
            return
        self._next = None
        self._predicting.start_known(image, ahead.model, found.predicted, found.events)

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
        if ahead is self._next:
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
