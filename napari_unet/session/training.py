"""Fine-tuning that a person can go on correcting under.

How it flows: training runs in rounds. A round learns from an immutable copy of what is
verified when it begins. When the person has verified more, and the round is some
seconds old, it ends after its next measurement, and the next one begins with the new
corrections and the best model so far. Without new corrections one round lasts to the
end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_unet.core.events import MicroBatch, Notice, Preparing, TrainStep, Validated
from napari_unet.errors import StorageError
from napari_unet.models.record import ModelRecord
from napari_unet.project.project import Project
from napari_unet.session.finetune import (
    Improved,
    RoundEvent,
    TrainingSnapshot,
    TrainRound,
)
from napari_unet.session.models.timeline import Preset
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import Progress, TrainingStatus
from napari_unet.session.words import gain_in_words

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

logger = logging.getLogger(__name__)

ROUND_SECONDS = 30.0
"""A round is at least so old before new corrections begin another one."""

_SECONDS = 60.0


@dataclass(slots=True, eq=False)
class _Run:
    """A training that is going on: its rounds, one after the other.

    Parameters
    ----------
    model, record : Model, ModelRecord
        The best model so far, from which the next round starts.
    started, seconds : float
        When it was started, and how long it may last.
    resume : bool
        Whether the next round goes on with an interrupted one.
    steps, steps_before : int
        Steps through all rounds; those before this round.
    news : bool
        Whether something was verified or corrected since this round began.
    score : str
        The last measurement, in words.
    """

    model: Model
    record: ModelRecord
    preset: Preset
    folder: Path | None
    started: float
    seconds: float
    resume: bool
    round_started: float = 0.0
    job: Running | None = None
    steps: int = 0
    steps_before: int = 0
    news: bool = False
    stopping: bool = False
    measured: bool = False
    score: str = ""
    best: Improved | None = None


class Training:
    """At most one training at a time, and its rounds.

    Parameters
    ----------
    runner : Runner
        Drives the rounds in the background.
    holder : StateHolder
        Where the state is told.
    snapshots : callable
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
        For the curve; steps count through all rounds.
    improved : Signal(Improved)
        There is a better model.
    ended : Signal()
        It is over, however it ended. What was published stays.
    """

    started = Signal()
    measured = Signal(object)
    improved = Signal(Improved)
    ended = Signal()

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        snapshots: Callable[[], Sequence[TrainingSnapshot]],
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._snapshots = snapshots
        self._clock = clock
        self.home: Project | None = None
        self._run: _Run | None = None
        self._rounds = 0

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
        self._holder.clear("finetune")
        self._holder.notice("")
        self._holder.say(
            "Training: getting ready…", "training", training=TrainingStatus(Progress())
        )
        folder = _folder_of(home) if checkpoints else None
        started, seconds = self._clock(), minutes * _SECONDS
        run = _Run(model, record, preset, folder, started, seconds, resume)
        self._run = run
        self.started.emit()
        self._begin_round(run)

    def goes_on_in(self, project: Project) -> bool:
        """Whether a training goes on that was started in a project."""
        return self._run is not None and self.home is project

    def stop(self) -> None:
        """Stop what is going on; the best model stays."""
        if self._run is not None:
            status = replace(self._holder.parts.training, stopping=True)
            self._holder.say("Stopping the training…", "training", training=status)
            self._run.stopping = True
            if self._run.job is not None:
                self._run.job.cancel()

    def note_change(self) -> None:
        """Note that something was verified or corrected."""
        if self._run is not None:
            self._run.news = True

    def _begin_round(self, run: _Run) -> None:
        self._rounds += 1
        run.news = False
        run.steps_before = run.steps
        run.round_started = self._clock()
        left = (run.started + run.seconds - run.round_started) / _SECONDS
        resume, run.resume = run.resume, False
        job = TrainRound(
            self._rounds,
            run.model,
            run.record,
            self._snapshots(),
            left,
            run.preset,
            run.folder,
            resume,
        )
        run.job = self._runner.start(
            job,
            Handlers(
                event=lambda event: self._on_event(run, event),
                result=lambda _: self._on_finished(run),
                error=self._on_failed,
                closed=lambda: self._on_closed(run),
            ),
        )

    def _on_closed(self, run: _Run) -> None:
        if run.stopping:
            self._on_finished(run)
        else:
            self._begin_round(run)

    def _on_event(self, run: _Run, event: RoundEvent) -> None:
        if isinstance(event, Preparing):
            return
        self._tell_time(run)
        if isinstance(event, Notice):
            self._holder.notice(event.message)
        elif isinstance(event, Improved):
            run.model, run.record, run.best = event.model, event.record, event
            self.improved.emit(event)
            self._turn_over(run)
        elif not isinstance(event, MicroBatch):
            self._measure(run, event)

    def _tell_time(self, run: _Run) -> None:
        spent = min(self._clock() - run.started, run.seconds)
        left = max(0, round(run.seconds - spent))
        status = self._holder.parts.training
        progress = Progress(round(spent), run.seconds)
        self._holder.show(training=replace(status, progress=progress))
        if not status.stopping:
            words = f"Training{run.score} · {left // 60}:{left % 60:02d} left"
            self._holder.say(words, "training")

    def _measure(self, run: _Run, event: TrainStep | Validated) -> None:
        run.steps = run.steps_before + event.step
        if isinstance(event, Validated):
            run.measured |= run.steps > 0
            run.score = f" · score {gain_in_words(event.start_score, event.score)}"
        self.measured.emit(replace(event, step=run.steps))
        # The model that belongs to a best measurement is still to come.
        if isinstance(event, Validated) and not event.best:
            self._turn_over(run)

    def _turn_over(self, run: _Run) -> None:
        """End the round when there is something new to learn, and time for it."""
        now = self._clock()
        old_enough = now - run.round_started >= ROUND_SECONDS
        left = run.started + run.seconds - now
        if run.news and old_enough and left > ROUND_SECONDS / 2 and run.job:
            run.job.cancel()

    def _on_finished(self, run: _Run) -> None:
        self._end()
        words = _summary(run.best, run.measured)
        self._holder.say(words, "version")
        self.ended.emit()

    def _on_failed(self, error: Exception) -> None:
        self._end()
        self._holder.report("finetune", error)
        self.ended.emit()

    def _end(self) -> None:
        self._run = None
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
