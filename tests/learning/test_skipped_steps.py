"""A loss or a gradient that is no number spoils nothing, and is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_unet.core.events import Notice, StepSkipped, TrainStep, Validated
from napari_unet.errors import TrainingError
from napari_unet.learning import train
from napari_unet.learning.checkpoint import read_header
from napari_unet.learning.events import ModelImproved
from napari_unet.learning.judging import Judged, Judgement
from napari_unet.learning.pace import MOST_IN_A_ROW, Pace
from napari_unet.learning.train import Training
from napari_unet.learning.train_state import TrainState
from napari_unet.nets.device import Execution
from tests.learning.test_checkpoint import (
    CONFIG,
    everything,
    losses,
    one_thread,  # noqa: F401 (a fixture)
    run,
    scores,
    start,
)
from tests.tiny import make_model

Spoil = Callable[[Training], None]


def no_loss(training: Training) -> float:
    """Predict a batch that is no number, as training does."""
    training._state.net(torch.full((2, 1, 32, 32), math.nan))
    return math.nan


def no_gradient(training: Training) -> float:
    for parameter in training._state.net.parameters():
        parameter.grad = torch.full_like(parameter, math.inf)
    return 0.5


def spoil(monkeypatch: pytest.MonkeyPatch, how: Any, steps: set[int]) -> None:
    """Let some steps, which count from 1, have no loss or no gradient."""
    original = Training._backward

    def backward(self: Training, *arguments: Any) -> float:
        if self._steps + 1 in steps:
            return how(self)
        return original(self, *arguments)

    monkeypatch.setattr(Training, "_backward", backward)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "training.safetensors"


def notices(events: list[Any]) -> list[str]:
    return [event.message for event in events if isinstance(event, Notice)]


@pytest.mark.parametrize("how", [no_loss, no_gradient])
def test_a_loss_that_is_no_number_changes_nothing(path, monkeypatch, how) -> None:
    spoil(monkeypatch, how, {2})
    events = start(make_model(), path, CONFIG.model_copy(update={"validate_every": 99}))
    for event in events:
        if isinstance(event, TrainStep):
            break
    next(events)  # until the checkpoint is written
    before = everything(path)
    skipped = next(event for event in events if isinstance(event, StepSkipped))
    assert skipped == StepSkipped(2)
    assert isinstance(next(events), Notice)
    while read_header(path).steps < 2:
        next(events)
    after = everything(path)
    assert (after.pop("steps"), after.pop("skipped")) == (2, 1)
    assert after.pop("skipped_in_a_row") == 1
    different = {name for name, value in after.items() if value != before[name]}
    assert different <= {"rng"}  # as another batch was drawn


def test_the_rate_is_halved_for_the_rest() -> None:
    pace = Pace()
    whole = [pace.rate(progress) for progress in (0.01, 0.1, 0.9)]
    pace.note_skipped(1)
    assert [pace.rate(p) for p in (0.01, 0.1, 0.9)] == [each / 2 for each in whole]
    pace.note_taken()
    assert pace.rate(0.1) == whole[1] / 2
    for step in range(7):
        pace.note_skipped(step)
        pace.note_taken()
    assert pace.rate(0.1) == whole[1] / 16


def test_it_is_told_once_in_words(path, monkeypatch) -> None:
    spoil(monkeypatch, no_loss, {2, 3, 6})
    seen, result = run(start(make_model(), path))
    (words,) = notices(seen)
    assert words == (
        "In step 2 the loss or its gradient was no number. The step was skipped; "
        "training goes on with half the learning rate."
    )
    assert [e.step for e in seen if isinstance(e, StepSkipped)] == [2, 3, 6]
    assert list(losses(seen)) == [1, 4, 5, 7, 8, 9]
    assert all(map(math.isfinite, [*losses(seen).values(), *scores(seen).values()]))
    assert result.steps == CONFIG.steps


@pytest.mark.parametrize("killed_after", [1, 2, 3, 6])
def test_going_on_after_skipped_steps_gives_the_same_training(
    path, monkeypatch, killed_after: int
) -> None:
    spoil(monkeypatch, no_loss, {2, 3, 6})
    seen, result = run(start(make_model(), path))
    end = everything(path)
    path.unlink()
    killed = start(make_model(), path)
    while not path.exists() or read_header(path).steps < killed_after:
        next(killed)
    after, resumed = run(start(make_model(), path, resume="always"))
    assert losses(seen).items() >= losses(after).items()
    assert max(losses(after)) == max(losses(seen))
    assert resumed.score == result.score
    assert everything(path) == end


def test_many_in_a_row_end_the_training_and_the_best_model_stays(
    path, monkeypatch
) -> None:
    longer = CONFIG.model_copy(update={"steps": 40})
    spoil(monkeypatch, no_loss, set(range(9, 40)))
    seen: list[Any] = []
    with pytest.raises(TrainingError, match=rf"at step {8 + MOST_IN_A_ROW}: in 8 st"):
        seen.extend(start(make_model(), path, longer))
    # `extend` keeps what came before the error.
    best = [event for event in seen if isinstance(event, ModelImproved)]
    assert best
    assert read_header(path).best_step == best[-1].step
    assert all(torch.isfinite(p).all() for p in best[-1].model.net.parameters())


@pytest.fixture
def spoiled_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the weights be no numbers after four steps, as after steps far too long."""
    original = TrainState.update_ema

    def update(self: TrainState, decay: float) -> None:
        if self.updates == 4:
            with torch.no_grad():
                for parameter in self.net.parameters():
                    parameter.fill_(math.nan)
        original(self, decay)

    monkeypatch.setattr(TrainState, "update_ema", update)


