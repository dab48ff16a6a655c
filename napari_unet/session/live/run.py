"""A view on its way from the model into the labels."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet import inference
from napari_unet.annotation.annotation import EditOf
from napari_unet.annotation.part import Part
from napari_unet.geometry.box import Box
from napari_unet.session.images.image import OpenImage
from napari_unet.session.live.jobs import PredictView
from napari_unet.session.live.known import Origin
from napari_unet.session.predicting import APPLY_SECONDS
from napari_unet.session.prediction import Merge, Writing
from napari_unet.session.runner import Handlers, Runner, Running

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person looks at, and with what it would be predicted.

    Where it is not `fresh`, a newer model is to predict all of the image soon: what
    another one has said stays until then.
    """

    image: OpenImage
    origin: Origin
    view: Box
    revision: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What is called when something is known, is written, has failed, and is over."""

    event: Callable[[inference.LiveEvent], object]
    wrote: Callable[[Box | None, tuple[Box, ...]], object]
    failed: Callable[[Exception], object]
    over: Callable[[], object]


class ViewRun:
    """One view that is predicted, part after part; the newest one is written.

    Parameters
    ----------
    wish : Wish
        What is predicted.
    heard : Heard
        Who is told; of nothing any more once it is cancelled, but for the events: what
        a network said is worth keeping, though nobody waits for it.
    """

    def __init__(self, runner: Runner, wish: Wish, heard: Heard) -> None:
        self.wish = wish
        self._runner = runner
        self._heard = heard
        self._job: Running | None = None
        self._merging: Running | None = None
        self._part: inference.PartPredicted | None = None
        self._writing: Writing | None = None
        self._tiles: tuple[Box, ...] = ()
        self._closed = False

    @property
    def over(self) -> bool:
        """Whether nothing of it is still to come."""
        jobs = [job for job in (self._job, self._merging) if job is not None]
        waits = self._part is not None or self._writing is not None
        return self._closed or not (waits or any(job.running for job in jobs))

    def serves(self, wish: Wish, prepared: inference.Prepared | None) -> bool:
        """Whether that is being predicted already which is wanted."""
        own = self.wish
        if self.over or own.image is not wish.image or own.origin != wish.origin:
            return False
        now, then = wish.view, own.view
        same = prepared is not None and prepared.tiles(now) == prepared.tiles(then)
        return same or now == then

    def start(self, model: Model, request: inference.Request) -> None:
        """Begin."""
        self._job = self._runner.start(
            PredictView.of(self.wish.image, model, request),
            Handlers(
                event=self._on_event,
                result=lambda _: self._end_if_over(),
                error=self._on_failed,
            ),
        )
        self._end_if_over()

    def cancel(self) -> None:
        """Let go of it; what was written stays."""
        self._closed = True
        for job in (self._job, self._merging):
            if job is not None:
                job.cancel()

    def write(self) -> None:
        """Write for some milliseconds, unless a stroke is under way."""
        deadline = time.monotonic() + APPLY_SECONDS
        try:
            while self._writing is not None and not self._stopped:
                self._write_band(self._writing)
                if time.monotonic() >= deadline:
                    return
        except Exception as error:  # noqa: BLE001 - any error is its end, or every
            # tick would raise it again.
            self._on_failed(error)

    @property
    def _stopped(self) -> bool:
        return self._closed or self.wish.image.occupied

    def _write_band(self, writing: Writing) -> None:
        changed = writing.write()
        if not writing.over:
            self._heard.wrote(changed, ())
            return
        self._writing = None
        self._heard.wrote(changed, self._tiles)
        self._merge()
        self._end_if_over()

    def _on_event(self, event: inference.LiveEvent) -> None:
        self._heard.event(event)
        if isinstance(event, inference.PartPredicted) and not self._closed:
            self._part = event
            self._merge()

    def _merge(self) -> None:
        """Merge the newest part, unless another one is being merged or written."""
        part, image = self._part, self.wish.image
        merging = self._merging is not None and self._merging.running
        if part is None or merging or self._writing is not None:
            return
        self._part = None
        image.canvas.flush()
        of = Part(part.core, part.around)
        merge = Merge(image.annotation.merging(part.values, part.box, of))

        def write(edit_of: EditOf) -> None:
            self._tiles = part.tiles
            self._writing = Writing(image, edit_of, part.box)

        self._merging = self._runner.start(
            merge, Handlers(result=write, error=self._on_failed)
        )

    def _on_failed(self, error: Exception) -> None:
        if not self._closed:
            self.cancel()
            self._heard.failed(error)

    def _end_if_over(self) -> None:
        if self.over and not self._closed:
            self._closed = True
            self._heard.over()
