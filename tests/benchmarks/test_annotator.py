"""What is learned from a robot's corrections, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from benchmarks import one_image
from benchmarks.annotator import __main__ as command
from benchmarks.annotator import everything
from benchmarks.annotator.ablations import ABLATIONS, TaughtTraining
from benchmarks.annotator.curves import Point, Quality, Run, judge, read_runs
from benchmarks.annotator.everything import EVERYTHING
from benchmarks.annotator.kinds import Image, Kind, judges_of
from benchmarks.annotator.learner import Passed, UNetLearner, variant
from benchmarks.annotator.play import Plan, Play, replay
from benchmarks.annotator.rivals import (
    DenseLearner,
    ForestLearner,
    RootPainterLearner,
)
from benchmarks.annotator.summary import draw, interval, mean_drop, table
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.learning.config import FitConfig
from napari_unet.learning.data import iter_prepare
from napari_unet.learning.events import ModelImproved
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model
from training.recipe import Recipe
from training.splits import Split


@dataclass
class Oracle:
    """It knows the truth as soon as it was taught: six seconds after that."""

    name: str = "oracle"
    taught: bool = False
    asked: int = 0
    model: Model | None = None

    def predict(self, image: Image, diameter: float | None = None):  # noqa: ARG002
        return image.truth if self.taught else np.zeros_like(image.truth)

    def learn(self, samples, seed):  # noqa: ARG002
        self.asked += 1
        for _ in range(3):
            yield Passed(2.0, steps=1)
        self.taught = True
        yield Passed(0.0, improved=True)


def test_the_robot_goes_on_while_the_machine_learns(disks):
    kind = Kind("disks", (disks, disks), (disks,))
    oracle = Oracle()
    play = Play(kind, oracle, Plan(corrections=60, each=5), seed=1)
    run = play.run()
    first, second, *_ = run.points
    assert first.quality.ap50 == 0
    assert second.quality.ap50 == 1
    # It learned from five, and meanwhile the robot corrected others.
    assert second.corrected == play.lessons[0].corrected == 5
    assert play.lessons[-1].corrected > 5
    assert second.steps == 3
    assert run.worst_drop == 0
    # What it was shown afterwards was right, so it stopped to correct.
    assert run.points[-1].corrected < 25


def test_a_training_ends_when_there_is_more_to_learn(disks):
    class Slow(Oracle):
        ended: int = 0

        def learn(self, samples, seed):  # noqa: ARG002
            self.asked += 1
            try:
                for _ in range(50):
                    yield Passed(8.0, steps=1)
                    yield Passed(2.0, measured=True)
            except GeneratorExit:
                self.ended += 1
                raise

    slow = Slow()
    plan = Plan(corrections=60, each=5, seconds=400)
    play = Play(Kind("disks", (disks, disks), (disks,)), slow, plan, seed=1)
    run = play.run()
    # The last one ends with the robot's time.
    assert slow.ended == slow.asked >= 2
    assert len(run.points) == slow.asked + 1
    ages = [
        p.seconds - lesson.seconds
        for p, lesson in zip(run.points[1:], play.lessons, strict=True)
    ]
    assert min(ages) > 29.9  # points are rounded
    assert run.points[-1].seconds <= plan.seconds + 10
    again = replay(play.kind, play.lessons, Slow(), seed=1)
    assert [p.seconds for p in again.points[:-1]] == [
        p.seconds for p in run.points[:-1]
    ]


def test_who_can_learn_nothing_yet_is_asked_again(disks):
    class Refusing(Oracle):
        def learn(self, samples, seed):
            if self.asked < 2:
                self.asked += 1
                raise InputError("Only objects are verified.")
            yield from super().learn(samples, seed)

    kind, learner = Kind("disks", (disks,), (disks,)), Refusing()
    run = Play(kind, learner, Plan(corrections=30, each=5), seed=1).run()
    assert learner.asked > 2
    assert run.points[-1].quality.ap50 == 1


def test_it_goes_where_the_dock_would_send_it(disks, tiny):
    kind = Kind("disks", (disks, disks), (disks,))
    oracle = Oracle(model=tiny)
    play = Play(kind, oracle, Plan(corrections=30, each=10, telling=True), seed=1)
    run = play.run()
    assert run.points[-1].corrected >= 10
    again = Play(kind, Oracle(model=tiny), play.plan, seed=1).run()
    assert [p.corrected for p in again.points] == [p.corrected for p in run.points]


def test_others_learn_from_the_same_corrections(disks):
    kind = Kind("disks", (disks,), (disks,))
    play = Play(kind, Oracle(), Plan(corrections=60, each=5), seed=1)
    run, other = play.run(), Oracle("other")
    again = replay(kind, play.lessons, other, seed=1)
    assert other.asked == len(play.lessons)
    assert [p.corrected for p in again.points[1:]] == [
        lesson.corrected for lesson in play.lessons
    ]
    assert run.points[0].quality == again.points[0].quality


@pytest.fixture
def tiny():
    # From some random weights a few steps find nothing better.
    torch.manual_seed(0)
    small = Recipe(architecture=UNetConfig(depth=2, base_channels=4))
    return new_model(small.spec())


def test_every_learner_learns(disks, tiny):
    config = FitConfig(steps=2, crop=64, validate_every=1)
    learners = [
        UNetLearner("ours", tiny, config),
        UNetLearner("anew", tiny, config, anew=True),
        DenseLearner("dense", tiny, config),
        RootPainterLearner("rootpainter", tiny, steps=2, every=1),
        *(make(tiny, config) for make in ABLATIONS.values()),
        ForestLearner(),
    ]
    kind = Kind("disks", (disks,), (disks,))
    play = Play(kind, Oracle(), Plan(corrections=12, each=6), seed=0)
    play.run()
    for learner in learners:
        run = replay(kind, play.lessons[:1], learner, 0)
        assert len(run.points) == 2
        assert learner.predict(disks).shape == disks.truth.shape
    forest = judge(learners[-1], (disks,))
    assert forest.ap50 > 0.9  # bright disks on dark ground


def test_a_share_of_the_weights_moves(disks, tiny):
    before = {n: p.detach() for n, p in tiny.net.named_parameters()}
    config = FitConfig(steps=3, crop=64, validate_every=3, blend=1.0)
    whole = Sample(disks.pixels, disks.truth, axes="YX")
    moved = {}
    for name, make in {**ABLATIONS, "ours": UNetLearner}.items():
        learner = make(tiny, config) if name != "ours" else make("a", tiny, config)
        ends = list(learner._fit(tiny, [whole], config))
        improved = [e.model for e in ends if isinstance(e, ModelImproved)]
        assert improved, name
        now = {n: p.detach() for n, p in improved[-1].net.named_parameters()}
        moved[name] = {n: float((now[n] - v).abs().max()) for n, v in before.items()}
    assert all(moved["ours"].values())
    assert all(moved["teacher"].values())
    deep = [n for n in before if n.startswith("down") and before[n].ndim == 4]
    assert not any(moved[name][n] for name in ("head", "stem") for n in deep)
    assert all(0 < moved["slow-path"][n] < moved["ours"][n] / 2 for n in deep)
    assert moved["head"]["head.weight"] > 0


def test_the_average_teaches_where_nobody_verified(disks, tiny):
    """Beyond what is verified the loss tells something, once the average is settled."""
    objective = objective_of(tiny.spec, FitConfig().loss)
    half = np.zeros(disks.truth.shape, bool)
    half[:, :64] = True
    samples = [Sample(disks.pixels, disks.truth, half, "YX")]
    config = FitConfig(steps=1, crop=64, batch_size=1)
    data, _ = drain(iter_prepare(tiny, objective, samples, config, ()))
    training = TaughtTraining(tiny, objective, data, config)
    batch = training._draw_batch()
    nothing = replace(batch, weight=torch.zeros_like(batch.weight))
    bias = training._state.ema.head.bias
    assert training._backward(nothing, slice(0, 1), 1) == 0
    training._steps = 30
    with torch.no_grad():
        bias[0] = 20.0  # sure that all is foreground
    assert training._backward(nothing, slice(0, 1), 1) > 0
    with torch.no_grad():
        bias[0] = 0.0  # sure of nothing
    assert training._backward(nothing, slice(0, 1), 1) == 0


def points(*ap50: float) -> tuple[Point, ...]:
    qualities = [Quality(each, each / 2, each / 2, each) for each in ap50]
    return tuple(
        Point(60.0 * n, 20 * n, 30 * n, 100 * n, 50.0 * n, quality)
        for n, quality in enumerate(qualities)
    )


def test_a_table_and_a_plot(tmp_path):
    runs = [
        Run("disks", "ours", 0, "a", points(0.2, 0.6, 0.5, 0.8)),
        Run("disks", "ours", 1, "b", points(0.2, 0.5, 0.7, 0.9)),
    ]
    assert runs[0].worst_drop == pytest.approx(0.1)
    assert mean_drop(runs) == 0
    full = Run("disks", EVERYTHING, 0, "", points(0.2, 1.0))
    (_, row) = table([*runs, full]).rows
    assert row["of full"] == "85%"
    row = table(runs).rows[0]
    assert row["of full"] == ""
    assert row["50"] == pytest.approx(0.6)
    assert row["150"] == pytest.approx(0.85)
    assert row["drop"] == pytest.approx(0.1)
    low, high = interval(np.array([0.8, 0.9]))
    assert low == pytest.approx(0.8)
    assert high == pytest.approx(0.9)
    for run in runs:
        run.save(tmp_path)
    assert read_runs(tmp_path) == runs
    draw(runs, tmp_path / "disks.png")
    assert (tmp_path / "disks.png").stat().st_size > 1000


def test_everything_is_learned_and_judged_on_the_way(disks, tiny, monkeypatch):
    monkeypatch.setattr(
        everything.FitConfig, "from_scratch", lambda: FitConfig(crop=64, batch_size=1)
    )
    kind = Kind("disks", (disks,), (disks,))
    run = everything.supervise(kind, tiny, steps=24)
    assert run.learner == EVERYTHING
    assert len(run.points) > 1
    assert run.points[-1].steps <= 24
    assert run.points[-1].verified == 16


def test_one_image_is_drawn_of_those_that_hold_as_many(disks, tiny):
    empty = replace(disks, name="empty", truth=np.zeros_like(disks.truth))
    kind = Kind("disks", (disks, empty), (disks,))
    assert one_image.candidates(kind, 12) == [disks]
    assert one_image.candidates(kind, 40) == []
    learner = UNetLearner("ours", tiny, FitConfig(steps=1, crop=64, batch_size=1))
    line = one_image.draw_once(kind, disks, 0, learner)
    assert line["objects"] == 16
    assert "1 draws" in one_image.summary([line])


def test_films_are_not_parted():
    films = (("a1", "a2"), ("b1", "b2"))
    split = Split(
        test=("a1",), groups=(("a1", "a2", "b1", "b2", "c", "d"),), films=films
    )
    assert {"a1", "a2"} <= judges_of(split)
    assert len(judges_of(split)) <= 2


def test_variants_differ_in_what_is_said(tiny):
    words = "a:learning_rate=0.5,augmentation.zoom=0.3,anew"
    learner = variant(words, tiny, FitConfig(steps=7))
    assert learner.name == "a"
    assert learner.anew
    assert learner.config.steps == 7
    assert learner.config.learning_rate == 0.5
    assert learner.config.augmentation.zoom == 0.3
    assert learner.config.augmentation.blur == FitConfig().augmentation.blur


def test_the_command_plays_and_reports(tmp_path, monkeypatch, disks, tiny, capsys):
    kind = Kind("disks", (disks, replace(disks, name="other")), (disks,))
    monkeypatch.setattr(command, "read_kind", lambda *_, **__: kind)
    monkeypatch.setattr(command, "start_of", lambda _: tiny)
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    options += ["--starts", "tiny", "--kinds", "disks", "--seeds", "3"]
    options += ["--steps", "2", "--corrections", "8", "--each", "4"]
    options += ["--rivals", "forest", "--minutes", "0.4", "--everything", "1"]
    command.main(options)
    assert len(read_runs(tmp_path / "out")) == 3
    assert (tmp_path / "out" / "disks.png").exists()
    assert "ours" in capsys.readouterr().out
    monkeypatch.setattr(command, "start_of", None)  # nothing is played again
    command.main(options)
