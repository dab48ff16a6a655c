"""The model that predicts as a file for other programs, written in the background."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from napari_unet import exchange
from napari_unet.core.events import Notice
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.session.hub import Hub
from napari_unet.session.models.timeline import Timeline
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import Progress

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class ExportModel(Job[Progress, tuple[str, ...]]):
    """Write a model for other programs; see `napari_unet.exchange.export_model`."""

    apart: ClassVar[bool] = True

    model: Model
    path: Path
    format: str

    def run(self) -> Generator[Progress, None, tuple[str, ...]]:
        """Write it, and return what a person should know of it."""
        yield Progress(0, 1)
        format_ = exchange.find_model_format(self.format)
        steps = exchange.iter_export_model(
            self.model, self.path, format_, exchange.Credits(), overwrite=True
        )
        notes = []
        for event in steps:
            if isinstance(event, Notice):
                notes.append(event.message)
            else:
                yield Progress(event, 1)
        return tuple(notes)


class ModelExporting:
    """Exports the model that predicts, one export at a time."""

    def __init__(self, hub: Hub, timeline: Timeline) -> None:
        self._hub = hub
        self._timeline = timeline
        self._job: Running | None = None

    def start(self, path: Path, format_: str) -> None:
        """Write it to a path, also in the place of a file: a person chose it."""
        active = self._timeline.active
        reason = self._hub.state.why_not_export_model
        if reason or active is None or active.model is None:
            self._hub.report("model", InputError(reason or "Choose a model first."))
            return
        self._hub.clear("model")
        self._tell(Progress(0, 1))
        handlers: Handlers[Progress, tuple[str, ...]] = Handlers(
            event=self._tell,
            result=lambda notes: self._on_written(path, notes),
            error=self._on_failed,
            closed=self._on_closed,
        )
        job = ExportModel(active.model, path, format_)
        self._job = self._hub.runner.start(job, handlers)

    def cancel(self) -> None:
        """Stop it; nothing is left of a file that was not complete."""
        if self._job is not None:
            self._job.cancel()

    def _tell(self, progress: Progress) -> None:
        words = f"Exporting the model… {100 * (progress.share or 0):.0f} %"
        self._hub.say(words, "model_export", model_export=progress)

    def _on_written(self, path: Path, notes: tuple[str, ...]) -> None:
        self._on_closed()
        self._hub.say(" ".join((f"The model is exported to {path}.", *notes)), "model")

    def _on_failed(self, error: Exception) -> None:
        self._on_closed()
        self._hub.report("model", error)

    def _on_closed(self) -> None:
        self._job = None
        self._hub.show(model_export=None)
