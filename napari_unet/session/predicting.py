"""Predictions: at most one at a time, started by the person or by a better model.

How one flows (the left column runs in the background)::

    engine: labels of the view  ---> merge them into a snapshot ---> apply
    engine: labels of the image ---> merge them into a snapshot ---> apply band by band
                                          ^                              |
                                          +-- edited meanwhile: once more

Merging never touches a verified pixel of its snapshot, and applying never touches one
that is verified by then. So a person may paint all the time; only while a stroke is
under way nothing is applied.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from psygnal import Signal

from napari_unet import inference
from napari_unet.annotation.annotation import EditOf, Mergeable, Predicted
from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import Job
from napari_unet.geometry.box import Box
from napari_unet.geometry.tiling import cut_into_bands
from napari_unet.images.channels import Channels, take_channels
from napari_unet.inference.events import (
    MapsCached,
    PredictEvent,
    Redecodable,
    Sized,
    ViewPredicted,
)
from napari_unet.instances.decoding import Decoding
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.state import Topic
from napari_unet.session.status import Progress
from napari_unet.session.words import predicted_in_words

if TYPE_CHECKING:
    from napari_unet.nets.network import Network
    from napari_unet.weights.model import Model

MOST_MERGES = 2
APPLY_SECONDS = 0.010
"""How long bands are written on the main thread at once."""
REFRESH_SECONDS = 20.0
"""The least time between two predictions that training starts."""
LOOK_SECONDS = 1.0
"""How long nobody can have looked at what came in without being asked for."""

_RUN: tuple[Topic, ...] = ("image", "predicting")


@dataclass(slots=True, eq=False)
class _Run:
    """A prediction that is going on; `part` makes edits of it, one for each band."""

    image: OpenImage
    model: Model
    began: float
    noticed: str = ""
    job: Running | None = None
    preview: Running | None = None
    merges: int = 0
    stopping: bool = False
    part: EditOf | None = None
    bands: deque[Box] = field(default_factory=deque)
    last: bool = False

    def apply_later(self, part: EditOf, box: Box, *, last: bool) -> None:
        """Let it be applied inside a box; `last` is what ends the prediction."""
        self.part, self.bands, self.last = part, deque(cut_into_bands(box)), last


class Predicting:
    """At most one prediction at a time, and when the next refresh is due.

    `view` returns the part of the current image that the person looks at, or None.

    Attributes
    ----------
    applied : Signal(OpenImage)
        Some labels of the image are new.
    completed : Signal(OpenImage)
        A prediction that the person asked for is complete.
    measured : Signal()
        The size of the objects of an image is known.
    """

    applied = Signal(OpenImage)
    completed = Signal(OpenImage)
    measured = Signal()

    def __init__(self, hub: Hub, view: Callable[[], Box | None]) -> None:
        self._hub = hub
        self._view = view
        self._run: _Run | None = None
        # Of the last image alone: for a large one it is as much memory as its labels.
        self._cached: tuple[OpenImage, Network, Redecodable] | None = None
        self._refresh_wanted = self._refresh_asked = False
        self._refresh_at = 0.0
        self._came_in: tuple[OpenImage, Box, float] | None = None

    @property
    def refresh_due(self) -> bool:
        """Whether it is time to predict again with a newer model."""
        return self._refresh_wanted and self._hub.clock() >= self._refresh_at

    @property
    def refresh_asked(self) -> bool:
        """Whether it is the person who wants to see another model."""
        return self._refresh_asked

    def want_refresh(self, *, soon: bool = False) -> None:
        """Ask for another prediction, because there is another model.

        Not more often than every `REFRESH_SECONDS`, unless it shall be soon, because
        the person has asked for it.
        """
        self._refresh_wanted = True
        self._refresh_asked |= soon
        if soon:
            self.hurry_refresh()

    def hurry_refresh(self) -> None:
        """Let a refresh that is wanted happen now: training is over."""
        self._refresh_at = self._hub.clock()

    def start(
        self, image: OpenImage, model: Model, *, refreshing: bool = False
    ) -> None:
        """Predict an image, the view first where it is much smaller than the image."""
        self._refresh_wanted = self._refresh_asked = False
        self._refresh_at = self._hub.clock() + REFRESH_SECONDS
        job = Predict.of(image, model, self._view())
        self.begin(image, model, job, refreshing=refreshing)

    def can_decode(self, image: OpenImage, model: Model) -> bool:
        """Whether what the network of a model says of an image is at hand."""
        cached = self._cached
        return cached is not None and cached[0] is image and cached[1] is model.net

    def decode(self, image: OpenImage, model: Model) -> None:
        """Find objects with the thresholds of a model, without asking its network."""
        if self._cached is not None and self.can_decode(image, model):
            job = Decode(self._cached[2], model.spec.decoding)
            training = self._hub.state.training is not None
            self.begin(image, model, job, refreshing=training)

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
        if self._came_in is not None and self._came_in[0] is image:
            self._came_in = None

    def unseen(self, image: OpenImage, box: Box) -> bool:
        """Whether a refresh has changed something in a box a moment ago."""
        if self._came_in is None or self._came_in[0] is not image:
            return False
        _, changed, moment = self._came_in
        recent = self._hub.clock() - moment < LOOK_SECONDS
        return recent and not changed.intersect(box).empty

    def cancel(self) -> None:
        """Cancel what is going on; what was applied stays."""
        run = self._run
        if run is None:
            return
        self._hub.say("Cancelling…", *_RUN, cancelling=True)
        run.stopping = True
        for job in (run.job, run.preview):
            if job is not None:
                job.cancel()
        part, run.part = run.part, None
        if part is not None and run.last:
            self._on_cancelled()

    def tick(self) -> None:
        """Apply for some milliseconds; call it often."""
        deadline = time.monotonic() + APPLY_SECONDS
        run = self._run
        try:
            while run and run.part and not run.image.canvas.busy:
                self._apply_band(run, run.part)
                if time.monotonic() >= deadline:
                    return
        except Exception as error:  # noqa: BLE001 - any error is its end, or every
            # tick would raise it again.
            self._on_failed(error)

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
        self._run = run = _Run(image, model, self._hub.clock())
        run.job = self._hub.runner.start(
            job,
            Handlers(
                event=lambda event: self._on_event(run, event),
                result=lambda predicted: self._merge(run, predicted),
                error=self._on_failed,
                closed=self._on_cancelled,
            ),
        )

    def _on_event(self, run: _Run, event: PredictEvent) -> None:
        if isinstance(event, Notice):
            self._on_notice(run, event.message)
        elif isinstance(event, TilesDone):
            self._hub.show(predicting=Progress(event.done, event.total))
            self._say(f"Predicting… {event.done / event.total:.0%}")
        elif isinstance(event, Sized):
            if event.measured:
                run.image.measured = run.model.name, event.diameter
            self.measured.emit()
        elif isinstance(event, MapsCached):
            self._cached = run.image, run.model.net, event.maps
        else:
            self._merge_preview(run, event)

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
            self._on_cancelled()
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
            Handlers(result=apply, error=self._on_failed, closed=self._on_cancelled),
        )

    def _apply_band(self, run: _Run, part: EditOf) -> None:
        image = run.image
        image.canvas.flush()
        change = image.annotation.do(part(run.bands.popleft()))
        if change is not None and change.box is not None:
            image.canvas.refresh(change.box)
            if self._hub.state.refreshing:
                self._note_refresh(image, change.box)
            self.applied.emit(image)
        if not run.bands:
            run.part = None
            if run.last:
                self._on_finished(run)

    def _note_refresh(self, image: OpenImage, box: Box) -> None:
        before, now = self._came_in, self._hub.clock()
        if before and before[0] is image and now - before[2] < LOOK_SECONDS:
            box = box.union(before[1])  # another band of the same
        self._came_in = image, box, now

    def _on_finished(self, run: _Run) -> None:
        by_person = not self._hub.state.refreshing
        seconds = self._hub.clock() - run.began
        self._end()
        if by_person:
            self.completed.emit(run.image)
            words = f"{predicted_in_words(run.image, seconds)} {run.noticed}".strip()
            self._say(words, about=("image", "labels"))

    def _on_failed(self, error: Exception) -> None:
        self._end()
        self._hub.report("predict", error)

    def _on_cancelled(self) -> None:
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
    run.part = None
    run.image.canvas.flush()
    return Merge(run.image.annotation.merging(predicted, box))


@dataclass(frozen=True, slots=True, eq=False)
class Predict(Job[PredictEvent, Predicted]):
    """Predict an image; see `napari_unet.inference.predict.iter_predict`."""

    pixels: npt.NDArray[Any]
    axes: str
    channels: Channels | None
    model: Model
    view: Box | None
    diameter: float | None
    pixel_size: float | None

    @classmethod
    def of(cls, image: OpenImage, model: Model, view: Box | None) -> Predict:
        """Return the prediction of an image as it is read now."""
        channels = image.reading.channels
        # One that was said for another model tells nothing to one that never zooms.
        diameter = image.diameter if model.spec.best_diameters else None
        pixels, axes, size = image.pixels, image.axes, image.pixel_size
        return cls(pixels, axes, channels, model, view, diameter, size)

    def run(self) -> Generator[PredictEvent, None, Predicted]:
        """Predict."""
        # Chosen here, in the background: several channels are copied.
        pixels, axes = take_channels(self.pixels, self.axes, self.channels)
        return inference.iter_predict(
            pixels,
            self.model,
            axes=axes,
            view=self.view,
            diameter=self.diameter,
            pixel_size=self.pixel_size,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Decode(Job[PredictEvent, Predicted]):
    """Find objects in cached maps, with other thresholds."""

    maps: Redecodable
    decoding: Decoding

    def run(self) -> Generator[PredictEvent, None, Predicted]:
        """Decode."""
        return self.maps.iter_decode(self.decoding)


@dataclass(frozen=True, slots=True, eq=False)
class Merge(Job[None, EditOf]):
    """Fit a prediction into a snapshot; see `Annotation.merging`."""

    merging: Mergeable

    def run(self) -> Generator[None, None, EditOf]:
        """Merge."""
        yield
        return self.merging.merge()
