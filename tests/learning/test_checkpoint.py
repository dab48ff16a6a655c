"""A training that was killed goes on to the same losses, scores and weights."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.core.events import Notice, Preparing, TrainStep, Validated
from napari_unet.errors import InputError, StorageError
from napari_unet.learning import train
from napari_unet.learning.checkpoint import (
    Checkpoint,
    read_best_model,
    read_checkpoint,
    read_header,
    remove_checkpoint,
    write_checkpoint,
)
from napari_unet.learning.config import Checkpointing, FitConfig
from napari_unet.learning.events import FitResult, ModelImproved
from napari_unet.learning.train import iter_fit
from napari_unet.models.architectures.original import OriginalConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.device import Execution
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model
from tests.tiny import make_disks, make_model

STEPS = 9
CONFIG = FitConfig(
    steps=STEPS, crop=32, batch_size=2, validate_every=2, device="cpu",
    freeze_norm=False, learning_rate=3e-2, pull=0.5, average=0.5,
    fit_thresholds=False,  # which is most of the work where a network knows nothing
)  # fmt: skip
SGD = CONFIG.model_copy(update={"optimizer": "sgd", "momentum": 0.9})
FITTED = CONFIG.model_copy(update={"fit_thresholds": True, "steps": 4})


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute on one thread: networks this small only wait for a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def with_dropout() -> Model:
    torch.manual_seed(0)
    architecture = OriginalConfig(blocks=2, base_channels=2, dropout=0.5)
    return new_model(ModelSpec(name="drop", architecture=architecture))


CASES = {
    "batch norm": (make_model, CONFIG),
    "gradient descent": (make_model, SGD),
    "fitted thresholds": (make_model, FITTED),
    "dropout": (with_dropout, CONFIG),
}


def run(events: Generator[Any, None, FitResult]) -> tuple[list[Any], FitResult]:
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as finished:
            return seen, finished.value


def once_ready(
    events: Generator[Any, None, FitResult],
) -> Generator[Any, None, FitResult]:
    """Leave out what is yielded before a training begins."""
    while True:
        try:
            event = next(events)
        except StopIteration as finished:
            return finished.value
        if not isinstance(event, Preparing):
            yield event


def losses(events: list[Any]) -> dict[int, float]:
    return {e.step: e.loss for e in events if isinstance(e, TrainStep)}


def scores(events: list[Any]) -> dict[int, float]:
    return {e.step: e.score for e in events if isinstance(e, Validated)}


def anything(*_: Any) -> None:
    """Accept every checkpoint."""


def everything(path: Path) -> dict[str, Any]:
    """Return all that a checkpoint holds, but for the time that was spent."""
    found = read_checkpoint(path, anything)
    state = found.header.model_dump(exclude={"seconds"})
    return {**state, **{k: v.numpy().tobytes() for k, v in found.tensors.items()}}


def start(
    model: Model,
    path: Path,
    config: FitConfig = CONFIG,
    sample: Sample | None = None,
    every: float = 0.0,
    **options: Any,
) -> Generator[Any, None, FitResult]:
    checkpoint = Checkpointing(path, every, **options)
    samples = [sample or make_disks()]
    return once_ready(iter_fit(model, samples, config, checkpoint=checkpoint))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "training.safetensors"


@pytest.fixture(scope="module", params=CASES)
def whole(request, tmp_path_factory):
    """Run one training to its end."""
    make, config = CASES[request.param]
    path = tmp_path_factory.mktemp("whole") / "training.safetensors"
    model = make()
    torch.manual_seed(1)
    seen, result = run(start(model, path, config))
    return model, config, seen, result, everything(path)


@pytest.mark.parametrize("killed_at", [0.25, 0.5, 0.6, 0.9])
def test_going_on_gives_the_same_training(whole, killed_at, path):
    model, config, seen, result, end = whole
    torch.manual_seed(1)
    # An abandoned generator that is not closed, as after a kill.
    killed = start(model, path, config)
    before = list(islice(killed, int(killed_at * len(seen))))
    step = read_header(path).steps
    torch.manual_seed(99)
    after, resumed = run(start(model, path, config, resume="always"))
    assert losses(before) | losses(after) == losses(seen)
    assert min(losses(after)) == step + 1
    assert scores(before) | scores(after) == scores(seen)
    assert (resumed.steps, resumed.score) == (result.steps, result.score)
    assert resumed.start_score == result.start_score
    assert everything(path) == end
    for key, value in result.model.net.state_dict().items():
        assert torch.equal(resumed.model.net.state_dict()[key], value)


def test_that_training_does_get_better(whole):
    """Else the tests here would compare starts with starts."""
    assert any(isinstance(event, ModelImproved) for event in whole[2])


def test_the_loss_scale_of_float16_goes_on(model, path, monkeypatch):
    execution = Execution(torch.device("cpu"), torch.float16, True, 512, 1)
    monkeypatch.setattr(train, "choose_execution", lambda *_, **__: execution)
    seen, _ = run(start(model, path))
    end = everything(path)
    assert "scaler.scale" in end
    killed = start(model, path)
    before = list(islice(killed, len(seen) // 2))
    after, _ = run(start(model, path, resume="always"))
    assert losses(before) | losses(after) == losses(seen)
    assert everything(path) == end


def _until(kind: type, events: Generator[Any, None, FitResult]) -> Any:
    return next(event for event in events if isinstance(event, kind))


def test_a_better_model_is_on_disk_at_once_and_published_again(model, path):
    events = start(model, path, every=1e9)
    best = _until(ModelImproved, events)
    next(events)
    kept = read_best_model(path)
    again = _until(ModelImproved, start(model, path, resume="always"))
    assert (again.step, again.score) == (best.step, best.score)
    for key, value in best.model.net.state_dict().items():
        assert torch.equal(kept.net.state_dict()[key], value)
        assert torch.equal(again.model.net.state_dict()[key], value)


def test_before_the_first_improvement_the_best_is_the_start(model, path):
    events = start(model, path)
    _until(TrainStep, events)
    next(events)
    assert read_header(path).steps == 1
    seen, _ = run(start(model, path, CONFIG.model_copy(update={"steps": 1}),
                        resume="always"))  # fmt: skip
    assert isinstance(seen[0], Notice)
    assert "after step 1" in seen[0].message
    assert isinstance(seen[1], Validated)
    assert len(seen) == 2, "a spent budget trains nothing"


def test_a_longer_budget_and_its_time_go_on(model, path):
    run(start(model, path))
    state = read_header(path)
    checkpoint = read_checkpoint(path, anything)
    late = state.model_copy(update={"seconds": 3000.0})
    write_checkpoint(Checkpoint(late, checkpoint.tensors), path)
    longer = CONFIG.model_copy(update={"steps": STEPS + 1})
    seen, result = run(start(model, path, longer, resume="always"))
    assert list(losses(seen)) == [STEPS + 1]
    assert result.seconds > 3000
    minutes = CONFIG.model_copy(update={"steps": None, "minutes": 50})
    seen, _ = run(start(model, path, minutes, resume="always"))
    assert losses(seen) == {}


def test_shrunken_crops_stay_shrunken(model, path, monkeypatch):
    config = CONFIG.model_copy(update={"micro_batch": 2})
    events = start(model, path, config)
    with monkeypatch.context() as patch:
        patch.setattr("napari_unet.learning.train.Training._backward", _out_of_memory)
        assert "1 crops" in _until(Notice, events).message
    _until(TrainStep, events)
    next(events)
    assert read_header(path).micro_batch == 1


def _out_of_memory(*_: Any) -> float:
    raise torch.OutOfMemoryError("out of memory")


def _other_labels(sample: Sample) -> Sample:
    labels = sample.labels.copy()
    labels[labels == 1] = 0
    return Sample(sample.image, labels)


def _other_image(sample: Sample) -> Sample:
    return Sample(sample.image + 1, sample.labels)


def _other_mask(sample: Sample) -> Sample:
    return Sample(sample.image, sample.labels, np.ones(sample.labels.shape, bool))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other_labels, "other labels;"),
        (_other_image, "other images;"),
        (_other_mask, "other verified pixels;"),
    ],
)
def test_other_data_are_named(model, path, disks, change, words):
    run(start(model, path))
    other = change(disks)
    with pytest.raises(InputError, match=words):
        run(start(model, path, sample=other, resume="always"))
    seen, _ = run(start(model, path, sample=other, resume="if it fits"))
    assert "starts anew" in seen[0].message
    assert list(losses(seen)) == list(range(1, STEPS + 1))


def test_other_options_and_models_are_named(model, path):
    run(start(model, path))
    other = CONFIG.model_copy(update={"seed": 3})
    with pytest.raises(InputError, match="seed 0 instead of 3"):
        run(start(model, path, other, resume="always"))
    moved = Model(model.spec, model.copy_net())
    with torch.no_grad():
        moved.net.head.bias.add_(1)
    with pytest.raises(InputError, match="other weights of the starting model"):
        run(start(moved, path, resume="always"))
    with pytest.raises(InputError, match="another description"):
        run(start(make_model(depth=1), path, resume="always"))


def test_nothing_to_go_on_from(model, path):
    with pytest.raises(StorageError, match="could not be read"):
        run(start(model, path, resume="always"))
    seen, _ = run(start(model, path, resume="if it fits"))
    assert not any(isinstance(event, Notice) for event in seen)
    remove_checkpoint(path)
    remove_checkpoint(path)
    assert not path.exists()
