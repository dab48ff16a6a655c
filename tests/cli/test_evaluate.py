"""`napari-unet evaluate`: scores, and no truth without a prediction."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

if TYPE_CHECKING:
    from tests.cli.conftest import Annotated, Run


@pytest.fixture
def predicted(annotated: Annotated, tmp_path: Path) -> Path:
    """One perfect prediction, and one in which an object is missing."""
    folder = tmp_path / "predicted"
    shutil.copytree(annotated.labels, folder)
    labels = tifffile.imread(folder / "b.tif")
    tifffile.imwrite(folder / "b.tif", np.where(labels == 1, 0, labels))
    return folder


def test_json(run: Run, annotated: Annotated, predicted: Path) -> None:
    result = run(
        "evaluate", "--truth", annotated.labels, "--predicted", predicted, "--json"
    )
    assert result.code == 0
    scores = json.loads(result.out)
    counts = ["tp", "fp", "fn"]
    means = ["ap", "ap_mean", "msa", "msa_mean", "dice"]
    assert list(scores) == ["images", *means, *counts]
    thresholds = [f"{threshold:.2f}" for threshold in np.arange(0.5, 0.91, 0.05)]
    assert list(scores["ap"]) == list(scores["ap_mean"]) == thresholds
    assert scores["images"] == 2
    assert (scores["tp"], scores["fp"], scores["fn"]) == (17, 0, 1)
    assert scores["ap"]["0.50"] == pytest.approx(17 / 18)
    assert scores["ap_mean"]["0.90"] == pytest.approx((1 + 8 / 9) / 2)
    # What is found has the right outline: alike at every IoU.
    assert scores["msa"] == pytest.approx(17 / 18)
    assert scores["msa_mean"] == pytest.approx((1 + 8 / 9) / 2)


def test_table(run: Run, annotated: Annotated, predicted: Path) -> None:
    result = run("evaluate", "--truth", annotated.labels, "--predicted", predicted)
    assert result.code == 0
    assert "0.944" in result.out
    assert re.search(r"mSA\W+0\.944\W+0\.944", result.out)
    assert "17 found, 0 false, 1 missed" in result.out


def test_a_prediction_without_truth_is_left_out_aloud(
    run: Run, annotated: Annotated, predicted: Path
) -> None:
    (annotated.labels / "b.tif").unlink()
    result = run(
        "evaluate", "--truth", annotated.labels, "--predicted", predicted, "--json"
    )
    assert json.loads(result.out)["images"] == 1
    assert "no truth" in result.err
    assert "'b'" in result.err


def test_refusals(run: Run, annotated: Annotated, predicted: Path) -> None:
    arguments = ("evaluate", "--truth", annotated.labels, "--predicted", predicted)
    tifffile.imwrite(predicted / "a.tif", np.zeros((5, 5), np.int32))
    run(*arguments).refused("has the shape (5, 5)")
    (predicted / "a.tif").unlink()
    run(*arguments).refused("No prediction in")
    (predicted / "b.tif").unlink()
    run(*arguments).refused("holds no image")
    run(*arguments[:-1], predicted / "no").refused("There is no folder")


def write_folder(folder: Path, **arrays: np.ndarray) -> Path:
    folder.mkdir()
    for name, array in arrays.items():
        tifffile.imwrite(folder / f"{name}.tif", array, photometric="minisblack")
    return folder


CELLS = np.zeros((30, 30), np.int32)
CELLS[2:10, 2:10], CELLS[2:10, 15:20], CELLS[20:28, 4:9] = 1, 2, 3


@pytest.mark.parametrize(
    "change",
    [
        lambda ids: (ids > 0).astype(np.uint8) * 255,
        lambda ids: ids > 0,
        lambda ids: np.where(ids > 0, ids, -1),
        lambda ids: ids.astype(np.float64),
        lambda ids: ids.astype(np.uint64) * 2**33,
    ],
    ids=["mask", "bool", "negative", "float", "uint64"],
)
def test_labels_of_any_kind_are_the_objects_they_show(
    run: Run, tmp_path: Path, change
) -> None:
    both = {"a": CELLS, "b": CELLS.T.copy()}
    truth = write_folder(tmp_path / "t", **both)
    found = write_folder(tmp_path / "p", **{k: change(v) for k, v in both.items()})
    for one, other in ((truth, found), (found, truth)):
        result = run("evaluate", "--truth", one, "--predicted", other, "--json")
        scores = json.loads(result.out)
        assert (scores["tp"], scores["fp"], scores["fn"]) == (6, 0, 0)
        told = result.err.splitlines()
        plain = np.array_equal(change(CELLS), CELLS)
        assert len(told) == (0 if plain else 1)


def test_masks_are_told_once_for_all_images(run: Run, tmp_path: Path) -> None:
    masks = {name: (CELLS > 0).astype(np.uint8) for name in "abcd"}
    truth = write_folder(tmp_path / "t", **masks)
    result = run("evaluate", "--truth", truth, "--predicted", truth)
    assert "12 found, 0 false, 0 missed" in result.out
    (line,) = result.err.splitlines()
    assert "connected piece" in line
    assert "24 objects" in line


def test_one_id_in_two_pieces_stays_one_object_beside_others(
    run: Run, tmp_path: Path
) -> None:
    parts = np.where(CELLS == 3, 1, 0) + np.where(CELLS == 1, 1, 0)
    truth = write_folder(tmp_path / "t", a=parts, b=CELLS)
    result = run("evaluate", "--truth", truth, "--predicted", truth)
    assert "4 found, 0 false, 0 missed" in result.out
    assert not result.err


def test_classes_as_a_mask_and_as_numbers(run: Run, tmp_path: Path) -> None:
    truth = write_folder(tmp_path / "t", a=(CELLS > 0).astype(np.uint8))
    found = write_folder(tmp_path / "p", a=(CELLS > 0).astype(np.uint8) * 255)
    for one, other in ((truth, found), (found, truth)):
        options = ("--task", "classes", "--json")
        result = run("evaluate", "--truth", one, "--predicted", other, *options)
        assert json.loads(result.out)["accuracy"] == 1
        assert "class 1" in result.err
