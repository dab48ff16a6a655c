"""Trainings of other programs have lost work in these ways: see docs/safety.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.core.events import Notice, TrainStep, Validated
from napari_unet.core.jobs import drain
from napari_unet.learning import train
from napari_unet.learning.config import FitConfig
from napari_unet.learning.data import iter_prepare
from napari_unet.learning.events import FitResult, ModelImproved
from napari_unet.learning.judging import Judgement
from napari_unet.learning.sampling import BatchPlan
from napari_unet.learning.train import iter_fit
from napari_unet.scores.likeness import Likeness
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model
from tests.tiny import make_model

QUICK = FitConfig(steps=4, crop=32, batch_size=2, validate_every=2, device="cpu")


def run(model: Model, sample: Sample, **changes: Any) -> tuple[list[Any], FitResult]:
    seen: list[Any] = []
    config = QUICK.model_copy(update=changes)
    return seen, drain(iter_fit(model, [sample], config), seen.append)


def test_the_best_model_is_kept_and_not_the_last(model, disks, monkeypatch) -> None:
    original, scores = train.iter_judge, [0.5, 0.5, 0.7, 0.9, 0.6, 0.2]
    iterator = iter(scores)

    def judge(*arguments: Any, **options: Any) -> Any:
        judged = yield from original(*arguments, **options)
        return replace(judged, judgement=Judgement(next(iterator), Likeness()))

    monkeypatch.setattr(train, "iter_judge", judge)
    seen, result = run(model, disks, steps=8, fit_thresholds=False)
    better = [event for event in seen if isinstance(event, ModelImproved)]
    assert [event.score for event in better] == [0.7, 0.9]
    assert result.score == 0.9
    assert result.model is better[-1].model


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
@pytest.mark.parametrize("every", [1, 3, 100])
def test_the_last_steps_are_measured_whatever_their_number(
    model, disks, steps: int, every: int
) -> None:
    seen, result = run(model, disks, steps=steps, validate_every=every)
    measured = [event.step for event in seen if isinstance(event, Validated)]
    assert measured == sorted({0, *range(every, steps + 1, every), steps})
    assert result.steps == steps


@pytest.mark.parametrize("batch_size", [1, 16])
def test_a_batch_may_be_larger_than_what_there_is_to_draw_from(
    model, disks, batch_size: int
) -> None:
    few = Sample(disks.image[:32, :32], disks.labels[:32, :32])
    seen, result = run(model, few, steps=2, batch_size=batch_size)
    assert [e.step for e in seen if isinstance(e, TrainStep)] == [1, 2]
    assert result.steps == 2


@pytest.mark.parametrize("objects", range(1, 17))
def test_there_is_always_something_to_measure_and_to_learn(disks, objects: int) -> None:
    model = make_model()
    labels = np.where(disks.labels <= objects, disks.labels, 0)
    preparing = iter_prepare(
        model, objective_of(model.spec), [Sample(disks.image, labels)], QUICK, []
    )
    data, notices = drain(preparing)
    assert sum(float(window.batch.weight.sum()) for window in data.windows) > 0
    assert any(bool(window.values[window.judged].any()) for window in data.windows)
    assert sum(float(plane.known.sum()) for plane in data.planes) > 0
    assert data.held_out != any(isinstance(note, Notice) for note in notices)


def test_crops_at_once_shrink_when_memory_runs_out_and_are_not_what_a_card_has(
    monkeypatch,
) -> None:
    """What other programs hold of its memory is not free."""

    def asked(*_: Any) -> Any:
        raise AssertionError("the memory of a card tells nothing")

    monkeypatch.setattr(torch.cuda, "get_device_properties", asked)
    monkeypatch.setattr(torch.cuda, "mem_get_info", asked)
    config = FitConfig(batch_size=8)
    plan = BatchPlan(make_model().net, config, torch.device("cuda"))
    assert plan.micro == 8
    assert [plan.shrink() and plan.micro for _ in range(3)] == [4, 2, 1]
    crop = plan.crop
    plan.shrink()
    assert plan.crop < crop
