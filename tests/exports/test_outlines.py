"""Objects as outlines: regions of ImageJ, GeoJSON, COCO; filled, they are the same."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roifile
from PIL import Image

from napari_unet.annotation.schema import LabelSchema
from napari_unet.errors import InputError
from napari_unet.exports import Result
from napari_unet.io.rois import fill, read_rois
from tests.exports.conftest import awkward, result_of, write


def drawn(rings: list[list[list[float]]], shape: tuple[int, int]) -> np.ndarray:
    """Fill rings of corners (X, Y)."""
    loops = [np.array(ring, float)[:, ::-1] for ring in rings]
    return fill(loops, (slice(0, shape[0]), slice(0, shape[1])))


def test_regions_come_back_with_their_ids(tmp_path: Path) -> None:
    labels = awkward()
    path = write(result_of(labels), "imagej-roi", tmp_path)
    np.testing.assert_array_equal(read_rois(path, labels.shape), labels)
    regions = roifile.ImagejRoi.fromfile(path)
    assert [each.name for each in regions] == ["2", "5", "7", "9", "41", "300"]
    kinds = {each.name: each.roitype.name for each in regions}
    assert kinds == dict.fromkeys(kinds, "TRACED") | dict.fromkeys("57", "RECT") | {
        "41": "RECT"
    }


def test_an_older_archive_is_replaced_as_a_whole(tmp_path: Path) -> None:
    labels = awkward()
    write(result_of(labels), "imagej-roi", tmp_path)
    only = np.where(labels == 2, 2, 0).astype(np.int32)
    path = write(result_of(only), "imagej-roi", tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["2.roi"]


@pytest.mark.parametrize(
    ("axes", "channels", "expected"),
    [
        ("ZYX", 1, [(2, 0, 0)]),
        ("TYX", 1, [(2, 0, 0)]),
        ("ZYX", 2, [(0, 2, 0)]),
        ("TZYX", 1, [(0, 2, 1), (0, 2, 2)]),
    ],
)
def test_regions_of_stacks_are_on_their_planes(
    tmp_path: Path, axes: str, channels: int, expected: list[tuple[int, int, int]]
) -> None:
    stack = np.stack([np.zeros((20, 30), np.int32), np.where(awkward() == 2, 2, 0)])
    labels = np.stack([stack, stack]) if len(axes) > 3 else stack
    image, image_axes = labels.astype(np.uint8), axes
    if channels > 1:
        image, image_axes = np.stack([image] * channels), f"C{axes}"
    result = result_of(labels, axes, image=image, image_axes=image_axes)
    path = write(result, "imagej-roi", tmp_path)
    found = roifile.ImagejRoi.fromfile(path)
    regions = found if isinstance(found, list) else [found]
    places = [(r.position, r.z_position, r.t_position) for r in regions]
    assert places == expected
    assert len({r.name for r in regions}) == len(regions)


def test_classes_are_regions_by_their_names(tmp_path: Path, classes: Result) -> None:
    regions = roifile.ImagejRoi.fromfile(write(classes, "imagej-roi", tmp_path))
    assert [each.name for each in regions] == ["cell", "dead"]


def test_geojson_comes_back(tmp_path: Path) -> None:
    labels = awkward()
    path = write(result_of(labels), "geojson", tmp_path)
    found = json.loads(path.read_text())
    assert found["type"] == "FeatureCollection"
    back = np.zeros_like(labels)
    for feature in found["features"]:
        geometry, told = feature["geometry"], feature["properties"]
        polygons = geometry["coordinates"]
        if geometry["type"] == "Polygon":
            polygons = [polygons]
        for rings in polygons:
            assert all(ring[0] == ring[-1] for ring in rings)
            inside = drawn([ring[:-1] for ring in rings], labels.shape)
            assert not back[inside].any()
            back[inside] = int(told["name"])
        assert geometry["plane"] == {"c": -1, "z": 0, "t": 0}
        assert told["objectType"] == "detection"
        measured = told["measurements"]
        assert measured["area (px)"] == np.count_nonzero(labels == told["label"])
        assert measured["mean"] == 1000 + 3 * told["label"]
    np.testing.assert_array_equal(back, labels)


def test_geojson_of_classes_and_stacks(tmp_path: Path, classes: Result) -> None:
    found = json.loads(write(classes, "geojson", tmp_path).read_text())["features"]
    assert [f["properties"]["classification"] for f in found] == [
        {"name": "cell"},
        {"name": "dead"},
    ]
    assert {f["properties"]["objectType"] for f in found} == {"annotation"}
    stack = np.stack([awkward(), awkward()])
    path = write(result_of(stack, "TYX"), "geojson", tmp_path)
    found = json.loads(path.read_text())["features"]
    assert [f["geometry"]["plane"]["t"] for f in found] == [0] * 6 + [1] * 6


def test_coco_comes_back(tmp_path: Path) -> None:
    labels = awkward()
    found = json.loads(write(result_of(labels), "coco", tmp_path).read_text())
    (image,) = found["images"]
    assert image == {"id": 1, "file_name": "cells.tif", "width": 30, "height": 20}
    back = np.zeros_like(labels)
    for each in found["annotations"]:
        mask = coco_mask(each["segmentation"], labels.shape)
        assert each["area"] == mask.sum()
        y, x = np.nonzero(mask)
        width, height = np.ptp(x) + 1, np.ptp(y) + 1
        assert each["bbox"] == [x.min(), y.min(), width, height]
        assert (each["category_id"], each["iscrowd"]) == (1, 0)
        back[mask] = each["label"]
    np.testing.assert_array_equal(back, labels)
    assert len({each["id"] for each in found["annotations"]}) == 6


def coco_mask(segmentation: object, shape: tuple[int, int]) -> np.ndarray:
    if isinstance(segmentation, list):
        corners = [np.reshape(part, (-1, 2)).tolist() for part in segmentation]
        return drawn(corners, shape)
    assert isinstance(segmentation, dict)
    assert segmentation["size"] == list(shape)
    counts = segmentation["counts"]
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return values.reshape(shape[::-1]).T


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_it(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    labels = awkward()
    found = coco.COCO(str(write(result_of(labels), "coco", tmp_path)))
    for each in found.loadAnns(found.getAnnIds()):
        mask = found.annToMask(each).astype(bool)
        np.testing.assert_array_equal(mask, labels == each["label"])


def test_classes_are_categories(tmp_path: Path, classes: Result) -> None:
    found = json.loads(write(classes, "coco", tmp_path).read_text())
    assert found["categories"] == [{"id": 1, "name": "cell"}, {"id": 2, "name": "dead"}]
    assert [each["category_id"] for each in found["annotations"]] == [1, 2]
    nameless = replace(classes, schema=LabelSchema("classes"))
    found = json.loads(write(nameless, "coco", tmp_path).read_text())
    assert found["categories"] == [{"id": 1, "name": "1"}, {"id": 2, "name": "2"}]


def test_a_picture_has_outlines_over_the_image(tmp_path: Path) -> None:
    labels = awkward()
    path = write(result_of(labels), "outlines", tmp_path)
    with Image.open(path) as picture:
        seen = np.asarray(picture)
    assert seen.shape == (20, 30, 3)
    grey = (seen == seen[..., :1]).all(axis=-1)
    assert grey[labels == 0].all()
    assert not grey[4, 4]
    assert grey[3:6, 3:6].sum() == 8
    colours = {tuple(seen[y, x]) for y, x in ((1, 1), (1, 9), (4, 4))}
    assert len(colours) == 3
    with pytest.raises(InputError, match="stack"):
        write(result_of(labels[None], "ZYX"), "outlines", tmp_path)


def test_what_is_unknown_is_no_class(tmp_path: Path, classes: Result) -> None:
    labels = classes.labels.copy()
    labels[18:, :10] = 255
    result = replace(classes, labels=labels)
    with zipfile.ZipFile(write(result, "imagej-roi", tmp_path)) as archive:
        assert archive.namelist() == ["cell.roi", "dead.roi"]
    features = json.loads(write(result, "geojson", tmp_path).read_text())["features"]
    assert [each["properties"]["label"] for each in features] == [1, 2]
    found = json.loads(write(result, "coco", tmp_path).read_text())
    assert [each["category_id"] for each in found["annotations"]] == [1, 2]
    assert [each["name"] for each in found["categories"]] == ["cell", "dead"]


def test_regions_never_share_a_name(tmp_path: Path) -> None:
    labels = np.zeros((2, 9, 20), np.int32)
    for number in range(1, 6):
        labels[:, 1:5, 3 * number : 3 * number + 2] = number
    names = ("ground", "a/b", "a-b", "A:B", "a\u0007b", "cell")
    result = Result("c", labels, "ZYX", LabelSchema("classes", names))
    with zipfile.ZipFile(write(result, "imagej-roi", tmp_path)) as archive:
        entries = archive.namelist()
    assert len({each.casefold() for each in entries}) == len(entries) == 10
    assert entries[:2] == ["a-b z1.roi", "a-b z1 (2).roi"]
    inside = [each.name for each in roifile.ImagejRoi.fromfile(tmp_path / "c rois.zip")]
    assert [f"{name}.roi" for name in inside] == entries
