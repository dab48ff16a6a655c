"""ImageJ's regions at the commands that take label maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import roifile
import tifffile

SQUARE = np.array([[2, 1], [30, 1], [30, 20], [2, 20]])  # X, Y


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A label map, and the same as regions."""
    maps, regions = tmp_path / "maps", tmp_path / "regions"
    for folder in (maps, regions):
        folder.mkdir()
    labels = np.zeros((64, 64), np.int32)
    labels[1:20, 2:30] = 7
    tifffile.imwrite(maps / "a.tif", labels)
    roifile.ImagejRoi.frompoints(SQUARE).tofile(regions / "a.roi")
    return maps, regions


def polygons(*rings: object) -> bytes:
    made = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for ring in rings
    ]
    return json.dumps(made).encode()


BAD = {
    "cut.zip": (lambda good: good[:-30], "is not a zip file"),
    "holes.zip": (lambda good: good.replace(b"Iout", b"Ioux"), "incomplete or damaged"),
    "words.geojson": (lambda _: polygons([["a", "b"]] * 4), "holds no GeoJSON"),
    "nowhere.geojson": (lambda _: polygons([[1e400, 0]] * 4), "holds no GeoJSON"),
    "half.geojson": (lambda _: polygons(SQUARE.tolist())[:-9], "incomplete or damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_regions_leave_nothing(run, folders, tmp_path: Path, name: str) -> None:
    maps, _ = folders
    good = tmp_path / "good.zip"
    roifile.roiwrite(good, roifile.ImagejRoi.frompoints(SQUARE))
    spoil, phrase = BAD[name]
    (tmp_path / name).write_bytes(spoil(good.read_bytes()))
    before = sorted(tmp_path.rglob("*"))
    image = ("--image", maps / "a.tif")
    result = run("export", tmp_path / name, *image, "--out", tmp_path / "out.ome.tif")
    result.refused(phrase)
    assert len(result.err.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("turned", [False, True])
def test_evaluate_compares_regions_with_label_maps(run, folders, turned: bool) -> None:
    truth, predicted = reversed(folders) if turned else folders
    result = run("evaluate", "--truth", truth, "--predicted", predicted, "--json")
    assert result.code == 0, result
    scores = json.loads(result.out)
    assert (scores["tp"], scores["fp"], scores["fn"], scores["dice"]) == (1, 0, 0, 1)


def test_two_files_of_regions_have_no_size(run, folders) -> None:
    _, regions = folders
    result = run("evaluate", "--truth", regions, "--predicted", regions)
    result.refused("know no size of an image")


@pytest.mark.parametrize("task", ["classes", "regression"])
def test_regions_are_no_classes_and_no_values(run, folders, task: str) -> None:
    _, regions = folders
    result = run("evaluate", "--truth", regions, "--predicted", regions, "--task", task)
    result.refused("holds no image")


def test_train_learns_from_regions(run, folders, tmp_path: Path, good_model) -> None:
    _, regions = folders
    images = tmp_path / "images"
    images.mkdir()
    noise = np.random.default_rng(0).integers(0, 50, (64, 64), dtype=np.uint8)
    noise[1:20, 2:30] += 100
    tifffile.imwrite(images / "a.tif", noise)
    folders_of = ("--images", images, "--labels", regions)
    out = tmp_path / "model"
    result = run("train", *folders_of, "--from", good_model, "--out", out, "--steps", 2)
    assert result.code == 0, result
    assert (out / "weights.safetensors").is_file()
