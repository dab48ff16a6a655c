"""A robot works on a kind of images, and a learner learns meanwhile.

How it flows: the robot opens a view, corrects and accepts it, and goes to the next one;
after two views of an image it takes another image, or it goes where the dock would
send it (`tours`). When enough was corrected since the
last time it presses Fine-tune, and works on: the machine's clock runs beside the
robot's. A better model goes live at once, and what the robot looks at is predicted
anew. A training that is old enough ends when there is as much to learn again, as in the
dock. After every training the learner is judged.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.annotator.curves import Point, Run, judge
from benchmarks.annotator.desk import Desk
from benchmarks.annotator.hand import Hand
from benchmarks.annotator.kinds import Kind
from benchmarks.annotator.learner import (
    SECONDS_A_MEGAPIXEL,
    Learner,
    ModelLearner,
    Passed,
)
from benchmarks.annotator.robot import Robot
from benchmarks.annotator.tours import ChanceTour, TellingTour, Tour, usual_extent
from napari_unet.annotation.edits import Settle
from napari_unet.errors import InputError
from napari_unet.session.training import ROUND_SECONDS
from napari_unet.tasks.sample import Sample


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a robot works, and when it lets the machine learn.

    Parameters
    ----------
    corrections : int
        Objects after which it stops.
    seconds : float
        Of its own clock after which it stops.
    each : int
        Objects that it corrects before it presses Fine-tune again.
    views : int
        Of one image, before it takes another one, where chance decides.
    telling : bool
        Whether it opens the views that the dock would show next, and not any.
    """

    corrections: int = 150
    seconds: float = 600.0
    each: int = 20
    views: int = 2
    telling: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was known when somebody pressed Fine-tune, and what that had cost."""

    seconds: float
    corrected: int
    verified: int
    samples: list[Sample]


@dataclass(slots=True, eq=False)
class Play:
    """One run: the robot's clock, its desk, and the training that goes on."""

    kind: Kind
    learner: ModelLearner
    plan: Plan
    seed: int
    hand: Hand = field(default_factory=Hand)
    lessons: list[Lesson] = field(default_factory=list)
    _clock: float = 0.0
    _corrected: int = 0
    _learned_from: int = 0
    _steps: int = 0
    _wall: float = 0.0
    _training: Generator[Passed] | None = None
    _trained_until: float = 0.0
    _desks: dict[int, Desk] = field(default_factory=dict)
    _points: list[Point] = field(default_factory=list)

    def run(self) -> Run:
        """Work until the plan is fulfilled or everything was seen."""
        rng = np.random.default_rng([self.seed, 2015])
        robot = Robot(rng, self.hand)
        tour = self._tour(rng)
        self._judge()
        while visit := tour.next(self._desks, self.learner.model):
            number, view = visit
            desk = self._open(number)
            for action in robot.work_on(desk, view):
                self._corrected += action.corrected
                if self._pass(action.seconds):
                    self._predict(desk)
                self._maybe_learn()
                if self._over():
                    break
            if self._over():
                break
        self._finish()
        first = self.kind.opened[tour.first].name
        return Run(
            self.kind.name, self.learner.name, self.seed, first, tuple(self._points)
        )

    def _tour(self, rng: np.random.Generator) -> Tour:
        if self.plan.telling:
            return TellingTour(self.kind, usual_extent(self.kind), rng)
        return ChanceTour(self.kind, self.plan.views, rng)

    def _over(self) -> bool:
        plan = self.plan
        return self._corrected >= plan.corrections or self._clock >= plan.seconds

    def _open(self, number: int) -> Desk:
        """Take an image, and wait for its prediction."""
        if number not in self._desks:
            self._desks[number] = Desk.of(self.kind.opened[number])
        desk = self._desks[number]
        self._predict(desk)
        self._clock += SECONDS_A_MEGAPIXEL * desk.image.truth.size / 1e6
        return desk

    def _predict(self, desk: Desk) -> None:
        *sections, _, _ = desk.image.truth.shape
        objects = desk.annotation.pixels.objects
        known = objects.verified_diameter(math.prod(sections))
        desk.refresh(self.learner.predict(desk.image, known))

    def _pass(self, seconds: float) -> bool:
        """Let time pass for both; return whether a better model is live."""
        self._clock += seconds
        return self._train_until(self._clock)

    def _train_until(self, moment: float) -> bool:
        improved, learning = False, self._training is not None
        began = time.monotonic()
        while self._training is not None and self._trained_until < moment:
            passed = self._next_of_training()
            if passed is None:
                self._training = None
                break
            self._trained_until += passed.seconds
            self._steps += passed.steps
            improved |= passed.improved
            if passed.measured and self._turns_over():
                self._stop_training()
        self._wall += time.monotonic() - began
        if self._training is None and learning:
            self._judge()
        return improved

    def _turns_over(self) -> bool:
        """Whether the next training shall begin, with what is new."""
        old = self._trained_until - self.lessons[-1].seconds
        return self._enough_is_new() and old >= ROUND_SECONDS

    def _stop_training(self) -> None:
        if self._training is not None:
            self._training.close()
            self._training = None

    def _next_of_training(self) -> Passed | None:
        """Return what the machine does next; None if there is nothing to learn yet."""
        try:
            return next(self._training, None) if self._training else None
        except InputError:
            return None

    def _maybe_learn(self) -> None:
        """Press Fine-tune, if enough is new and nothing goes on."""
        if self._training is None and self._enough_is_new():
            self._learn()

    def _enough_is_new(self) -> bool:
        return self._corrected - self._learned_from >= self.plan.each

    def _learn(self) -> None:
        samples = self._samples()
        self.lessons.append(
            Lesson(self._clock, self._corrected, self._verified(), samples)
        )
        self._learned_from = self._corrected
        self._trained_until = self._clock
        self._training = self.learner.learn(samples, self.seed)

    def _finish(self) -> None:
        """Let the machine learn for as long as the robot had time."""
        for desk in self._desks.values():
            desk.annotation.do(Settle())
        self._wait(self.plan.seconds)
        before = -1.0
        while before < self._clock < self.plan.seconds and self._corrected:
            before = self._clock
            self._learn()
            self._wait(self.plan.seconds)
        if self._corrected > self._learned_from:
            self._learn()
            self._wait(math.inf)

    def _wait(self, until: float) -> None:
        """Let the training end; or stop it, if time is over before."""
        self._train_until(until)
        if self._training is not None:
            self._stop_training()
            self._judge()
        self._clock = max(self._clock, self._trained_until)

    def _samples(self) -> list[Sample]:
        works = [(d.image, d.annotation) for d in self._desks.values()]
        return [
            image.sample(work.labels.copy(), work.trainable())
            for image, work in works
            if work.counts().verified_pixels
        ]

    def _verified(self) -> int:
        works = [desk.annotation for desk in self._desks.values()]
        return sum(work.counts().verified_objects for work in works)

    def _judge(self) -> None:
        """Score what is live, against what it has learned from and not more."""
        verified = self.lessons[-1].verified if self.lessons else 0
        self._points.append(
            Point(
                round(max(self._clock, self._trained_until), 1),
                self._learned_from,
                verified,
                self._steps,
                round(self._wall, 1),
                judge(self.learner, self.kind.judges),
            )
        )


def replay(kind: Kind, lessons: Sequence[Lesson], learner: Learner, seed: int) -> Run:
    """Let another learner learn from the same corrections, when those were made.

    The robot corrected what another learner had found, so this says how well it learns
    and not how much it helps. A training ends when the next one began.
    """
    points = [Point(0.0, 0, 0, 0, 0.0, judge(learner, kind.judges))]
    ends = [lesson.seconds for lesson in lessons[1:]] + [math.inf]
    steps, wall = 0, 0.0
    for lesson, end in zip(lessons, ends, strict=True):
        began, seconds = time.monotonic(), lesson.seconds
        training = learner.learn(lesson.samples, seed)
        for passed in training:
            seconds += passed.seconds
            steps += passed.steps
            if passed.measured and seconds >= end:
                training.close()
        wall += time.monotonic() - began
        quality = judge(learner, kind.judges)
        cost = (round(seconds, 1), lesson.corrected, lesson.verified, steps)
        points.append(Point(*cost, round(wall, 1), quality))
    return Run(kind.name, learner.name, seed, "", tuple(points))
