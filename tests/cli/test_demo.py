from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import io

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import is_verified
from napari_unet.cli.annotator import ScriptedAnnotator
from napari_unet.cli.story import BUDGET, draw_outlines, tell_story
from napari_unet.io.samples import load_sample
from napari_unet.learning.config import FitConfig
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.scores.metrics import evaluate
from napari_unet.weights.folder import save_model
from napari_unet.weights.model import new_model

QUICK = FitConfig(steps=2, crop=32, batch_size=1, validate_every=1)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    labels = load_sample("phase")[0].labels
    assert labels is not None
    return labels


def steady(seed: int = 0) -> ScriptedAnnotator:
    return ScriptedAnnotator(np.random.default_rng(seed), unsteadiness=1e-3)


def test_a_steady_annotator_without_a_limit_reaches_the_truth(
    truth: np.ndarray,
) -> None:
    annotation = Annotation(np.zeros_like(truth))
    steady().correct(annotation, truth, budget=10_000)
    verified = is_verified(annotation.provenance)
    assert verified.mean() > 0.7
    inside = np.where(verified, truth, 0), np.where(verified, annotation.labels, 0)
    assert evaluate(*inside).ap["0.50"] > 0.95


def test_a_right_object_is_left_alone(truth: np.ndarray) -> None:
    annotation = Annotation(truth.copy())
    assert steady().correct(annotation, truth, budget=10_000) == 0
    np.testing.assert_array_equal(annotation.labels, truth)


@pytest.mark.parametrize("budget", [1, 7])
def test_the_budget_is_kept(budget: int, truth: np.ndarray) -> None:
    annotation = Annotation(np.zeros_like(truth))
    assert steady().correct(annotation, truth, budget) == budget
    assert len(np.unique(annotation.labels)) - 1 == budget


def test_what_is_wrong_is_erased(truth: np.ndarray) -> None:
    extra = truth.copy()
    background = np.argwhere(truth == 0)
    y, x = background[len(background) // 2]
    extra[y, x] = truth.max() + 1
    annotation = Annotation(extra)
    assert steady().correct(annotation, truth, budget=100) == 1
    np.testing.assert_array_equal(annotation.labels, truth)


def test_a_hopeless_prediction_is_discarded_before_painting(truth: np.ndarray) -> None:
    annotation = Annotation(np.full_like(truth, 1))
    steady().correct(annotation, truth, budget=10_000)
    verified = is_verified(annotation.provenance)
    assert verified.mean() > 0.7
    assert not (annotation.labels == 1).any()


def test_the_demo_tells_its_story(tmp_path: Path) -> None:
    torch.manual_seed(0)
    architecture = UNetConfig(depth=2, base_channels=4)
    save_model(
        new_model(ModelSpec(name="tiny", architecture=architecture)), tmp_path / "m"
    )
    words: list[str] = []
    result = tell_story(
        tmp_path,
        words.append,
        seeds=[3],
        device="cpu",
        config=QUICK,
        model_name=str(tmp_path / "m"),
    )
    assert "corrected" in " ".join(words)
    printed = result.as_json()
    assert set(printed) >= {"before", "after", "corrections", "seconds", "pictures"}
    assert 0 < printed["corrections"] <= BUDGET
    assert set(printed["before"]["ap"]) == set(printed["after"]["ap"])
    assert 0 <= printed["after"]["msa"] <= printed["after"]["ap"]["0.50"]
    assert "mSA" in words[-1]
    (picture,) = printed["pictures"]
    assert io.imread(picture).ndim == 3


def test_outlines_are_drawn_over_the_image(truth: np.ndarray) -> None:
    picture = draw_outlines(np.zeros(truth.shape), truth)
    assert picture.shape == (*truth.shape, 3)
    assert picture.any()
    assert not draw_outlines(np.zeros(truth.shape), np.zeros_like(truth)).any()