@pytest.mark.usefixtures("spoiled_weights")
def test_weights_that_are_no_numbers_are_never_published(path) -> None:
    longer = CONFIG.model_copy(update={"steps": 40})
    seen: list[Any] = []
    with pytest.raises(TrainingError, match="at step 12: in 8 steps"):
        seen.extend(start(make_model(), path, longer))
    assert any("answers with no numbers" in words for words in notices(seen))
    assert all(math.isfinite(e.score) for e in seen if isinstance(e, Validated))
    for event in seen:
        if isinstance(event, ModelImproved):
            assert all(torch.isfinite(p).all() for p in event.model.net.parameters())
    assert read_header(path).best_step < 4


def test_a_start_without_a_score_can_be_beaten(path, monkeypatch) -> None:
    """Compared with what is no number nothing would ever be better."""
    original, left = train.iter_judge, [math.nan] * 2

    def judge(*arguments: Any, **options: Any) -> Generator[None, None, Judged]:
        judged = yield from original(*arguments, **options)
        if left:
            nothing = Judgement(left.pop(), judged.judgement.likeness)
            return replace(judged, judgement=nothing)
        return judged

    monkeypatch.setattr(train, "iter_judge", judge)
    seen, result = run(start(make_model(), path))
    assert scores(seen)[0] == 0
    assert result.score > 0
    assert any(isinstance(event, ModelImproved) for event in seen)


def test_gradients_too_large_for_float16_are_scaled_less_and_nothing_else(
    path, monkeypatch
) -> None:
    execution = Execution(torch.device("cpu"), torch.float16, True, 512, 1)
    monkeypatch.setattr(train, "choose_execution", lambda *_, **__: execution)
    spoil(monkeypatch, no_gradient, {2})
    scales = []
    original = TrainState.begin_step

    def begin(self: TrainState) -> None:
        scales.append(self.scaler.get_scale())
        original(self)

    monkeypatch.setattr(TrainState, "begin_step", begin)
    seen, _ = run(start(make_model(), path))
    assert not any(isinstance(event, StepSkipped) for event in seen)
    assert list(losses(seen)) == list(range(1, 10))
    assert scales[2] == scales[1] / 2
    assert read_header(path).skipped == 0
