"""`predict --output-format`, `--plan` and `verify-seams` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_unet.large import work
from napari_unet.weights.folder import save_model
from tests.cli.conftest import Run
from tests.large.scenes import crossing
from tests.session.brightness import brightness_model


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    save_model(brightness_model(), folder / "bright")
    tifffile.imwrite(folder / "big.tif", crossing((300, 2100)))
    return folder


def test_an_image_becomes_a_zarr_whose_seams_are_verified(
    run: Run, scene: Path, tmp_path: Path
) -> None:
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out")
    asked = (*asked, tmp_path / "out", "--output-format", "ome-zarr")
    done = run(*asked, "--json")
    assert done.code == 0, done
    (written,) = json.loads(done.out)["written"]
    labels = zarr.open_array(tmp_path / "out/big.zarr/labels/cells/0", mode="r")[...]
    assert written["objects"] == labels.max() > 50
    assert (written["blocks"], written["computed"], written["empty"]) == (2, 2, [])
    again = run(*asked)
    assert again.code == 0
    assert "0 of 2 blocks computed now" in again.out
    assert "was there already" in again.err
    good = run("verify-seams", tmp_path / "out/big.zarr", "--json")
    assert good.code == 0, good
    assert json.loads(good.out) == {"windows": 1, "seams": 1, "differing": []}
    array = zarr.open_array(tmp_path / "out/big.zarr/labels/cells/0", mode="r+")
    array[:, 2048:] = np.where(labels[:, 2048:] > 0, labels[:, 2048:] + 999, 0)
    bad = run("verify-seams", tmp_path / "out/big.zarr")
    assert bad.code == 2
    assert "at Y 0:300, X 1792:2100 the result differs" in bad.err


def test_a_tiff_lies_where_it_lies_without_the_option(
    run: Run, scene: Path, tmp_path: Path
) -> None:
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out")
    assert run(*asked, tmp_path / "a", "--output-format", "tiff").code == 0
    assert run(*asked, tmp_path / "b").code == 0
    one, other = (tifffile.imread(tmp_path / n / "big.tif") for n in "ab")
    assert one.dtype == other.dtype == np.int32
    np.testing.assert_array_equal(one > 0, other > 0)


def test_a_plan_does_nothing(run: Run, scene: Path, tmp_path: Path) -> None:
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out")
    done = run(*asked, tmp_path / "out", "--plan")
    assert done.code == 0
    assert "2 blocks of 300 x 2048 pixels at most" in done.out
    (plan,) = json.loads(run(*asked, tmp_path / "out", "--plan", "--json").out)
    assert (plan["shape"], plan["axes"], plan["chunks"]) == ([300, 2100], "YX", 2)
    assert plan["memory"] > plan["disk"] > 0
    assert not (tmp_path / "out").exists()


def test_what_stays_empty_ends_with_3(
    run: Run, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = work._predict

    def poisoned(each: work.Run, number: int) -> None:
        if number:
            raise ValueError("poison")
        predict(each, number)

    monkeypatch.setattr(work, "_predict", poisoned)
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out")
    asked = (*asked, tmp_path / "out", "--output-format", "ome-zarr")
    done = run(*asked)
    assert done.code == 3
    assert "Y 0:300, X 2048:2100 is empty: ValueError: poison" in done.err
    assert "give the same command again" in done.err
    monkeypatch.setattr(work, "_predict", predict)
    assert "1 of 2 blocks computed now" in run(*asked).out


def test_mistakes_are_told(run: Run, scene: Path, tmp_path: Path) -> None:
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out", "x")
    run(*asked, "--workers", "2").refused("say --output-format")
    both = ("--workers", "2", "--scheduler", "tcp://a:1", "--output-format", "tiff")
    run(*asked, *both).refused("give one")
    run(*asked, "--output-format", "tiff", "--resume").refused("goes on by itself")
    run("verify-seams", tmp_path).refused("Expected a result of napari-unet predict")
