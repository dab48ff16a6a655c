"""Classes and regression on the command line, from folders to scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile


@pytest.fixture
def folders(tmp_path):
    """Return images of bright discs, their classes, and two variables of each."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96]
    for kind in ("images", "classes", "values", "masks"):
        (tmp_path / kind).mkdir()
    for name in ("a", "b"):
        inside = (y % 32 - 16) ** 2 + (x % 32 - 16) ** 2 < 80
        image = 300 * inside + rng.normal(100, 20, inside.shape)
        classes = inside.astype(np.uint8)
        values = np.stack([10.0 * inside, 5 - inside]).astype(np.float32)
        values[1, :40] = np.nan
        masks = np.zeros_like(classes)
        masks[:, :64] = 1
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", image.astype(np.uint16))
        tifffile.imwrite(tmp_path / "classes" / f"{name}.tif", classes)
        tifffile.imwrite(tmp_path / "values" / f"{name}.tif", values)
        tifffile.imwrite(tmp_path / "masks" / f"{name}.tif", masks)
    return tmp_path


def train(run, folders, labels, *more):
    return run(
        "train",
        *("--images", folders / "images", "--labels", folders / labels),
        *("--out", folders / "model", "--device", "cpu", "--json"),
        *more,
    )


@pytest.mark.parametrize(
    ("largest", "names", "told"), [(20, "", True), (19, "", False), (20, "n", False)]
)
def test_ids_that_are_taken_for_classes_are_questioned(
    run, folders, largest: int, names: str, *, told: bool
):
    for path in (folders / "classes").iterdir():
        labels = tifffile.imread(path)
        labels[:2, :largest] = np.arange(1, largest + 1)
        tifffile.imwrite(path, labels)
    listed = ",".join(f"{names}{n}" for n in range(largest + 1))
    named = ("--names", listed) if names else ()
    options = ("--task", "classes", "--steps", 1, *named)
    outcome = train(run, folders, "classes", *options)
    assert outcome.code == 0, outcome
    question = "21 classes of pixels apart. If they are ids of objects"
    assert (question in outcome.err) == told
    assert ("--task instances" in outcome.err) == told


def test_classes_from_folders_to_scores(run, folders):
    names = ("--task", "classes", "--names", "ground,disc")
    outcome = train(run, folders, "classes", *names, "--steps", 3)
    assert outcome.code == 0, outcome
    assert set(json.loads(outcome.out)) == {"model", "steps", "score", "seconds"}
    model, out = folders / "model", folders / "out"
    outcome = run("predict", folders / "images", "--model", model, "--out", out)
    assert outcome.code == 0, outcome
    found = tifffile.imread(out / "a.tif")
    assert (found.dtype, found.shape) == (np.uint8, (96, 96))
    outcome = run(
        *("evaluate", "--truth", folders / "classes", "--predicted", out),
        *("--task", "classes", "--json"),
    )
    scores = json.loads(outcome.out)
    assert scores["images"] == 2
    assert len(scores["dice"]) in {1, 2}
    assert run("models", "show", model).code == 0


def test_probabilities_on_request(run, folders):
    train(run, folders, "classes", "--task", "classes", "--steps", 1)
    run(
        *("predict", folders / "images" / "a.tif", "--model", folders / "model"),
        *("--out", folders / "maps", "--probabilities", "--rotations"),
        "--full-precision",
    )
    with tifffile.TiffFile(folders / "maps" / "a.tif") as file:
        assert file.series[0].axes == "CYX"
        maps = file.asarray()
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps.sum(0), 1, atol=1e-5)


def test_values_that_are_all_the_same_leave_a_model_that_opens(run, folders):
    for path in (folders / "values").iterdir():
        tifffile.imwrite(path, np.full((96, 96), 5, np.float32))
    outcome = train(run, folders, "values", "--task", "regression", "--steps", 1)
    assert outcome.code == 0, outcome
    assert np.isfinite(list(json.loads(outcome.out)["score"].values())).all()
    assert run("models", "show", folders / "model").code == 0


