"""The table of objects of the current image, while somebody looks at it.

How it flows: a front end says that the table is in sight. As long as it is, every tick
looks whether labels, or what is known of them, are others than those in the table; if
so, they are copied, some milliseconds a tick, and measured in the background. What
comes in meanwhile is measured afterwards, and never more often than the eye needs.
Without anybody who looks nothing is done, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_unet import measurements
from napari_unet.annotation.provenance import ProvenanceMap, is_verified
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.channels import channel_count, channel_titles
from napari_unet.inference.events import Redecodable
from napari_unet.measurements.table import Column, Measurements
from napari_unet.session.copying import LabelsCopy
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import NOT_MEASURED, MeasuredState

INTERVAL = 1.0
"""The least seconds between the ends of two measurements."""

_PAUSE = 2.0
"""What takes long is followed by a pause that is so many times as long."""


@dataclass(frozen=True, slots=True, eq=False)
class Watcher:
    """Somebody who may look at the table; no two are the same."""


class Measuring:
    """Keeps the table of objects up to date while it is in sight.

    `maps` returns what a network said of an image last, if that is at hand.

    Attributes
    ----------
    table : Measurements or None
        That of the current image; None while there is none.
    changed : Signal()
        There is another table, or none any more.
    """

    changed = Signal()

    def __init__(
        self,
        hub: Hub,
        images: Images,
        maps: Callable[[OpenImage], Redecodable | None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._maps = maps
        self.table: Measurements | None = None
        self._watchers: set[Watcher] = set()
        # Of what the table is; an image is the first part of it.
        self._measured: tuple[object, ...] = ()
        self._copy: _Copy | None = None
        self._job: Running | None = None
        self._not_before = 0.0

    def watch(self, watcher: Watcher, looks: bool) -> None:
        """Note that somebody looks at the table, or does not any more."""
        change = self._watchers.add if looks else self._watchers.discard
        change(watcher)
        if not self._watchers:
            self._drop()

    def tick(self) -> None:
        """Measure anew if it is time; call it often."""
        image = self._images.current
        if not self._watchers:
            return
        if image is None or self._hub.state.why_not_measure:
            self._drop()
            return
        if self._measured[:1] not in ((), (image,)):
            self._drop()
        if self._copy is not None:
            self._go_on(self._copy)
        elif self._job is None and self._hub.clock() >= self._not_before:
            self._look(image)

    def export(self, path: Path, rows: npt.NDArray[np.intp] | None = None) -> None:
        """Save the table, its rows in this order, and say what came of it."""
        self._hub.clear("objects")
        if (table := self.table) is None:
            why_not = self._hub.state.why_not_measure
            why_not = why_not or "The objects are still being measured."
            self._hub.report("objects", InputError(why_not))
            return
        order = np.arange(len(table)) if rows is None else rows
        summary = self._hub.state.measured.summary
        self._hub.show(measured=MeasuredState(summary))

        def tell(_: object) -> None:
            saved = f"Saved {len(order):,} rows in {path.name}."
            # Of another table by now, there is nothing to be said.
            if self._hub.state.measured.summary == summary:
                self._hub.show(measured=MeasuredState(summary, saved))

        self._hub.start(WriteTable(path, table.columns, order), tell, "objects")

    def _look(self, image: OpenImage) -> None:
        """Measure an image, if anything in its table is not true any more."""
        if image.occupied:
            return  # a stroke is under way
        image.canvas.flush()
        maps = self._maps(image)
        names = image.reading.names_of(image.identity.shape, image.axes)
        known = (image, image.annotation.revision, maps, image.pixel_size, names)
        if known == self._measured:
            return
        self._measured = known
        self._copy = _Copy(image, maps)
        self._go_on(self._copy)

    def _go_on(self, copy: _Copy) -> None:
        """Copy some more, and begin to measure when all is copied."""
        if not copy.is_done():
            return
        self._copy, known = None, self._measured
        began = self._hub.clock()

        def end(table: Measurements | None, error: Exception | None = None) -> None:
            if self._measured is not known:
                return  # nobody wants it any more
            self._job, now = None, self._hub.clock()
            self._not_before = now + max(INTERVAL, _PAUSE * (now - began))
            if error is not None:
                self._hub.report("objects", error)
            else:
                self._show(table)

        job = self._hub.runner.start(
            copy.job(),
            Handlers(result=end, error=lambda error: end(None, error)),
        )
        self._job = job if job.running else None

    def _show(self, table: Measurements | None) -> None:
        self.table = table
        told = MeasuredState(table.summary()) if table is not None else NOT_MEASURED
        self._hub.show(measured=told)
        self.changed.emit()

    def _drop(self) -> None:
        """Forget the table, and what was asked for."""
        if self._job is not None:
            self._job.cancel()
        self._job = self._copy = None
        self._measured, self._not_before = (), 0.0
        if self.table is not None:
            self._show(None)


class _Copy(LabelsCopy):
    """A copy of an image's annotation, and what is measured with it.

    What changes meanwhile is measured once more, so it need not be exact.
    """

    def __init__(self, image: OpenImage, maps: Redecodable | None) -> None:
        super().__init__(image.annotation)
        self._image = image
        self._maps = maps

    def job(self) -> MeasureObjects:
        """Return what measures the copy."""
        image = self._image
        axes, shape = image.axes, image.identity.shape
        names = image.reading.names_of(shape, axes)
        return MeasureObjects(
            self.labels,
            self.provenance,
            image.pixels,
            axes,
            channel_titles(channel_count(shape, axes), names),
            image.pixel_size,
            self._maps,
        )


@dataclass(frozen=True, slots=True, eq=False)
class MeasureObjects(Job[None, Measurements]):
    """Measure the objects of an image; see `napari_unet.measurements.measure`."""

    labels: LabelMap
    provenance: ProvenanceMap
    pixels: npt.NDArray[Any]
    axes: str
    channels: tuple[str, ...]
    pixel_size: float | None
    maps: Redecodable | None

    def run(self) -> Generator[None, None, Measurements]:
        """Measure."""
        # What is known is the width of a pixel, not how far sections are apart.
        size = self.pixel_size
        return measurements.iter_measure_objects(
            self.labels,
            self.axes,
            image=self.pixels,
            verified=is_verified(self.provenance),
            channels=self.channels,
            spacing={"Y": size, "X": size} if size else {},
            foreground=self.maps.foreground if self.maps is not None else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class WriteTable(Job[None, None]):
    """Save a table; see `napari_unet.measurements.csv_file`."""

    path: Path
    columns: tuple[Column, ...]
    rows: npt.NDArray[np.intp]

    def run(self) -> Generator[None, None, None]:
        """Write it."""
        yield
        measurements.write_csv(self.path, self.columns, self.rows)
