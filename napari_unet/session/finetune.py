"""Fine-tuning that a person can go on correcting under.

How it flows: training runs in rounds. A round learns from an immutable copy of what is
verified when it begins. When the person has verified more, and the round is some
seconds old, it ends after its next measurement, and the next one begins with the new
corrections and the best model so far. Without new corrections one round lasts to the
end. Whenever a model is better than its round's start it is published at once, so
stopping at any time loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from psygnal import Signal

from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.core.events import (
    MicroBatch,
    Notice,
    Preparing,
    TrainStep,
    Validated,
)
from napari_unet.core.jobs import Job, told_as
from napari_unet.errors import StorageError
from napari_unet.geometry.maps import Mask
from napari_unet.io.samples import list_samples, load_sample
from napari_unet.models.record import ModelRecord
from napari_unet.session.images.image import OpenImage
from napari_unet.session.interruption import (
    Beginning,
    begin_anew,
    iter_begin_where_it_stood,
    made_by,
)
from napari_unet.session.models.timeline import Preset
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.tasks.sample import Sample

if TYPE_CHECKING:
    from napari_unet.learning.fit_config import FitConfig
    from napari_unet.weights.model import Model

ROUND_SECONDS = 30.0
_SECONDS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """An image and what was known about it at one moment.

    Parameters
    ----------
    image : OpenImage
        Only its pixels are read.
    snapshot : AnnotationSnapshot
        A copy that nobody changes.
    trainable : ndarray of bool
        Verified pixels, without objects that the person is working on.
    """

    image: OpenImage
    snapshot: AnnotationSnapshot
    trainable: Mask

    def as_sample(self) -> Sample:
        """Return what the engine learns from."""
        pixels, axes = self.image.model_input
        return Sample(pixels, self.snapshot.labels, self.trainable, axes)


@dataclass(frozen=True, slots=True, eq=False)
class Improved:
    """A better model of one round.

    Parameters
    ----------
    model : Model
        Immutable.
    record : ModelRecord
        Its run, its start, and how well both agree with held-out pixels.
    round : int
        Counts from 1 through all trainings of a session; for people.
    preset : {"fine-tune", "from-scratch"}
        How it was trained, and is trained on.
    """

    model: Model
    record: ModelRecord
    round: int
    preset: Preset = "fine-tune"

    @property
    def score(self) -> float:
        """Agreement with held-out pixels; 0 where that is no number."""
        return self.record.score or 0.0

    @property
    def start_score(self) -> float:
        """The same of the round's start."""
        return self.record.start_score or 0.0


RoundEvent: TypeAlias = (
    Notice | Preparing | MicroBatch | TrainStep | Validated | Improved
)


@dataclass(frozen=True, slots=True, eq=False)
class Round(Job[RoundEvent, None]):
    """What one round needs to know.

    Parameters
    ----------
    number : int
        Counts from 1 through all trainings.
    model : Model
        Where it starts.
    record : ModelRecord
        What that model is.
    lessons : sequence of Lesson
        What it learns from.
    minutes : float
        How long it may last.
    preset : {"fine-tune", "from-scratch"}
        A name in `napari_unet.learning.fit_config.PRESETS`.
    folder : Path or None
        Where checkpoints are kept.
    resume : bool
        Whether to go on with an interrupted round that learned from the same.
    """

    number: int
    model: Model
    record: ModelRecord
    lessons: Sequence[Lesson]
    minutes: float
    preset: Preset = "fine-tune"
    folder: Path | None = None
    resume: bool = False

    def run(self) -> Generator[RoundEvent, None, None]:
        """Train; see `napari_unet.learning.train.iter_fit`."""
        yield Preparing(0, len(self.lessons))
        # Imported in the background: torch takes seconds.
        from napari_unet.learning.fit_config import PRESETS
        from napari_unet.learning.train import ModelImproved, iter_fit

        samples = [lesson.as_sample() for lesson in self.lessons]
        yield Preparing(0, len(samples))
        config = PRESETS[self.preset].model_copy(update={"minutes": self.minutes})
        replay = []
        if self.model.spec.task == "instances":
            replay = replay_samples(self.record.replay)
            yield Preparing(0, len(samples))
        begun = yield from self._begin(config, samples, replay)
        start_score = 0.0
        for event in iter_fit(
            begun.model,
            samples,
            begun.config,
            replay=replay,
            checkpoint=begun.checkpoint,
        ):
            if isinstance(event, ModelImproved):
                record = made_by(begun.record, event.step, event.score, start_score)
                yield Improved(event.model, record, self.number, self.preset)
                continue
            if isinstance(event, Validated):
                start_score = event.start_score
            yield event

    def _begin(
        self, config: FitConfig, samples: list[Sample], replay: list[Sample]
    ) -> Generator[RoundEvent, None, Beginning]:
        """Go on where an interrupted round stood, or else begin anew."""
        if self.resume and self.folder is not None:
            going_on = iter_begin_where_it_stood(config, self.folder, samples, replay)
            begun = yield from told_as(Preparing(0, len(samples)), going_on)
            if begun is not None:
                return begun
        try:
            return begin_anew(self.model, config, self.folder, self.record)
        except StorageError as error:
            yield Notice(f"A crash would end this training for good. {error}")
            return begin_anew(self.model, config, None, self.record)


