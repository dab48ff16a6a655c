"""Corrections that are few, one-sided or contradict each other, and bad pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.core.events import Notice, StepSkipped, TrainStep, Validated
from napari_unet.errors import InputError
from napari_unet.learning.config import FitConfig
from napari_unet.learning.events import FitResult
from napari_unet.learning.fit import fit
from napari_unet.learning.train import iter_fit
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model

QUICK = FitConfig(steps=3, crop=32, batch_size=2, validate_every=2, device="cpu")
SHAPE = (96, 96)


def trained(model: Model, samples: list[Sample]) -> tuple[list[Any], FitResult]:
    """Train, and see that every number is one."""
    seen: list[Any] = []
    events = iter_fit(model, samples, QUICK)
    while True:
        try:
            seen.append(next(events))
        except StopIteration as finished:
            result = finished.value
            break
    losses = [event.loss for event in seen if isinstance(event, TrainStep)]
    assert len(losses) == QUICK.steps
    assert all(map(math.isfinite, [*losses, result.score, result.start_score]))
    assert not any(isinstance(event, StepSkipped) for event in seen)
    assert all(bool(torch.isfinite(p).all()) for p in result.model.net.parameters())
    return seen, result


def said(events: list[Any]) -> str:
    return " ".join(event.message for event in events if isinstance(event, Notice))


def model_of(task: str, **options: Any) -> Model:
    torch.manual_seed(0)
    network = UNetConfig(depth=2, base_channels=4)
    spec = ModelSpec(name="tiny", task=task, architecture=network, **options)
    return new_model(spec)


def only(*pixels: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    for pixel in pixels:
        mask[pixel] = True
    return mask


OBJECT, GROUND = (12, 12), (0, 0)


def test_one_pixel_of_an_object_is_refused_in_words(model, disks) -> None:
    sample = Sample(disks.image, disks.labels, only(OBJECT))
    with pytest.raises(InputError, match="Only objects are verified"):
        fit(model, [sample], QUICK)


def test_one_pixel_of_background_is_refused_in_words(model, disks) -> None:
    sample = Sample(disks.image, disks.labels, only(GROUND))
    with pytest.raises(InputError, match="Only background is verified"):
        fit(model, [sample], QUICK)


def test_one_pixel_of_each_is_little_and_no_harm(model, disks) -> None:
    sample = Sample(disks.image, disks.labels, only(OBJECT, GROUND))
    seen, result = trained(model, [sample])
    assert not result.held_out
    assert "Few objects" in said(seen)
    scores = [event for event in seen if isinstance(event, Validated)]
    assert scores
    assert not any(score.held_out for score in scores)


def test_one_pixel_of_each_class_is_little_and_no_harm(disks) -> None:
    classes = (disks.labels > 0).astype(np.uint8)
    sample = Sample(disks.image, classes, only(OBJECT, GROUND))
    trained(
        model_of("classes", classes=({"name": "ground"}, {"name": "disk"})), [sample]
    )


def test_one_value_is_little_and_no_harm(disks) -> None:
    values = np.full((1, *SHAPE), np.nan, np.float32)
    values[0, 12, 12] = 7
    model = model_of("regression", variables=({"name": "depth"},))
    _, result = trained(model, [Sample(disks.image, values, only(OBJECT))])
    assert not result.held_out


def test_an_object_that_fills_the_view_is_refused_in_words(model, disks) -> None:
    everything = np.ones(SHAPE, np.int32)
    with pytest.raises(InputError, match="Only objects are verified"):
        fit(model, [Sample(disks.image, everything)], QUICK)


def test_an_object_that_nearly_fills_the_view_is_learned(model, disks) -> None:
    labels = np.ones(SHAPE, np.int32)
    labels[:4] = 0
    trained(model, [Sample(disks.image, labels)])


def test_only_background_in_one_of_two_images_is_learned(model, disks) -> None:
    empty = Sample(disks.image[::-1].copy(), np.zeros(SHAPE, np.int32))
    trained(model, [disks, empty])


def test_samples_that_contradict_each_other_are_no_harm(model, disks) -> None:
    """Of one image the last correction counts; of two files nobody can know."""
    other = Sample(disks.image, np.roll(disks.labels, 12, axis=1))
    trained(model, [disks, other])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_pixels_that_are_no_number_do_not_spoil_a_training(model, disks, value) -> None:
    image = disks.image.copy()
    image[5:20, 5:20] = value
    trained(model, [Sample(image, disks.labels)])


def test_an_image_without_any_number_is_refused_in_words(model, disks) -> None:
    with pytest.raises(InputError, match="no finite pixel"):
        fit(model, [disks, Sample(np.full(SHAPE, np.nan), disks.labels)], QUICK)


def test_a_constant_image_is_learned_without_a_word_of_numbers(model, disks) -> None:
    trained(model, [Sample(np.full(SHAPE, 7.0, np.float32), disks.labels)])
