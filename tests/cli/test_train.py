"""`napari-unet train`: a model that can be used, or a reason before any training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

import napari_unet as nu
from napari_unet import learning as engine
from napari_unet.core.events import Validated
from napari_unet.errors import TrainingError
from napari_unet.learning.events import ModelImproved
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.model import new_model

if TYPE_CHECKING:
    from tests.cli.conftest import Annotated, Run


def _arguments(annotated: Annotated, out: Path, *more: object) -> tuple[object, ...]:
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    return ("train", *folders, "--out", out, *more)


def test_fine_tuning_saves_a_model(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "better"
    masks = tmp_path / "masks"
    masks.mkdir()
    for path in annotated.labels.iterdir():
        mask = np.zeros((96, 96), np.uint8)
        mask[:60] = 1
        tifffile.imwrite(masks / path.name, mask)
    options = ("--from", model, "--verified", masks, "--steps", 1, "--json")
    result = run(*_arguments(annotated, out, *options))
    assert result.code == 0
    report = json.loads(result.out)
    assert list(report) == ["model", "steps", "score", "seconds"]
    assert report["model"] == str(out)
    assert report["steps"] == 1
    assert isinstance(report["score"], dict)
    loaded = nu.load_model(out)
    assert loaded.name == "better"
    assert "2 images of 'images'" in loaded.spec.card.data
    run(*_arguments(annotated, out, *options)).refused("exists and nothing was done")


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let training yield these events and then be interrupted."""
    events: list[Any] = []

    def iter_fit(*args: object, **kwargs: object) -> Iterator[Any]:
        yield from events
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "iter_fit", iter_fit)
    return events


def test_interruption_keeps_the_best_model(
    run: Run, annotated: Annotated, tmp_path: Path, interrupted: list[Any]
) -> None:
    network = UNetConfig(depth=1, base_channels=2)
    models = [
        new_model(ModelSpec(name="x", in_channels=n, architecture=network))
        for n in (1, 2)
    ]
    interrupted += [
        ModelImproved(model, 10 * step, 0.5) for step, model in enumerate(models)
    ]
    result = run(*_arguments(annotated, tmp_path / "out", "--json"))
    assert result.code == 130
    assert "best model so far is saved" in result.err
    assert json.loads(result.out)["steps"] == 10
    assert json.loads(result.out)["interrupted"] is True
    assert nu.load_model(tmp_path / "out").spec.in_channels == 2


def test_interruption_before_anything_was_better(
    run: Run, annotated: Annotated, tmp_path: Path, interrupted: list[Any]
) -> None:
    result = run(*_arguments(annotated, tmp_path / "out", "--json"))
    assert result.code == 130
    assert "no model was saved" in result.err
    told = json.loads(result.out)
    assert told == {"model": None, "steps": 0, "interrupted": True}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("held_out", [True, False])
def test_a_score_says_what_it_was_measured_on(
    run: Run,
    annotated: Annotated,
    tmp_path: Path,
    interrupted: list[Any],
    *,
    held_out: bool,
) -> None:
    interrupted.append(Validated(3, 0.5, 0.25, best=False, held_out=held_out))
    result = run(*_arguments(annotated, tmp_path / "out"))
    words = "held-out pixels" if held_out else "pixels that train"
    assert f"step 3: agreement with {words} 0.500" in result.err


