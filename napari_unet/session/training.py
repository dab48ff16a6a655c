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

from napari_unet.core.events import (
    MicroBatch,
    Notice,
    Preparing,
    StepSkipped,
    TrainStep,
    Validated,
)
from napari_unet.errors import StorageError
from napari_unet.models.record import ModelRecord
from napari_unet.project.project import Project
from napari_unet.session.finetune import (
    Improved,
    RoundEvent,
    TrainRound,
    snapshots_of,
    teaching,
)
from napari_unet.session.hub import Hub
from napari_unet.session.images.images import Images
from napari_unet.session.models.timeline import Preset
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import Progress
from napari_unet.session.words import gain_in_words
from napari_unet.session.worklist.reading import Unread

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

logger = logging.getLogger(__name__)

ROUND_SECONDS = 30.0
"""A round is at least so old before new corrections begin another one."""

_SECONDS = 60.0


@dataclass(slots=True, eq=False)
class _Run:
    """A training that is going on: its rounds, one after the other.

    The next round starts from the best model so far, and goes on with an interrupted
    one if it is to `resume`. `steps` count through all rounds, `steps_before` those
    before this round, `skipped` those that changed nothing; `news` is whether something
    was verified or corrected since it began, and `score` is the last measurement, in
    words.
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
    skipped: int = 0
    news: bool = False
    stopping: bool = False
    measured: bool = False
    score: str = ""
    best: Improved | None = None


class Training:
    """At most one training at a time, and its rounds.

    Attributes
    ----------
    home : Project or None
        Where the last one was started.
    elsewhere : callable
        Returns which images that are not open teach, too.
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

    def __init__(self, hub: Hub, images: Images) -> None:
        self._hub = hub
        self._images = images
        self.home: Project | None = None
        self.elsewhere: Callable[[], Sequence[Unread]] = tuple
        self._run: _Run | None = None
        self._rounds = 0

    def start(
        self,
        model: Model,
        record: ModelRecord,
        preset: Preset,
        minutes: float,
        home: Project | None,
        *,
        checkpoints: bool,
        resume: bool,
    ) -> None:
        """Start to learn from everything that is verified.

        Checkpoints, and what is made, are kept at `home`; there may be no checkpoints
        over what could not be read. With `resume`, a training that was interrupted goes
        on, if that fits.
        """
        self.home = home
        self._hub.clear("finetune")
        self._hub.notice("")
        self._hub.say("Training: getting ready…", "training", training=Progress())
        folder = _folder_of(home) if checkpoints else None
        started, seconds = self._hub.clock(), minutes * _SECONDS
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
            self._hub.say("Stopping the training…", "training", stopping=True)
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
        run.round_started = self._hub.clock()
        left = (run.started + run.seconds - run.round_started) / _SECONDS
        resume, run.resume = run.resume, False
        job = TrainRound(
            self._rounds,
            run.model,
            run.record,
            snapshots_of(self._images.all),
            left,
            run.preset,
            run.folder,
            resume,
            self.elsewhere(),
        )
        run.job = self._hub.runner.start(
            job,
            Handlers(
                event=lambda event: self._on_event(run, event),
                result=lambda _: self._on_finished(run),
                error=self._on_failed,
                closed=lambda: self._on_closed(run),
            ),
        )

    @property
    def _can_teach(self) -> bool:
        return bool(teaching(self._images) or self._hub.state.worklist.taught)

    def _on_closed(self, run: _Run) -> None:
        if run.stopping or not self._can_teach:
            self._on_finished(run)
        else:
            self._begin_round(run)

    def _on_event(self, run: _Run, event: RoundEvent) -> None:
        if isinstance(event, Preparing):
            return
        self._tell_time(run)
        if isinstance(event, Notice):
            self._hub.notice(event.message)
        elif isinstance(event, StepSkipped):
            run.skipped += 1
        elif isinstance(event, Improved):
            if not event.record.worse:  # or the next round would start from it
                run.model, run.record, run.best = event.model, event.record, event
            self.improved.emit(event)
            self._turn_over(run)
        elif not isinstance(event, MicroBatch):
            self._measure(run, event)

    def _tell_time(self, run: _Run) -> None:
        spent = min(self._hub.clock() - run.started, run.seconds)
        left = max(0, round(run.seconds - spent))
        self._hub.show(training=Progress(round(spent), run.seconds))
        if not self._hub.state.stopping:
            words = f"Training{run.score} · {left // 60}:{left % 60:02d} left"
            self._hub.say(words, "training")

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
        """End the round when there is something new to learn, and time for it.

        Images that were closed meanwhile teach no more; where they were all, the round
        goes on with its copies.
        """
        if not (run.news and self._can_teach):
            return
        now = self._hub.clock()
        old_enough = now - run.round_started >= ROUND_SECONDS
        left = run.started + run.seconds - now
        if old_enough and left > ROUND_SECONDS / 2 and run.job:
            run.job.cancel()

    def _on_finished(self, run: _Run) -> None:
        self._end()
        self._hub.say(_summary(run), "version")
        self.ended.emit()

    def _on_failed(self, error: Exception) -> None:
        self._end()
        self._hub.report("finetune", error)
        self.ended.emit()

    def _end(self) -> None:
        self._run = None
        self._hub.show(training=None, stopping=False)


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


def _summary(run: _Run) -> str:
    skipped = ""
    if run.skipped > 1:
        skipped = f" {run.skipped} steps were skipped: their loss was no number."
    if run.best is not None:
        gain = gain_in_words(run.best.start_score, run.best.score)
        return f"A better model: score {gain}.{skipped}"
    if run.measured:
        return f"No better model; the old one stays.{skipped}"
    return f"Training ended before a first result; give it more time.{skipped}"
