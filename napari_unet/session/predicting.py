"""Predictions: at most one at a time, started by the person or by a better model.

How one flows (the left column runs in the background)::

    engine: labels of the view  ---> merge them into a snapshot ---> apply
    engine: labels of the image ---> merge them into a snapshot ---> apply band by band
                                          ^                              |
                                          +-- edited meanwhile: once more

Merging never touches a verified pixel of its snapshot, and applying never touches one
that is verified by then. So a person may paint all the time; only while a stroke is
under way nothing is applied.

When a threshold moves again while objects are found anew, and those of the view are
shown already, all is begun anew: what is in view follows the hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_unet.annotation.annotation import EditOf, Predicted
from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import Job
from napari_unet.geometry.box import Box
from napari_unet.inference.events import (
    MapsCached,
    PredictEvent,
    Redecodable,
    Sized,
    ViewPredicted,
)
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.just_changed import JustChanged
from napari_unet.session.prediction import Decode, Merge, Predict, Writing
from napari_unet.session.refreshing import Refreshing
from napari_unet.session.remarks import Topic
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import Progress
from napari_unet.session.words import predicted_in_words

if TYPE_CHECKING:
    from napari_unet.nets.network import Network
    from napari_unet.weights.model import Model

MOST_MERGES = 2
APPLY_SECONDS = 0.010
"""How long bands are written on the main thread at once."""

_RUN: tuple[Topic, ...] = ("image", "predicting")


@dataclass(slots=True, eq=False)
class _Run:
    """A prediction that is going on; to write the `last` of it ends it."""

    image: OpenImage
    model: Model
    began: float
    noticed: str = ""
    job: Running | None = None
    preview: Running | None = None
    merges: int = 0
    stopping: bool = False
    writing: Writing | None = None
    last: bool = False
    decodes: bool = False
    shown: bool = False

    def apply_later(self, part: EditOf, box: Box, *, last: bool) -> None:
        """Let it be applied inside a box; `last` is what ends the prediction."""
        self.writing, self.last = Writing(self.image, part, box), last


class Predicting:
    """At most one prediction at a time, and when the next `refresh` is due.

    `view` returns the part of the current image that the person looks at, or None.

    Attributes
    ----------
    applied : Signal(OpenImage)
        Some labels of the image are new.
    completed : Signal(OpenImage)
        A prediction that the person asked for is complete.
    finished : Signal(OpenImage, object)
        Any prediction of all of an image is complete, by that model.
    measured : Signal()
        The size of the objects of an image is known.
    """

    applied = Signal(OpenImage)
    completed = Signal(OpenImage)
    finished = Signal(OpenImage, object)
    measured = Signal()

    def __init__(self, hub: Hub, view: Callable[[], Box | None]) -> None:
        self._hub = hub
        self._view = view
        self._run: _Run | None = None
        # Of the last image alone: for a large one it is as much memory as its labels.
        self._cached: tuple[OpenImage, Network, Redecodable] | None = None
        self.refresh = Refreshing(hub.clock)
        self.just_changed = JustChanged(hub.clock)

    def start(
        self, image: OpenImage, model: Model, *, refreshing: bool = False
    ) -> None:
        """Predict an image, the view first where it is much smaller than the image."""
        self.refresh.drop()
        job = Predict.of(image, model, self._view())
        self.begin(image, model, job, refreshing=refreshing)

    def can_decode(self, image: OpenImage, model: Model) -> bool:
        """Whether what the network of a model says of an image is at hand."""
        cached = self._cached
        return cached is not None and cached[0] is image and cached[1] is model.net

    def decode(self, image: OpenImage, model: Model) -> None:
        """Find objects with the thresholds of a model, without asking its network."""
        if self._cached is not None and self.can_decode(image, model):
            self._drop()
            job = Decode(self._cached[2], model.spec.decoding, self._view())
            training = self._hub.state.training is not None
            self.begin(image, model, job, refreshing=training)

    @property
    def may_decode(self) -> bool:
        """Whether nothing goes on, or only what other thresholds may end.

        That is what finds objects anew whose view is shown already.
        """
        run = self._run
        return run is None or (run.decodes and run.shown and not run.stopping)

    def _drop(self) -> None:
        """Let go of what goes on without a word; another one begins."""
        run, self._run = self._run, None
        if run is not None:
            self._stop(run)

    def maps_of(self, image: OpenImage) -> Redecodable | None:
        """Return what a network said of an image last, if that is at hand."""
        cached = self._cached
        return cached[2] if cached is not None and cached[0] is image else None

    def forget(self, image: OpenImage) -> None:
        """Forget what a network said of an image that is put away."""
        if self._run is not None and self._run.image is image:
            self.cancel()
        if self._cached is not None and self._cached[0] is image:
            self._cached = None
        self.just_changed.forget(image)

    def cancel(self) -> None:
        """Cancel what is going on; what was applied stays."""
        run = self._run
        if run is None:
            return
        self._hub.say("Cancelling…", *_RUN, cancelling=True)
        writing = run.writing
        self._stop(run)
        if writing is not None and run.last:
            self._on_cancelled(run)

    def _stop(self, run: _Run) -> None:
        run.stopping, run.writing = True, None
        for job in (run.job, run.preview):
            if job is not None:
                job.cancel()

    def tick(self) -> None:
        """Apply for some milliseconds; call it often."""
        deadline = time.monotonic() + APPLY_SECONDS
        run = self._run
        try:
            while run and run.writing and not run.image.occupied:
                self._apply_band(run, run.writing)
                if time.monotonic() >= deadline:
                    return
        except Exception as error:  # noqa: BLE001 - any error is its end, or every
            # tick would raise it again.
            if run is not None:
                self._on_failed(run, error)

    def begin(
        self,
        image: OpenImage,
        model: Model,
        job: Job[PredictEvent, Predicted],
        *,
        refreshing: bool,
    ) -> None:
        """Start a job that tells what a model says of an image; none is going on."""
        self._hub.clear("predict")
        self._hub.show(predicting=Progress(), refreshing=refreshing)
        self._say("Predicting…")
        run = _Run(image, model, self._hub.clock(), decodes=isinstance(job, Decode))
        self._run = run
        run.job = self._hub.runner.start(
            job,
            Handlers(
                event=lambda event: self._on_event(run, event),
                result=lambda predicted: self._merge(run, predicted),
                error=lambda error: self._on_failed(run, error),
                closed=lambda: self._on_cancelled(run),
            ),
        )

    def _on_event(self, run: _Run, event: PredictEvent) -> None:
        if run is not self._run:
            return  # its last words, after another one began
        if isinstance(event, Notice):
            self._on_notice(run, event.message)
        elif isinstance(event, TilesDone):
            self._hub.show(predicting=Progress(event.done, event.total))
            self._say(f"Predicting… {event.done / event.total:.0%}")
        elif isinstance(event, Sized):
            self.note_size(run.image, run.model, event)
        elif isinstance(event, MapsCached):
            self._cached = run.image, run.model.net, event.maps
        else:
            self._merge_preview(run, event)

    def note_size(self, image: OpenImage, model: Model, found: Sized) -> None:
        """Note how large a model has found the objects of an image."""
        if found.measured:
            image.measured = model.name, found.diameter
        self.measured.emit()

    def _on_notice(self, run: _Run, message: str) -> None:
        run.noticed = message
        self._hub.say(message, *_RUN)

    def _merge_preview(self, run: _Run, event: ViewPredicted) -> None:
        def apply(part: EditOf) -> None:
            # The whole image may have come first; then the view is part of it already.
            if not run.merges and not run.stopping:
                run.apply_later(part, event.box, last=False)

        run.preview = self._hub.runner.start(
            _merging(run, event.labels, event.box),
            Handlers(
                result=apply,
                error=lambda error: self._on_notice(run, f"No early view: {error}"),
            ),
        )

    def _merge(self, run: _Run, predicted: Predicted) -> None:
        """Merge into the labels as they are now; again if they are edited meanwhile."""
        if run.stopping:
            self._on_cancelled(run)
            return
        image, whole = run.image, Box.whole(run.image.identity.labels_shape)
        run.merges += 1
        job = _merging(run, predicted, whole)
        revision = image.annotation.revision

        def apply(part: EditOf) -> None:
            image.canvas.flush()
            edited = image.annotation.revision != revision
            if run.stopping or (edited and run.merges < MOST_MERGES):
                self._merge(run, predicted)
            else:
                run.apply_later(part, whole, last=True)

        run.job = self._hub.runner.start(
            job,
            Handlers(
                result=apply,
                error=lambda error: self._on_failed(run, error),
                closed=lambda: self._on_cancelled(run),
            ),
        )

    def _apply_band(self, run: _Run, writing: Writing) -> None:
        changed = writing.write()
        if changed is not None:
            if self._hub.state.refreshing:
                self.just_changed.note(run.image, changed)
            self.applied.emit(run.image)
        if writing.over:
            run.writing, run.shown = None, True
            if run.last:
                self._on_finished(run)

    def _on_finished(self, run: _Run) -> None:
        by_person = not self._hub.state.refreshing
        seconds = self._hub.clock() - run.began
        self._end()
        self.finished.emit(run.image, run.model)
        if by_person:
            self.completed.emit(run.image)
            words = f"{predicted_in_words(run.image, seconds)} {run.noticed}".strip()
            self._say(words, about=("image", "labels"))

    def _on_failed(self, run: _Run, error: Exception) -> None:
        if run is not self._run:
            return
        self._end()
        self._hub.report("predict", error)

    def _on_cancelled(self, run: _Run) -> None:
        if run is not self._run:
            return
        self._end()
        self._say("Prediction cancelled.", about=("image",))

    def _end(self) -> None:
        self._run = None
        self._hub.show(predicting=None, refreshing=False, cancelling=False)

    def _say(self, message: str, about: tuple[Topic, ...] = _RUN) -> None:
        # During training its own message says more.
        if not self._hub.state.refreshing:
            self._hub.say(message, *about)


def _merging(run: _Run, predicted: Predicted, box: Box) -> Merge:
    """Copy what is needed to merge; what was not applied yet is not any more."""
    run.writing = None
    run.image.canvas.flush()
    return Merge(run.image.annotation.merging(predicted, box))
