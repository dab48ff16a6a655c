"""Rounds of training, with an engine that does what the test says."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.core.events import (
    MicroBatch,
    Notice,
    StepSkipped,
    TrainStep,
    Validated,
)
from napari_unet.geometry.box import Box
from napari_unet.io.samples import replay_samples
from napari_unet.learning.events import ModelImproved
from napari_unet.session.refreshing import REFRESH_SECONDS
from napari_unet.session.training import ROUND_SECONDS
from tests.runners import ManualRunner
from tests.session.brightness import brightness_model, disks
from tests.session.conftest import Stage


class Engine:
    """Stands in for `iter_fit`: plays a script, one act a round."""

    def __init__(self, *acts):
        self.acts = list(acts)
        self.rounds = []
        self.checkpoints = []
        self.closed = 0

    def __call__(self, model, samples, config, *, replay, checkpoint):
        self.rounds.append((model, samples, config, replay))
        self.checkpoints.append(checkpoint)
        return self._play(self.acts.pop(0))

    def _play(self, act):
        try:
            for event in act:
                if isinstance(event, Exception):
                    raise event
                yield event
        except GeneratorExit:
            self.closed += 1
            raise


def steps(*scores, start=0.5):
    """Yield steps, a measurement after each, and a model for every new record."""
    best = start
    yield Validated(0, start, start, best=True)
    for number, score in enumerate(scores, 1):
        yield MicroBatch(number, 1, 1)
        yield TrainStep(number, 1.0 - score, 0.1 * number)
        yield Validated(number, score, start, best=score > best)
        if score > best:
            best = score
            yield ModelImproved(brightness_model(0.25), number, score)


@pytest.fixture
def manual(bright, image):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    return stage


# Steps of a round before the engine is asked.
GETTING_READY = 3


def play(stage, monkeypatch, *acts):
    engine = Engine(*acts)
    monkeypatch.setattr("napari_unet.learning.iter_fit", engine)
    return engine


def test_a_better_model_is_published_and_predicts(manual, monkeypatch):
    play(manual, monkeypatch, steps(0.6, 0.55, 0.7))
    measured = []
    manual.session.training.measured.connect(measured.append)
    manual.session.finetune(2)
    manual.clock.now += REFRESH_SECONDS
    manual.run()
    assert [v.text for v in manual.state.versions] == [
        "bright",
        "round 1: 0.50 → 0.70",
    ]
    assert manual.state.version == manual.state.versions[-1].number
    assert "0.50 → 0.70" in manual.state.message
    assert len(measured) == 7
    # The published model finds the dim disks too; the upper ones are background that
    # the person accepted.
    manual.run()
    assert manual.state.image.objects == 18
    assert manual.state.image.verified_objects == 8


def test_a_model_that_is_not_better_is_not_published(manual, monkeypatch):
    play(manual, monkeypatch, steps(0.4, 0.5))
    manual.session.finetune(2)
    manual.run()
    assert len(manual.state.versions) == 1
    assert "No better model" in manual.state.message


def test_only_finished_objects_teach(manual, monkeypatch):
    engine = play(manual, monkeypatch, steps())
    manual.paint(np.s_[92:100, 28:36], 90)
    manual.session.finetune(1)
    # Whoever presses the button has moved on.
    assert manual.annotation.open_objects == frozenset()
    manual.run()
    _, (sample,), config, replay = engine.rounds[0]
    assert sample.verified[:64].all()
    assert sample.verified[92:100, 28:36].all()
    assert not sample.verified[104:].any()
    assert config.minutes == pytest.approx(1, abs=0.01)
    assert list(replay) == []
    sample.labels[0, 0] = 77
    assert manual.annotation.labels[0, 0] == 0


def test_images_without_corrections_are_not_taken_along(manual, monkeypatch):
    """Whoever loads the whole set needs memory for it."""
    engine = play(manual, monkeypatch, steps())
    corrected = manual.session.images.current
    for number in range(3):
        manual.open(disks((64, 64), radius=5 + number), f"other {number}")
        manual.session.predict()
        manual.run()
    manual.session.images.select(corrected)
    manual.session.finetune(1)
    manual.run()
    _, (sample,), *_ = engine.rounds[0]
    assert np.shares_memory(sample.image, corrected.pixels)


def test_of_contradicting_corrections_the_last_teaches(manual, monkeypatch):
    engine = play(manual, monkeypatch, steps())
    place = np.s_[92:100, 28:36]
    for label in (90, 0, 91):
        manual.paint(place, label)
    manual.paint(np.s_[92:96, 28:36], 0)
    manual.session.finetune(1)
    manual.run()
    _, (sample,), *_ = engine.rounds[0]
    assert (sample.labels[92:96, 28:36] == 0).all()
    assert (sample.labels[96:100, 28:36] == 91).all()
    assert 90 not in sample.labels
    assert sample.verified[place].all()


def test_corrections_join_at_the_next_round(manual, monkeypatch):
    engine = play(
        manual, monkeypatch, steps(0.6, 0.6, 0.6), steps(0.4, 0.8, start=0.55)
    )
    manual.session.finetune(3)
    manual.runner.step()
    manual.clock.now += ROUND_SECONDS
    manual.paint(np.s_[92:100, 28:36], 90)
    manual.session.images.current.canvas.settle()
    manual.run()
    assert len(engine.rounds) == 2
    assert engine.closed == 1
    (_, (before,), *_), (model, (after,), config, _) = engine.rounds
    assert not before.verified[95, 30]
    assert after.verified[95, 30]
    assert model is manual.session.models.timeline.versions[1].model
    assert config.minutes == pytest.approx(2.5, abs=0.01)
    assert [v.text for v in manual.state.versions] == [
        "bright",
        "round 1: 0.50 → 0.60",
        "round 2: 0.55 → 0.80",
    ]


def test_without_corrections_one_round_lasts_to_the_end(manual, monkeypatch):
    engine = play(manual, monkeypatch, steps(0.6, 0.7))
    manual.session.finetune(3)
    manual.runner.step()
    manual.clock.now += ROUND_SECONDS
    manual.run()
    assert len(engine.rounds) == 1


@pytest.mark.parametrize("count", range(12))
def test_stopping_at_any_moment_keeps_the_best(manual, monkeypatch, count):
    play(manual, monkeypatch, steps(0.6, 0.7))
    manual.session.finetune(2)
    for _ in range(count):
        manual.runner.step()
    manual.session.training.stop()
    assert manual.state.stopping
    manual.run()
    assert manual.state.training is None
    assert not manual.state.stopping
    best = manual.session.models.timeline.active.record.score
    trained = count - GETTING_READY
    assert best == (None if trained < 5 else 0.6 if trained < 9 else 0.7)


def test_a_failure_keeps_the_best_and_is_told(manual, monkeypatch):
    act = [*steps(0.6), RuntimeError("no")]
    play(manual, monkeypatch, act)
    manual.session.finetune(2)
    manual.run()
    assert "RuntimeError: no" in manual.state.problems["finetune"].text
    assert manual.session.models.timeline.active.record.score == 0.6
    assert manual.state.training is None


def test_notices_of_the_engine_are_kept_in_sight(manual, monkeypatch):
    play(manual, monkeypatch, [Notice("Fewer than six."), *steps(0.6)])
    manual.session.finetune(2)
    manual.run()
    assert manual.state.notice == "Fewer than six."


def test_many_skipped_steps_are_told_when_the_training_ends(manual, monkeypatch):
    act = [*steps(0.6), StepSkipped(2), StepSkipped(3), TrainStep(4, 0.3, 1.0)]
    play(manual, monkeypatch, act)
    measured = []
    manual.session.training.measured.connect(measured.append)
    manual.session.finetune(2)
    manual.run()
    assert [event.step for event in measured] == [0, 1, 1, 4]
    assert manual.state.message.startswith("A better model: score 0.50 → 0.60. 2 steps")
    assert "loss was no number" in manual.state.message


def test_refreshes_are_not_too_frequent_and_one_follows_the_end(manual, monkeypatch):
    play(manual, monkeypatch, steps(0.6, 0.7, 0.8))
    refreshes = []
    manual.session.state_changed.connect(
        lambda state: refreshes.append(state.refreshing)
    )
    manual.session.finetune(2)
    while manual.state.training:
        manual.session.tick()
        manual.runner.step()
    assert not any(refreshes)
    manual.run()
    assert any(refreshes)
    assert not manual.session.predicting.refresh.due


def test_a_version_chosen_by_hand_is_left_alone(manual, monkeypatch):
    play(manual, monkeypatch, steps(0.6), steps(0.8))
    manual.session.finetune(2)
    manual.run()
    manual.session.finetune(2)
    manual.session.activate_version(1)
    manual.run()
    assert manual.state.version == 1
    assert len(manual.state.versions) == 3
    assert manual.state.image.objects == 17


def test_a_model_is_reminded_of_what_it_knew():
    samples = replay_samples("nuclei")
    assert samples
    assert all(sample.verified is None for sample in samples)
    assert replay_samples("somebody's model") == []


def test_what_the_engine_refuses_is_told_in_its_words(bright, image):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.open(image)
    stage.session.correcting.start_empty()
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    stage.session.finetune(1)
    stage.run()
    assert "Only background is verified" in stage.state.problems["finetune"].text


@pytest.mark.parametrize("moved", [False, True])
def test_fitted_thresholds_give_way_to_those_that_a_person_moved(
    manual, monkeypatch, moved
):
    came_with = manual.session.models.active.spec.decoding
    fitted = came_with.model_copy(update={"foreground": 0.41})
    model = brightness_model(0.3).with_decoding(fitted)
    play(
        manual,
        monkeypatch,
        [Validated(0, 0.5, 0.5, best=True), ModelImproved(model, 1, 0.6)],
    )
    if moved:
        manual.session.settings.set_thresholds(foreground=0.62)
        manual.run()
    manual.session.finetune(2)
    manual.run()
    settings = manual.session.settings
    now = manual.session.models.active.spec.decoding
    assert now.foreground == (0.62 if moved else 0.41)
    assert manual.state.settings.thresholds_moved is moved
    settings.reset_thresholds()
    assert manual.session.models.active.spec.decoding == fitted
