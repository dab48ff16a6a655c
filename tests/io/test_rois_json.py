"""Regions as GeoJSON and COCO are read back, also those that others write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.exports import Result, find_format, iter_write
from napari_unet.io.labels import read_label_file
from napari_unet.io.rois import read_rois

LABELS = arrays(np.int32, (2, 5, 6), elements=st.sampled_from([0, 1, 2, 70_000]))
SQUARE = [[2, 1], [6, 1], [6, 4], [2, 4], [2, 1]]


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def feature(geometry: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": said}


def polygon(**more: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [SQUARE], **more}


@settings(max_examples=15)
@given(labels=LABELS, name=st.sampled_from(["geojson", "coco"]), planes=st.booleans())
def test_what_is_exported_comes_back_pixel_by_pixel(
    tmp_path_factory: pytest.TempPathFactory,
    labels: np.ndarray,
    name: str,
    planes: bool,
) -> None:
    labels, axes = (labels, "ZYX") if planes else (labels[0], "YX")
    format_ = find_format(name)
    path = tmp_path_factory.mktemp("json", numbered=True) / f"a{format_.suffix}"
    drain(iter_write(Result("a", labels, axes), format_, path))
    np.testing.assert_array_equal(read_rois(path, labels.shape, axes), labels)


def test_regions_of_qupath_are_numbered_where_they_have_no_numbers(
    tmp_path: Path,
) -> None:
    """A plain list, measurements that are NaN, classes, and no plane at all."""
    other = {"type": "MultiPolygon", "coordinates": [[[[7, 5], [9, 5], [9, 8]]]]}
    features = [
        feature(polygon(), classification={"name": "Tumor"}, name="PathAnnotation"),
        feature(other, measurements={"Area": float("nan")}),
    ]
    path = write(tmp_path / "a.geojson", features)
    labels = read_rois(path, (8, 9))
    assert (labels[1:4, 2:6] == 1).all()
    assert np.unique(labels).tolist() == [0, 1, 2]
    assert read_label_file(path, (8, 9)).regions


def test_one_feature_is_a_file_and_its_plane_is_in_a_stack(tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", feature(polygon(plane={"z": 2, "t": 0})))
    labels = read_rois(path, (3, 8, 9), "ZYX")
    assert labels[2, 1:4, 2:6].all()
    assert labels.sum() == 12
    with pytest.raises(InputError, match="on the section 3, and the image has 2"):
        read_rois(path, (2, 8, 9), "ZYX")


def test_polygons_of_other_programs_in_coco(tmp_path: Path) -> None:
    """Two annotations of one category, which have no label, only their ids."""
    flat = [float(n) for corner in SQUARE[:-1] for n in corner]
    content = {
        "images": [{"id": 7, "width": 9, "height": 8, "file_name": "a.tif"}],
        "annotations": [
            {"id": 5, "image_id": 7, "category_id": 1, "segmentation": [flat]},
            {
                "id": 9,
                "image_id": 7,
                "category_id": 1,
                "segmentation": {"size": [8, 9], "counts": [0, 2, 70]},
            },
        ],
    }
    labels = read_rois(write(tmp_path / "a.json", content), (8, 9))
    assert (labels[1:4, 2:6] == 5).all()
    assert labels[:2, 0].tolist() == [9, 9]
    assert np.count_nonzero(labels) == 14


def test_polygons_that_cross_are_filled_by_turns(tmp_path: Path) -> None:
    """Themselves, as a bow tie; each other, where the later one counts, as is told."""
    tie = [[1, 1], [7, 7], [7, 1], [1, 7], [1, 1]]
    path = write(tmp_path / "a.geojson", [feature({**polygon(), "coordinates": [tie]})])
    found = read_label_file(path, (8, 9))
    assert not found.notes
    left, right, middle = found.array[4, 1], found.array[4, 6], found.array[1, 4]
    assert (left, right, middle) == (1, 1, 0)
    both = [feature(polygon()), feature({**polygon(), "coordinates": [tie]})]
    found = read_label_file(write(path, both), (8, 9))
    assert found.notes == (
        "1 of 2 regions lie in part over others; the later one counts there.",
    )


def test_numbers_in_quotes_are_numbers(tmp_path: Path) -> None:
    quoted = [[str(x), str(y)] for x, y in SQUARE]
    content = [feature({"type": "Polygon", "coordinates": [quoted]}, label="12")]
    labels = read_rois(write(tmp_path / "a.geojson", content), (8, 9))
    assert (labels[1:4, 2:6] == 12).all()
    assert np.count_nonzero(labels) == 12


IMAGE = {"id": 1, "width": 9, "height": 8}
RUNS = {"size": [9, 8], "counts": [0, 2, 70]}
SHORT = {"size": [8, 9], "counts": [0, 2]}
PACKED = {"size": [8, 9], "counts": "0W1"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.geojson", "text", "holds no GeoJSON"),
        ("a.geojson", [1], "holds no GeoJSON"),
        ("a.geojson", [feature({"type": "LineString"}, name="x")], "is a LineString"),
        ("a.geojson", [feature({"type": "Polygon"})], "holds no GeoJSON"),
        (
            "a.geojson",
            [feature({"type": "Polygon", "coordinates": [[[1, float("inf")]] * 4]})],
            "holds no GeoJSON",
        ),
        ("a.json", {"images": []}, "holds no annotations of COCO"),
        ("a.json", {"images": [{**IMAGE, "width": 5}], "annotations": []}, "5 x 8"),
        ("a.json", {"images": [IMAGE, IMAGE], "annotations": []}, "of 2 images"),
        (
            "a.json",
            {
                "images": [IMAGE],
                "annotations": [{"id": 1, "image_id": 1, "segmentation": PACKED}],
            },
            "found packed run lengths",
        ),
        *(
            (
                "a.json",
                {
                    "images": [IMAGE],
                    "annotations": [{"id": 1, "image_id": 1, "segmentation": runs}],
                },
                "run lengths of another size than 9 x 8",
            )
            for runs in (RUNS, SHORT)
        ),
        (
            "a.geojson",
            [feature({"type": "Polygon", "coordinates": [[["a", "b"]] * 4]})],
            "holds no GeoJSON",
        ),
    ],
)
def test_what_is_no_region_is_refused_in_words(
    tmp_path: Path, name: str, content: Any, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_rois(write(tmp_path / name, content), (8, 9))


@pytest.mark.parametrize("suffix", [".geojson", ".json"])
@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000]
)
def test_damaged_files(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_rois(path, (8, 9))
