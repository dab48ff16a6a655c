from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_unet.core.events import MicroBatch, Notice, TrainStep, Validated
from napari_unet.errors import InputError
from napari_unet.inference.predict import predict
from napari_unet.learning.config import Augmentation, FitConfig
from napari_unet.learning.events import FitResult, ModelImproved
from napari_unet.learning.fit import fit
from napari_unet.learning.train import Training, iter_fit
from napari_unet.models.spec import ModelSpec
from napari_unet.scores.metrics import evaluate
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model
from tests.tiny import make_disks, make_model

QUICK = FitConfig(steps=4, crop=32, batch_size=2, validate_every=2, device="cpu")
STILL = Augmentation(
    zoom=0, rotate=False, gamma=0, contrast=0, offset=0, illumination=0, blur=0, noise=0
)


def run(events) -> tuple[list, FitResult]:
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as finished:
            return seen, finished.value


def weights(model: Model) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in model.net.parameters()])


def test_a_tiny_network_overfits_a_toy(disks: Sample) -> None:
    config = FitConfig.from_scratch().model_copy(
        update={
            "steps": 200,
            "crop": 64,
            "batch_size": 4,
            "learning_rate": 1e-2,
            "average": 0.8,
            "validate_every": 20,
            "augmentation": STILL,
            "device": "cpu",
        }
    )
    trained = fit(make_model(), [disks], config)
    labels = predict(disks.image, trained, device="cpu")
    assert evaluate(disks.labels, labels).ap["0.50"] > 0.9


def test_events_tell_the_story(model: Model, disks: Sample) -> None:
    events, result = run(iter_fit(model, [disks], QUICK))
    steps = [e.step for e in events if isinstance(e, TrainStep)]
    assert steps == [1, 2, 3, 4]
    assert [e.step for e in events if isinstance(e, Validated)] == [0, 2, 4]
    assert any(isinstance(e, MicroBatch) for e in events)
    assert result.steps == 4
    assert result.score >= result.start_score
    assert result.held_out


def test_the_start_is_never_changed(model: Model, disks: Sample) -> None:
    before = weights(model).clone()
    fit(model, [disks], QUICK)
    torch.testing.assert_close(weights(model), before, rtol=0, atol=0)


def test_equal_seeds_give_equal_losses(model: Model, disks: Sample) -> None:
    losses = [
        [
            e.loss
            for e in run(iter_fit(model, [disks], QUICK))[0]
            if isinstance(e, TrainStep)
        ]
        for _ in range(2)
    ]
    assert losses[0] == losses[1]


def test_micro_batches_add_up_to_the_batch(model: Model, disks: Sample) -> None:
    config = QUICK.model_copy(update={"steps": 2, "batch_size": 4, "pull": 0.0})
    one, all_ = (
        run(iter_fit(model, [disks], config.model_copy(update={"micro_batch": n})))[0]
        for n in (1, 4)
    )
    for a, b in zip(
        [e.loss for e in one if isinstance(e, TrainStep)],
        [e.loss for e in all_ if isinstance(e, TrainStep)],
        strict=True,
    ):
        assert a == pytest.approx(b, rel=0.2)


@pytest.mark.parametrize("stop_at", range(0, 16, 3))
def test_stopping_at_any_yield_leaves_valid_models(
    stop_at: int, model: Model, disks: Sample
) -> None:
    events = iter_fit(model, [disks], QUICK)
    published = [model]
    for _, event in zip(range(stop_at), events, strict=False):
        if isinstance(event, ModelImproved):
            published.append(event.model)
    events.close()
    for kept in published:
        assert torch.isfinite(weights(kept)).all()
        assert predict(disks.image, kept, device="cpu").shape == disks.labels.shape


def test_a_published_model_does_not_move_any_more(model: Model, disks: Sample) -> None:
    config = QUICK.model_copy(update={"steps": 12, "learning_rate": 1e-2})
    published = [
        (event.model, weights(event.model).clone())
        for event in iter_fit(model, [disks], config)
        if isinstance(event, ModelImproved)
    ]
    assert published
    for kept, values in published:
        torch.testing.assert_close(weights(kept), values, rtol=0, atol=0)


def test_unverified_labels_teach_nothing(model: Model, disks: Sample) -> None:
    """What is not verified may say anything, away from what is."""
    verified = np.zeros(disks.labels.shape, bool)
    verified[:48] = True
    nonsense = disks.labels.copy()
    nonsense[72:] = np.random.default_rng(0).integers(50, 99, nonsense[72:].shape)
    runs = [
        run(iter_fit(model, [Sample(disks.image, a, verified)], QUICK))[0]
        for a in (disks.labels, nonsense)
    ]
    losses = [[e.loss for e in r if isinstance(e, TrainStep)] for r in runs]
    assert losses[0] == losses[1]


def test_norm_statistics_stay_frozen_in_fine_tuning(
    model: Model, disks: Sample
) -> None:
    trained = run(
        iter_fit(model, [disks], QUICK.model_copy(update={"learning_rate": 1e-2}))
    )[1].model
    for name, value in model.net.state_dict().items():
        if "running" in name:
            torch.testing.assert_close(trained.net.state_dict()[name], value)


