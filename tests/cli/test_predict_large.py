"""`predict --output-format`, `--plan` and `verify-seams` on the command line."""

from __future__ import annotations

import json
import os
import shutil
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
    found = json.loads(good.out)
    assert found == {"windows": 3, "seams": 1, "blocks": 2, "differing": []}
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


def test_a_plan_says_what_could_not_begin_now(
    run: Run, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 7, 2)
    )
    monkeypatch.setattr("napari_unet.large.workers._PATIENCE_S", 0.2)
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--plan")
    asked = (*asked, "--out", tmp_path / "o" / "p", "--scheduler", "tcp://127.0.0.1:9")
    done = run(*asked)
    assert done.code == 2
    assert "2 blocks of 300 x 2048 pixels at most" in done.out
    assert "it could not begin now: Expected about" in done.err
    assert "No scheduler answers at 'tcp://127.0.0.1:9'" in done.err
    (plan,) = json.loads(run(*asked, "--json").out)
    assert len(plan["hindrances"]) == 2


@pytest.mark.parametrize("more", [("--plan",), ()])
def test_unstated_axes_are_told(
    more: tuple[str, ...], run: Run, scene: Path, tmp_path: Path
) -> None:
    stack = np.zeros((3, 60, 70), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata=None, photometric="minisblack")
    zarr.create_array(tmp_path / "b.zarr", data=stack, dimension_names=["t", "y", "x"])
    asked = ("--model", scene / "bright", "--out", tmp_path / "o", *more)
    asked = (*asked, "--output-format", "ome-zarr")
    done = run("predict", tmp_path / "a.tif", *asked)
    assert done.code == 0
    assert "its axes are stated nowhere and ZYX (z-stack) was guessed" in done.err
    told = run("predict", tmp_path / "a.tif", *asked, "--axes", "ZYX", "--overwrite")
    stated = run("predict", tmp_path / "b.zarr", *asked)
    assert (told.code, stated.code) == (0, 0)
    assert "was guessed" not in told.err + stated.err
    if more:
        assert "(3 x 60 x 70, TYX)" in stated.out


def test_a_plan_for_a_folder_that_cannot_be_written(
    run: Run, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--plan")
    asked = (*asked, "--out")
    run(*asked, scene / "big.tif" / "out").refused("big.tif' is a file")
    # Whoever runs this may be allowed to write anywhere.
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    run(*asked, tmp_path / "out").refused("could not be written: it is read-only")


def test_an_image_at_an_address(run: Run, scene: Path, tmp_path: Path) -> None:
    stored = zarr.storage.FsspecStore.from_url("memory://far/away.zarr")
    zarr.save_array(stored, crossing((60, 50)))
    asked = ("predict", "memory://far/away.zarr", "--model", scene / "bright")
    asked = (*asked, "--out", tmp_path)
    run(*asked).refused("give it --output-format")
    done = run(*asked, "--output-format", "tiff")
    assert done.code == 0, done
    assert tifffile.imread(tmp_path / "away.tif").shape == (60, 50)
    run(*asked[:1], "nowhere://x.zarr", *asked[2:], "--plan").refused("be reached")


def test_a_plan_says_what_the_prediction_would_say(
    run: Run, scene: Path, tmp_path: Path
) -> None:
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out")
    asked = (*asked, tmp_path, "--output-format", "tiff")
    assert run(*asked).code == 0
    assert "0 to be computed" in run(*asked, "--plan").out
    other = (*asked, "--threshold", "0.4")
    run(*other, "--plan").refused("another image, model or setting")
    assert "2 to be computed" in run(*other, "--plan", "--overwrite").out


def test_an_image_that_fails_is_listed_and_the_others_are_written(
    run: Run, scene: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.tif").write_bytes(b"no image")
    two = np.stack([crossing((60, 60)), crossing((60, 60), 30)])
    tifffile.imwrite(tmp_path / "two.ome.tif", two, metadata={"axes": "CYX"})
    tifffile.imwrite(tmp_path / "flat.tif", np.zeros((60, 60), np.uint16))
    images = [tmp_path / name for name in ("broken.tif", "two.ome.tif", "flat.tif")]
    asked = ("predict", *images, "--model", scene / "bright", "--out", tmp_path / "o")
    asked = (*asked, "--output-format", "ome-zarr", "--json")
    for more in (("--plan",), ()):
        done = run(*asked, *more)
        assert done.code == 2
        assert "not an image that this program reads" in done.err
        assert "--channel 1" in done.err
        assert "was there already" not in done.err
        found = json.loads(done.out)
        (one,) = found if more else found["written"]
        assert one["image"] == str(tmp_path / "flat.tif")
    assert "was there already" in run(*asked).err


def test_a_full_disk_is_told_in_numbers_that_differ(
    run: Run, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 7, 2)
    )
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out")
    done = run(*asked, tmp_path / "o", "--output-format", "tiff")
    done.refused("kB of free space")
    assert "found 2 bytes" in done.err
    assert " 0.0 " not in done.err


def test_seams_are_not_compared_with_an_image_of_another_shape(
    run: Run, scene: Path, tmp_path: Path
) -> None:
    asked = ("predict", scene / "big.tif", "--model", scene / "bright", "--out")
    assert run(*asked, tmp_path, "--output-format", "tiff").code == 0
    tifffile.imwrite(tmp_path / "small.tif", crossing((90, 80)))
    other = ("--image", tmp_path / "small.tif")
    done = run("verify-seams", tmp_path / "big.tif", *other)
    done.refused("300 x 2100 pixels, found 90 x 80")
    done = run("verify-seams", tmp_path / "big.tif", "--image", scene / "big.tif")
    assert done.code == 0


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