def replay_samples(name: str) -> list[Sample]:
    """Return images of the kind that a built-in model knows, so that it forgets less.

    Parameters
    ----------
    name : str
        The built-in model from which a model descends, see `ModelRecord`; or nothing.
        The sample images that bear its name were made for this.
    """
    if name not in {sample.name for sample in list_samples()}:
        return []
    return [
        Sample(each.image, each.labels, axes=each.axes)
        for each in load_sample(name)
        if each.labels is not None
    ]


class FineTuning:
    """A training that is going on; lives on the main thread.

    Parameters
    ----------
    runner : Runner
        Drives the rounds in the background.
    lessons : callable
        Returns copies of everything that is verified.
    clock : callable
        Returns monotonic seconds.
    rounds_before : int
        How many rounds earlier trainings had; rounds are numbered through.
    folder : Path or None
        Where checkpoints are kept.
    resume : bool
        Whether the first round goes on with an interrupted one.

    Attributes
    ----------
    progressed : Signal(float, float)
        Seconds spent, and seconds in all.
    measured : Signal(TrainStep or Validated)
        For the curve; steps count through all rounds.
    noticed : Signal(str)
        Something a person should read.
    improved : Signal(Improved)
        There is a better model.
    finished : Signal()
        Time is up, or it was stopped. What was published stays.
    failed : Signal(Exception)
        It did not work. What was published stays.

    Notes
    -----
    Exactly one of the last two is emitted, as the last thing.
    """

    progressed = Signal(float, float)
    measured = Signal(object)
    noticed = Signal(str)
    improved = Signal(Improved)
    finished = Signal()
    failed = Signal(Exception)

    def __init__(
        self,
        runner: Runner,
        lessons: Callable[[], Sequence[Lesson]],
        clock: Callable[[], float],
        rounds_before: int = 0,
        folder: Path | None = None,
        *,
        resume: bool = False,
    ) -> None:
        self.rounds = rounds_before
        self._folder = folder
        self._resume = resume
        self._runner = runner
        self._lessons = lessons
        self._clock = clock
        self._job: Running | None = None
        self._steps_before = 0
        self._steps = 0
        self._news = False
        self._stopping = False

    def start(
        self,
        model: Model,
        record: ModelRecord,
        minutes: float,
        preset: Preset = "fine-tune",
    ) -> None:
        """Begin to train."""
        self._best, self._record = model, record
        self._preset = preset
        self._started = self._clock()
        self._seconds = minutes * _SECONDS
        self._begin_round()

    def stop(self) -> None:
        """Stop as soon as possible."""
        self._stopping = True
        if self._job is not None:
            self._job.cancel()

    def note_change(self) -> None:
        """Note that something was verified or corrected."""
        self._news = True

    def _begin_round(self) -> None:
        self.rounds += 1
        self._news = False
        self._steps_before = self._steps
        self._round_started = self._clock()
        left = (self._started + self._seconds - self._round_started) / _SECONDS
        resume, self._resume = self._resume, False
        this = Round(
            self.rounds,
            self._best,
            self._record,
            self._lessons(),
            left,
            self._preset,
            self._folder,
            resume,
        )
        self._job = self._runner.start(
            this,
            Handlers(
                event=self._on_event,
                result=lambda _: self.finished.emit(),
                error=self.failed.emit,
                closed=self._on_closed,
            ),
        )

    def _on_closed(self) -> None:
        if self._stopping:
            self.finished.emit()
        else:
            self._begin_round()

    def _on_event(self, event: RoundEvent) -> None:
        if isinstance(event, Preparing):
            return
        spent = min(self._clock() - self._started, self._seconds)
        self.progressed.emit(spent, self._seconds)
        if isinstance(event, Notice):
            self.noticed.emit(event.message)
        elif isinstance(event, Improved):
            self._best, self._record = event.model, event.record
            self.improved.emit(event)
            self._turn_over()
        elif not isinstance(event, MicroBatch):
            self._measure(event)

    def _measure(self, event: TrainStep | Validated) -> None:
        self._steps = self._steps_before + event.step
        self.measured.emit(replace(event, step=self._steps))
        # The model that belongs to a best measurement is still to come.
        if isinstance(event, Validated) and not event.best:
            self._turn_over()

    def _turn_over(self) -> None:
        """End the round when there is something new to learn, and time for it."""
        now = self._clock()
        old_enough = now - self._round_started >= ROUND_SECONDS
        left = self._started + self._seconds - now
        if self._news and old_enough and left > ROUND_SECONDS / 2 and self._job:
            self._job.cancel()