def test_a_model_remembers_how_large_its_objects_were(disks: Sample) -> None:
    """The next image is looked at where objects of that size are seen best."""
    model = make_model()
    sizes = {"diameters": (5.0, 60.0), "zoomed_to": (20.0, 40.0)}
    model = replace(model, spec=model.spec.model_copy(update=sizes))
    config = QUICK.model_copy(update={"steps": 10, "learning_rate": 0.1, "pull": 0.0})
    trained = fit(model, [disks], config)
    assert trained is not model
    assert trained.spec.usual_diameter == pytest.approx(13.8, abs=0.2)
    expected = trained.spec.expected_size(0.1)
    assert expected.diameter == trained.spec.usual_diameter
    assert expected.spread == trained.spec.diameter_spread
    again = ModelSpec.model_validate_json(trained.spec.model_dump_json())
    assert again.expected_size(0.1) == expected
    assert "usual_diameter" not in model.spec.model_dump_json()


def test_nothing_better_gives_the_start_back(model: Model, disks: Sample) -> None:
    config = QUICK.model_copy(update={"learning_rate": 1e-12})
    result = run(iter_fit(model, [disks], config))[1]
    assert result.score >= result.start_score
    if result.score == result.start_score:
        assert result.model is model


def test_a_start_that_finds_nothing_can_still_be_beaten(disks: Sample) -> None:
    """A score that is not a number at zero overlap would never let a better one in."""
    model = make_model()
    with torch.no_grad():
        model.net.head.bias.fill_(-30.0)
    config = QUICK.model_copy(update={"steps": 10, "learning_rate": 1.0, "pull": 0.0})
    result = run(iter_fit(model, [disks], config))[1]
    assert np.isfinite(result.start_score)
    assert result.score > result.start_score


@pytest.mark.parametrize(
    ("verified", "words"),
    [
        (np.zeros((96, 96), bool), "Nothing is verified"),
        (make_disks().labels > 0, "Only objects are verified"),
        (make_disks().labels == 0, "Only background is verified"),
    ],
)
def test_nothing_to_learn_from_is_said_in_words(
    verified: np.ndarray, words: str, model: Model, disks: Sample
) -> None:
    with pytest.raises(InputError, match=words):
        fit(model, [Sample(disks.image, disks.labels, verified)], QUICK)


def test_labels_of_another_shape_are_refused(model: Model, disks: Sample) -> None:
    with pytest.raises(InputError, match="made for this image"):
        fit(model, [Sample(disks.image, disks.labels[:50])], QUICK)


def test_few_objects_train_with_a_warning(model: Model, disks: Sample) -> None:
    few = np.where(disks.labels <= 3, disks.labels, 0)
    events, result = run(iter_fit(model, [Sample(disks.image, few)], QUICK))
    assert not result.held_out
    assert any(isinstance(e, Notice) and "Few objects" in e.message for e in events)


def test_memory_running_out_is_survived_and_told(
    model: Model, disks: Sample, monkeypatch
) -> None:
    original = Training._backward

    def fails_above_one(self, batch, part, total):
        if part.stop - part.start > 1:
            raise torch.OutOfMemoryError("out of memory")
        return original(self, batch, part, total)

    monkeypatch.setattr(Training, "_backward", fails_above_one)
    config = QUICK.model_copy(update={"micro_batch": 2})
    events, result = run(iter_fit(model, [disks], config))
    assert any(isinstance(e, Notice) and "1 crops" in e.message for e in events)
    assert result.steps == 4


def test_planes_of_a_stack_without_verified_pixels_are_left_out(
    model: Model, disks: Sample
) -> None:
    image = np.stack([disks.image, np.full_like(disks.image, np.nan)])
    labels = np.stack([disks.labels, disks.labels])
    verified = np.zeros(labels.shape, bool)
    verified[0] = True
    sample = Sample(image, labels, verified, axes="ZYX")
    assert run(iter_fit(model, [sample], QUICK))[1].steps == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda ids: ids > 0, "connected piece"),
        (lambda ids: np.where(ids > 0, ids, -1), "background"),
        (lambda ids: ids.astype(np.uint64) + (ids > 0) * np.uint64(2**40), "smaller"),
        (lambda ids: ids.astype(np.float32), ""),
    ],
    ids=["mask", "negative", "large", "float"],
)
def test_fit_takes_label_maps_of_any_kind(
    model: Model,
    disks: Sample,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[np.ndarray], np.ndarray],
    told: str,
) -> None:
    still = QUICK.model_copy(update={"steps": 1})
    expected = weights(fit(model, [disks], still))
    other = replace(disks, labels=change(disks.labels))
    caplog.clear()
    found = fit(model, [other], still)
    assert [told in each for each in caplog.messages] == ([True] if told else [])
    torch.testing.assert_close(weights(found), expected)


def test_fit_refuses_what_is_no_label_map(model: Model, disks: Sample) -> None:
    with pytest.raises(InputError, match=r"sample 1: .*fractions"):
        fit(model, [replace(disks, labels=disks.labels / 2)], QUICK)
    with pytest.raises(InputError, match=r"sample 1: .*complex"):
        fit(model, [replace(disks, labels=disks.labels * 1j)], QUICK)


@pytest.mark.parametrize(
    ("model_given", "samples", "words"),
    [
        ("nuclei", [], "Expected a model, found 'nuclei'"),
        (None, None, "Expected a list of samples"),
        (None, [(np.zeros((9, 9)), np.zeros((9, 9), int))], "found tuple"),
    ],
)
def test_what_is_no_model_or_sample(model: Model, model_given, samples, words) -> None:
    with pytest.raises(InputError, match=words):
        fit(model_given or model, samples, QUICK)


def test_a_sample_alone_is_a_list_of_one(model: Model, disks: Sample) -> None:
    still = QUICK.model_copy(update={"steps": 1})
    torch.testing.assert_close(
        weights(fit(model, disks, still)), weights(fit(model, [disks], still))
    )
