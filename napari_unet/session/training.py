"""Which training is going on, and what it made."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_unet.core.events import TrainStep, Validated
from napari_unet.errors import StorageError
from napari_unet.models.record import ModelRecord
from napari_unet.project.project import Project
from napari_unet.session.finetune import FineTuning, Improved, Lesson
from napari_unet.session.models.timeline import Preset
from napari_unet.session.runner import Runner
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import Progress, TrainingStatus
from napari_unet.session.words import gain_in_words

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

logger = logging.getLogger(__name__)


class Training:
    """At most one training at a time.

    Parameters
    ----------
    runner : Runner
        Drives it in the background.
    holder : StateHolder
        Where the state is told.
    lessons : callable
        Returns copies of everything that is verified.
    clock : callable
        Returns monotonic seconds.

    Attributes
    ----------
    home : Project or None
        Where the last one was started.
    started : Signal()
        The curve begins anew.
    measured : Signal(TrainStep or Validated)
        For the curve.
    improved : Signal(Improved)
        There is a better model.
    ended : Signal()
        It is over, however it ended.
    """

    started = Signal()
    measured = Signal(object)
    improved = Signal(Improved)
    ended = Signal()

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        lessons: Callable[[], Sequence[Lesson]],
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._lessons = lessons
        self._clock = clock
        self.home: Project | None = None
        self._now: FineTuning | None = None
        self._rounds = 0
        self._measured = False
        self._score = ""
        self._best: Improved | None = None

    def start(
        self,
        model: Model,
        record: ModelRecord,
        minutes: float,
        preset: Preset = "fine-tune",
        home: Project | None = None,
        *,
        checkpoints: bool = True,
        resume: bool = False,
    ) -> None:
        """Start to learn from everything that is verified.

        Parameters
        ----------
        record : ModelRecord
            What the model is.
        home : Project or None
            Where checkpoints are kept, and what is made.
        checkpoints : bool
            Whether there may be some: not over what could not be read.
        resume : bool
            Whether to go on with a training that was interrupted, if that fits.
        """
        self.home = home
        self._measured = False
        self._score = ""
        self._best = None
        self._holder.clear("finetune")
        self._holder.notice("")
        self._holder.say(
            "Training: getting ready…", "training", training=TrainingStatus(Progress())
        )
        self._now = training = FineTuning(
            self._runner,
            self._lessons,
            self._clock,
            self._rounds,
            _folder_of(home) if checkpoints else None,
            resume=resume,
        )
        training.progressed.connect(self._on_progress)
        training.measured.connect(self._on_measured)
        training.noticed.connect(self._on_notice)
        training.improved.connect(self._on_improved)
        training.finished.connect(self._on_finished)
        training.failed.connect(self._on_failed)
        self.started.emit()
        training.start(model, record, minutes, preset)

    def goes_on_in(self, project: Project) -> bool:
        """Whether a training goes on that was started in a project."""
        return self._now is not None and self.home is project

    def stop(self) -> None:
        """Stop what is going on; the best model stays."""
        if self._now is not None:
            status = replace(self._holder.parts.training, stopping=True)
            self._holder.say("Stopping the training…", "training", training=status)
            self._now.stop()

    def note_change(self) -> None:
        """Note that something was verified or corrected."""
        if self._now is not None:
            self._now.note_change()

    def _on_progress(self, seconds: float, total: float) -> None:
        left = max(0, round(total - seconds))
        words = f"Training{self._score} · {left // 60}:{left % 60:02d} left"
        status = self._holder.parts.training
        progress = Progress(round(seconds), total)
        self._holder.show(training=replace(status, progress=progress))
        if not status.stopping:
            self._holder.say(words, "training")

    def _on_measured(self, event: TrainStep | Validated) -> None:
        if isinstance(event, Validated):
            self._measured |= event.step > 0
            self._score = f" · score {gain_in_words(event.start_score, event.score)}"
        self.measured.emit(event)

    def _on_notice(self, message: str) -> None:
        self._holder.notice(message)

    def _on_improved(self, improved: Improved) -> None:
        self._best = improved
        self.improved.emit(improved)

    def _on_finished(self) -> None:
        self._end()
        words = _summary(self._best, self._measured)
        self._holder.say(words, "version")
        self.ended.emit()

    def _on_failed(self, error: Exception) -> None:
        self._end()
        self._holder.report("finetune", error)
        self.ended.emit()

    def _end(self) -> None:
        if self._now is not None:
            self._rounds = self._now.rounds
        self._now = None
        self._holder.show(training=TrainingStatus())


def _folder_of(home: Project | None) -> Path | None:
    """Return where a training keeps what it needs to go on after a crash."""
    try:
        if home is not None:
            home.claim()
            return home.store.files.training
    except StorageError as error:
        # The training is worth as much without; that nothing is saved is told.
        logger.warning("No checkpoints: %s", error)
    return None


def _summary(best: Improved | None, measured: bool) -> str:
    if best is not None:
        gain = gain_in_words(best.start_score, best.score)
        return f"A better model: score {gain}."
    if measured:
        return "No better model; the old one stays."
    return "Training ended before a first result; give it more time."
