"""`napari-unet evaluate`: scores, and no truth without a prediction."""

from __future__ import annotations

import json
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
    assert list(scores) == ["images", "ap", "ap_mean", "dice", "tp", "fp", "fn"]
    thresholds = [f"{threshold:.2f}" for threshold in np.arange(0.5, 0.91, 0.05)]
    assert list(scores["ap"]) == list(scores["ap_mean"]) == thresholds
    assert scores["images"] == 2
    assert (scores["tp"], scores["fp"], scores["fn"]) == (17, 0, 1)
    assert scores["ap"]["0.50"] == pytest.approx(17 / 18)
    assert scores["ap_mean"]["0.90"] == pytest.approx((1 + 8 / 9) / 2)


def test_table(run: Run, annotated: Annotated, predicted: Path) -> None:
    result = run("evaluate", "--truth", annotated.labels, "--predicted", predicted)
    assert result.code == 0
    assert "0.944" in result.out
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
