"""One prediction, from the pixels of an image to its annotation.

How it flows (the left column runs in the background)::

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
from collections.abc import Generator
from dataclasses import dataclass
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
from napari_unet.session.images.image import OpenImage
from napari_unet.session.runner import Handlers, Runner, Running

if TYPE_CHECKING:
    from napari_unet.nets.network import Network
    from napari_unet.weights.model import Model

MOST_MERGES = 2
APPLY_SECONDS = 0.010
"""How long bands are written on the main thread at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a network said of an image.

    Parameters
    ----------
    image : OpenImage
        The image.
    net : Network
        The network.
    maps : Redecodable
        Its maps, from which objects can be found with other thresholds.
    """

    image: OpenImage
    net: Network
    maps: Redecodable


class Prediction:
    """A prediction that is going on; lives on the main thread.

    Parameters
    ----------
    runner : Runner
        Drives what runs in the background.
    image : OpenImage
        What is predicted.

    Attributes
    ----------
    progressed : Signal(int, int)
        So many of so many tiles are done.
    noticed : Signal(str)
        Something a person should read.
    measured : Signal()
        The size of the objects is known.
    said : Signal(Said)
        What the network says of the image is known, and can be decoded again.
    applied : Signal(Box)
        Labels inside the box are new.
    finished : Signal()
        Everything is applied.
    failed : Signal(Exception)
        It did not work; the annotation is as good as it was.
    cancelled : Signal()
        It was cancelled; what was applied stays.

    Notes
    -----
    Exactly one of the last three is emitted, as the last thing.
    """

    progressed = Signal(int, int)
    noticed = Signal(str)
    measured = Signal()
    said = Signal(Said)
    applied = Signal(Box)
    finished = Signal()
    failed = Signal(Exception)
    cancelled = Signal()

    def __init__(self, runner: Runner, image: OpenImage) -> None:
        self.image = image
        self._runner = runner
        self._job: Running | None = None
        self._preview: Running | None = None
        self._todo: _Todo | None = None
        self._net: Network | None = None
        self._merges = 0
        self._stopping = False

    def start(self, model: Model, view: Box | None) -> None:
        """Begin; `view` is predicted first where it is much smaller than the image."""
        self._net = model.net
        self._begin(Predict.of(self.image, model, view))

    def decode(self, said: Said, decoding: Decoding) -> None:
        """Begin, with what a network said before."""
        self._begin(Decode(said.maps, decoding))

    def _begin(self, labels: Job[PredictEvent, Predicted]) -> None:
        self._job = self._runner.start(
            labels,
            Handlers(
                event=self._on_event,
                result=self._merge,
                error=self.failed.emit,
                closed=self.cancelled.emit,
            ),
        )

    def cancel(self) -> None:
        """Stop as soon as possible."""
        self._stopping = True
        for job in (self._job, self._preview):
            if job is not None:
                job.cancel()
        todo, self._todo = self._todo, None
        if todo is not None and todo.last:
            self.cancelled.emit()

    def tick(self) -> None:
        """Apply for a few milliseconds; call it often."""
        deadline = time.monotonic() + APPLY_SECONDS
        try:
            while self._todo is not None and not self.image.canvas.busy:
                self._apply_band(self._todo)
                if time.monotonic() >= deadline:
                    return
        except Exception as error:  # noqa: BLE001 - any error is its end, or every
            # tick would raise it again.
            self._todo = None
            self.failed.emit(error)

    def _on_event(self, event: PredictEvent) -> None:
        if isinstance(event, Notice):
            self.noticed.emit(event.message)
        elif isinstance(event, TilesDone):
            self.progressed.emit(event.done, event.total)
        elif isinstance(event, Sized):
            if event.measured:
                self.image.measured = event.diameter
            self.measured.emit()
        elif isinstance(event, MapsCached):
            if self._net is not None:
                self.said.emit(Said(self.image, self._net, event.maps))
        else:
            self._merge_preview(event)

    def _merge_preview(self, event: ViewPredicted) -> None:
        self._preview = self._runner.start(
            Merge(self._merging(event.labels, event.box)),
            Handlers(
                result=lambda part: self._apply_preview(part, event.box),
                error=lambda error: self.noticed.emit(f"No early view: {error}"),
            ),
        )

    def _apply_preview(self, part: EditOf, box: Box) -> None:
        # The whole image may have come first; then the view is part of it already.
        if not self._merges and not self._stopping:
            self._todo = _Todo(part, deque(cut_into_bands(box)), last=False)

    def _merge(self, predicted: Predicted) -> None:
        """Merge into the labels as they are now."""
        if self._stopping:
            self.cancelled.emit()
            return
        self._merges += 1
        merging = self._merging(predicted, self._whole)
        revision = self.image.annotation.revision
        self._job = self._runner.start(
            Merge(merging),
            Handlers(
                result=lambda part: self._apply(part, predicted, revision),
                error=self.failed.emit,
                closed=self.cancelled.emit,
            ),
        )

    def _apply(self, part: EditOf, predicted: Predicted, revision: int) -> None:
        self.image.canvas.flush()
        edited = self.image.annotation.revision != revision
        if self._stopping or (edited and self._merges < MOST_MERGES):
            self._merge(predicted)
            return
        self._todo = _Todo(part, deque(cut_into_bands(self._whole)), last=True)

    @property
    def _whole(self) -> Box:
        return Box.whole(self.image.identity.labels_shape)

    def _merging(self, predicted: Predicted, box: Box) -> Mergeable:
        self._todo = None
        self.image.canvas.flush()
        return self.image.annotation.merging(predicted, box)

    def _apply_band(self, todo: _Todo) -> None:
        self.image.canvas.flush()
        change = self.image.annotation.do(todo.part(todo.bands.popleft()))
        if change is not None and change.box is not None:
            self.image.canvas.refresh(change.box)
            self.applied.emit(change.box)
        if not todo.bands:
            self._todo = None
            if todo.last:
                self.finished.emit()


@dataclass(frozen=True, slots=True, eq=False)
class _Todo:
    """What makes edits of a prediction, and where they are still to be done."""

    part: EditOf
    bands: deque[Box]
    last: bool


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
        # Imported in the background: torch takes seconds.
        # Chosen here: several channels are copied.
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