def test_a_training_that_cannot_go_on_keeps_the_best_model(
    run: Run, annotated: Annotated, tmp_path: Path, monkeypatch
) -> None:
    network = UNetConfig(depth=1, base_channels=2)
    better = ModelImproved(new_model(ModelSpec(name="x", architecture=network)), 7, 0.5)

    def iter_fit(*args: object, **kwargs: object) -> Iterator[Any]:
        yield from published
        raise TrainingError("The training has ended.")

    monkeypatch.setattr(engine, "iter_fit", iter_fit)
    published: list[ModelImproved] = []
    out = tmp_path / "out"
    run(*_arguments(annotated, out, "--json")).refused("The training has ended.")
    assert not out.exists()
    published.append(better)
    result = run(*_arguments(annotated, out, "--json"))
    assert result.code == 2
    assert "best model so far is saved" in result.err
    assert "The training has ended." in result.err
    assert json.loads(result.out)["steps"] == 7
    assert "interrupted" not in json.loads(result.out)
    assert nu.load_model(out).name == "out"


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        (("--task", "astrology"), "choose one of: instances"),
        (("--architecture", "cathedral"), "choose one of: unet"),
        (("--architecture", "unet", "--from", "nuclei"), "give one of the two"),
        (("--minutes", "1", "--steps", "2"), "not both"),
        (("--minutes", "0"), "above 0"),
        (("--steps", "-1"), "above 0"),
        (("--seed", "-1"), "0 or above"),
        (("--device", "abacus"), "is unknown"),
        (("--axes", "YXC"), "the image has 2"),
        (("--from", "nonsense"), "There is no model"),
        (("--verified", "nowhere"), "There is no folder"),
    ],
)
def test_bad_options(
    run: Run,
    annotated: Annotated,
    tmp_path: Path,
    options: tuple[str, ...],
    phrase: str,
) -> None:
    out = tmp_path / "out"
    run(*_arguments(annotated, out, *options)).refused(phrase)
    assert not out.exists()


def _image_without_label(annotated: Annotated) -> None:
    (annotated.labels / "b.tif").unlink()


def _label_without_image(annotated: Annotated) -> None:
    (annotated.images / "b.tif").unlink()


def _other_shape(annotated: Annotated) -> None:
    tifffile.imwrite(annotated.labels / "b.tif", np.ones((96, 95), np.int32))


def _only(value: int) -> Any:
    def spoil(annotated: Annotated) -> None:
        for path in annotated.labels.iterdir():
            tifffile.imwrite(path, np.full((96, 96), value, np.int32))

    return spoil


COLOURS = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)


def _colour_beside_grey(annotated: Annotated) -> None:
    tifffile.imwrite(annotated.images / "b.tif", COLOURS, photometric="rgb")


def _not_labels(annotated: Annotated) -> None:
    tifffile.imwrite(annotated.labels / "b.tif", np.full((96, 96), 0.5, np.float32))


@pytest.mark.parametrize(
    ("spoil", "phrase"),
    [
        (_image_without_label, "No label map in"),
        (_label_without_image, "No image in"),
        (_other_shape, "Expected the shape (96, 96)"),
        (_only(0), "Only background"),
        (_only(7), "Only objects"),
        (_colour_beside_grey, "the image has 3"),
        (_not_labels, "whole numbers"),
    ],
)
def test_bad_data(
    run: Run, annotated: Annotated, tmp_path: Path, spoil: Any, phrase: str
) -> None:
    spoil(annotated)
    run(*_arguments(annotated, tmp_path / "out", "--steps", 1)).refused(phrase)
    assert not (tmp_path / "out").exists()


def test_no_verified_pixel(run: Run, annotated: Annotated, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    for path in annotated.labels.iterdir():
        tifffile.imwrite(masks / path.name, np.zeros((96, 96), np.uint8))
    arguments = _arguments(annotated, tmp_path / "out", "--verified", masks)
    run(*arguments).refused("No pixel is verified")


def test_masks_are_learned_as_objects_and_that_is_said(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    for path in annotated.labels.iterdir():
        ids = tifffile.imread(path)
        tifffile.imwrite(path, (ids > 0).astype(np.uint8) * 255)
    options = ("--from", model, "--steps", 1)
    result = run(*_arguments(annotated, tmp_path / "m", *options))
    assert result.code == 0
    (line,) = [line for line in result.err.splitlines() if "piece" in line]
    assert line.startswith("a.tif, b.tif: ")
    assert "18 objects" in line