def test_regression_from_folders_to_scores(run, folders):
    outcome = train(
        *(run, folders, "values", "--task", "regression", "--names", "x,y"),
        *("--steps", 3, "--verified", folders / "masks"),
    )
    assert outcome.code == 0, outcome
    model, out = folders / "model", folders / "out"
    assert run("predict", folders / "images", "--model", model, "--out", out).code == 0
    found = tifffile.imread(out / "a.tif")
    assert (found.dtype, found.shape) == (np.float32, (2, 96, 96))
    outcome = run(
        *("evaluate", "--truth", folders / "values", "--predicted", out),
        *("--task", "regression", "--json"),
    )
    scores = json.loads(outcome.out)
    assert len(scores["correlation"]) == 2
    assert scores["variables"]["a"][1]["pixels"] == 56 * 96


def test_another_task_keeps_the_network(run, folders, model):
    outcome = train(
        run, folders, "classes", "--task", "classes", "--from", model, "--steps", 1
    )
    assert outcome.code == 0, outcome
    shown = run("models", "show", folders / "model", "--json")
    assert json.loads(shown.out)["task"] == "classes"


def test_the_recipe_of_2015_can_be_asked_for(run, folders):
    outcome = train(
        *(run, folders, "classes", "--task", "classes", "--steps", 1),
        *("--preset", "original-2015", "--architecture", "original"),
        *("--set", "architecture.base_channels=1"),
        *("--set", "architecture.blocks=2"),
    )
    assert outcome.code == 0, outcome
    shown = run("models", "show", folders / "model", "--json")
    assert json.loads(shown.out)["spec"]["architecture"]["dropout"] == 0.5


def test_the_recipe_of_2015_can_do_without_dropout(run, folders):
    outcome = train(
        *(run, folders, "classes", "--task", "classes", "--steps", 1),
        *("--preset", "original-2015", "--architecture", "original"),
        *("--set", "architecture.base_channels=1"),
        *("--set", "architecture.blocks=2", "--set", "architecture.dropout=0"),
    )
    assert outcome.code == 0, outcome
    shown = run("models", "show", folders / "model", "--json")
    assert json.loads(shown.out)["spec"]["architecture"]["dropout"] == 0


@pytest.mark.parametrize("start", [[], ["--from", "nuclei"]])
def test_a_loss_is_chosen_for_values(run, folders, start):
    outcome = train(
        *(run, folders, "values", "--task", "regression", "--steps", 1),
        *("--set", "loss.regression=mse", *start),
    )
    assert outcome.code == 0, outcome
    model, out = folders / "model", folders / "out"
    shown = run("models", "show", model, "--json")
    assert json.loads(shown.out)["spec"]["loss"]["regression"] == "mse"
    assert run("predict", folders / "images", "--model", model, "--out", out).code == 0


@pytest.mark.parametrize(
    ("labels", "options", "phrase"),
    [
        ("classes", ["--task", "cells"], "choose one of"),
        ("classes", ["--task", "classes", "--names", "a"], "name 2 classes"),
        ("classes", ["--task", "classes", "--names", "a,,b"], "empty name"),
        ("classes", ["--task", "classes", "--names", "a,b,b"], "'b' is given twice"),
        ("classes", ["--task", "instances", "--ignore", "3"], "--task classes"),
        ("classes", ["--task", "classes", "--ignore", "1"], "Only one class"),
        ("classes", ["--task", "classes", "--preset", "best"], "choose one of"),
        ("values", ["--task", "classes"], "whole numbers"),
        ("values", ["--task", "regression", "--names", "a"], "targets have 2"),
        ("classes", ["--architecture", "vgg"], "choose one of"),
        ("classes", ["--preset", "original-2015"], "add --task classes"),
        (
            "classes",
            ["--task", "classes", "--set", "loss.regression=mse"],
            "has no effect",
        ),
        ("classes", ["--set", "loss.sharpness=3"], "There is no option"),
        (
            "classes",
            ["--task", "classes", "--architecture", "resnet18", "--from", "nuclei"],
            "keeps the network",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_training(
    run, folders, labels, options, phrase
):
    train(run, folders, labels, "--steps", 1, *options).refused(phrase)
    assert not (folders / "model").exists()


def test_targets_without_a_finite_value_are_refused(run, folders):
    for path in (folders / "values").iterdir():
        tifffile.imwrite(path, np.full((96, 96), np.nan, np.float32))
    outcome = train(run, folders, "values", "--task", "regression", "--steps", 1)
    outcome.refused("finite")


def test_evaluating_an_unknown_task_is_refused(run, folders):
    run(
        *("evaluate", "--truth", folders / "classes"),
        *("--predicted", folders / "classes", "--task", "cells"),
    ).refused("choose one of")
