"""Label maps as other programs open them: TIFF, OME-TIFF, OME-Zarr."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_unet.annotation.schema import LabelSchema
from napari_unet.errors import InputError, StorageError
from napari_unet.exports import Result
from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_header, read_image
from tests.exports.conftest import awkward, result_of, write

SIZE = {"Z": 2.0, "Y": 0.5, "X": 0.25}
ALL = ["fiji", "ome-tiff", "ome-zarr", "ome-zarr-0.4"]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX", "YXZ"])
def test_ids_axes_and_sizes_come_back(tmp_path: Path, name: str, axes: str) -> None:
    labels = awkward()
    for axis in set(axes) - {"Y", "X"}:
        labels = np.stack([labels, np.where(labels == 7, 8, labels)], axes.index(axis))
    path = write(result_of(labels, axes, pixel_size=SIZE), name, tmp_path)
    back = read_ids(path)
    ordered = labels.transpose([axes.index(a) for a in "TZYX" if a in axes])
    np.testing.assert_array_equal(back, ordered)
    inside = path / "labels" / "labels" if path.is_dir() else path
    header = read_header(inside)
    assert header.axes == "".join(a for a in "TZYX" if a in axes)
    assert {a: pytest.approx(SIZE[a]) for a in axes if a in SIZE} == {
        a: size for a, size in header.pixel_size.items() if a in axes
    }


@pytest.mark.parametrize(
    ("most", "dtype"), [(255, "u2"), (65_535, "u2"), (65_536, "f4"), (2**24, "f4")]
)
def test_fiji_gets_numbers_that_it_knows(tmp_path: Path, most: int, dtype: str) -> None:
    labels = awkward()
    labels[labels == 300] = most
    path = write(result_of(labels), "fiji", tmp_path)
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        assert file.series[0].dtype == np.dtype(dtype)
        told = file.imagej_metadata
    colours = np.reshape(told["LUTs"], (3, 256))
    assert (colours[:, 0] == 0).all()
    assert len({*map(tuple, colours.T.tolist())}) == 256
    assert told["Ranges"] == (0.0, max(255.0, most))
    np.testing.assert_array_equal(read_ids(path), labels)


def test_fiji_cannot_hold_every_number(tmp_path: Path) -> None:
    labels = awkward()
    labels[labels == 300] = 2**24 + 1
    with pytest.raises(InputError, match="export OME-TIFF"):
        write(result_of(labels), "fiji", tmp_path)
    assert list(tmp_path.iterdir()) == []
    path = write(result_of(labels), "ome-tiff", tmp_path)
    np.testing.assert_array_equal(read_ids(path), labels)


def test_calibration_is_what_fiji_reads(tmp_path: Path) -> None:
    labels = np.stack([awkward()] * 3)
    path = write(result_of(labels, "ZYX", pixel_size=SIZE), "fiji", tmp_path)
    with tifffile.TiffFile(path) as file:
        told = file.imagej_metadata
        assert (told["unit"], told["spacing"], told["slices"]) == ("um", 2.0, 3)
        assert file.pages[0].resolution == (4.0, 2.0)


@pytest.mark.parametrize("axes", ["YX", "TZYX"])
def test_ome_tiff_says_what_the_standard_wants(tmp_path: Path, axes: str) -> None:
    """ome-types compares it with the schema, and raises where it is not."""
    ome_types = pytest.importorskip("ome_types")
    labels = awkward() if axes == "YX" else np.stack([[awkward()] * 2])
    path = write(result_of(labels, axes, pixel_size=SIZE), "ome-tiff", tmp_path)
    (image,) = ome_types.from_tiff(path, validate=True).images
    pixels = image.pixels
    assert (pixels.size_t, pixels.size_z) == (1, len(axes) // 2)
    assert (pixels.type.value, pixels.physical_size_x) == ("int32", 0.25)


def test_classes_are_small_numbers(tmp_path: Path, classes: Result) -> None:
    for name in ("fiji", "ome-tiff"):
        path = write(classes, name, tmp_path)
        assert tifffile.imread(path).dtype == np.uint8
        np.testing.assert_array_equal(read_ids(path), classes.labels)


def test_values_stay_what_they_are(tmp_path: Path) -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    values[0, 0, 0, 0] = np.nan
    result = Result("cells", values, "CZYX", LabelSchema("regression", ("a", "b")))
    path = write(result, "fiji", tmp_path)
    back = read_image(path)
    assert back.axes == "ZCYX"
    np.testing.assert_array_equal(back.array, values.transpose(1, 0, 2, 3))
    back = read_image(write(result, "ome-tiff", tmp_path))
    np.testing.assert_array_equal(back.array, values)
    for name in ("ome-zarr", "imagej-roi", "csv"):
        with pytest.raises(InputError, match=r"values|fractions"):
            write(result, name, tmp_path)


@pytest.mark.parametrize(("name", "version"), [("ome-zarr", 3), ("ome-zarr-0.4", 2)])
def test_a_zarr_as_the_standard_has_it(tmp_path: Path, name: str, version: int) -> None:
    labels = np.kron(awkward(), np.ones((60, 50), np.int32))
    path = write(result_of(labels, pixel_size=SIZE), name, tmp_path)
    np.testing.assert_array_equal(read_image(path).array, 1000 + 3 * labels)
    np.testing.assert_array_equal(read_ids(path), labels)
    root = zarr.open_group(path, mode="r")
    assert root.metadata.zarr_format == version

    def said(group):
        found = group.attrs.asdict()
        return found["ome"] if version == 3 else found

    assert said(root["labels"])["labels"] == ["labels"]
    inner = said(root["labels/labels"])
    assert inner["image-label"]["source"] == {"image": "../../"}
    (scales,) = inner["multiscales"]
    first, second = scales["datasets"]
    assert first["coordinateTransformations"] == [
        {"type": "scale", "scale": [0.5, 0.25]}
    ]
    assert second["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.0, 0.5]}
    ]
    assert scales["axes"][0] == {"name": "y", "type": "space", "unit": "micrometer"}
    coarse = root["labels/labels"][second["path"]]
    np.testing.assert_array_equal(coarse[...], labels[::2, ::2])
    if version == 3:
        assert said(root)["version"] == inner["version"] == "0.5"
        assert coarse.metadata.dimension_names == ("y", "x")
    else:
        assert scales["version"] == inner["image-label"]["version"] == "0.4"


def test_a_zarr_of_labels_alone(tmp_path: Path) -> None:
    result = Result("cells", awkward(), "YX")
    for name in ("ome-zarr", "ome-zarr-0.4"):
        path = write(result, name, tmp_path)
        np.testing.assert_array_equal(read_ids(path), awkward())
        root = zarr.open_group(path, mode="r").attrs.asdict()
        assert "image-label" in root.get("ome", root)


def test_several_label_maps_in_a_zarr_are_asked_about(tmp_path: Path) -> None:
    path = write(result_of(awkward()), "ome-zarr-0.4", tmp_path)
    zarr.open_group(path / "labels", mode="a").attrs["labels"] = ["labels", "other"]
    with pytest.raises(InputError, match="2 label maps; name one"):
        read_ids(path)


def _add_a_group(path: Path) -> None:
    zarr.open_group(path / "labels", mode="a").create_group("mine")


def _change_a_file(path: Path) -> None:
    array = zarr.open_array(path / "labels" / "labels" / "0", mode="r+")
    array[:5, :5] = 77


def _put_a_file_in_its_place(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()
    (path / "0").write_text("precious")


@pytest.mark.parametrize(
    "change", [_add_a_group, _change_a_file, _put_a_file_in_its_place]
)
@pytest.mark.parametrize("name", ["ome-zarr", "ome-zarr-0.4"])
def test_what_others_wrote_into_a_zarr_stays(
    tmp_path: Path, name: str, change: Callable[[Path], None]
) -> None:
    path = write(result_of(awkward()), name, tmp_path)
    write(result_of(awkward()[:0:-1]), name, tmp_path)  # ours is replaced
    change(path)
    before = {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}
    with pytest.raises(StorageError, match="would be deleted"):
        write(result_of(awkward()), name, tmp_path)
    after = {each: each.read_bytes() for each in path.rglob("*") if each.is_file()}
    assert after == before


@pytest.mark.parametrize("most", [254, 256, 300, 65_535, 65_536, -1])
@pytest.mark.parametrize("name", ALL)
def test_class_numbers_are_never_cut(tmp_path: Path, name: str, most: int) -> None:
    labels = np.zeros((12, 12), np.int32)
    labels[:4, :4], labels[6:, 6:] = 1, most
    path = write(Result("c", labels, "YX", LabelSchema("classes")), name, tmp_path)
    found = read_image(path, stored=True).array
    np.testing.assert_array_equal(found.astype(np.int64), labels)
    if most == 254 and name != "fiji":
        assert found.dtype == np.uint8
