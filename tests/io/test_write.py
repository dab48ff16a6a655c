"""Label maps are written whole, with their axes, and never over something else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_unet.errors import InputError, StorageError
from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_header, read_image
from napari_unet.io.write import write_image

LABELS = np.arange(24, dtype=np.int32).reshape(2, 3, 4)


@pytest.mark.parametrize("axes", ["ZYX", "TYX", "YXZ"])
def test_written_labels_come_back(tmp_path: Path, axes: str) -> None:
    path = tmp_path / "labels.tif"
    write_image(path, LABELS, axes)
    assert read_ids(path).tolist() == LABELS.tolist()
    assert read_image(path).axes == axes
    with tifffile.TiffFile(path) as file:
        assert file.series[0].dtype == np.int32
        assert file.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
    assert [one.name for one in tmp_path.iterdir()] == ["labels.tif"]


def test_same_labels_same_bytes(tmp_path: Path) -> None:
    write_image(tmp_path / "a.tif", LABELS, "ZYX")
    write_image(tmp_path / "b.tif", LABELS, "ZYX")
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_pixel_size_becomes_the_resolution(tmp_path: Path) -> None:
    write_image(tmp_path / "a.tif", LABELS, "ZYX", pixel_size={"Y": 0.5, "X": 0.25})
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].resolution == (40000.0, 20000.0)


def test_existing_file_is_kept_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists"):
        write_image(path, LABELS, "ZYX")
    assert path.read_text() == "precious"
    write_image(path, LABELS, "ZYX", overwrite=True)
    assert read_ids(path).shape == LABELS.shape


def test_axes_must_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one letter per axis"):
        write_image(tmp_path / "a.tif", LABELS, "YX")


def test_missing_folder_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be written"):
        write_image(tmp_path / "nowhere" / "a.tif", LABELS, "ZYX")


@pytest.mark.parametrize(
    ("name", "is_ome"), [("a.ome.tif", True), ("a.OME.TIFF", True), ("a.tif", False)]
)
def test_what_is_called_ome_tiff_is_one(
    tmp_path: Path, name: str, is_ome: bool
) -> None:
    size = {"Y": 0.25, "X": 0.5}
    write_image(tmp_path / name, LABELS, "ZYX", pixel_size=size)
    with tifffile.TiffFile(tmp_path / name) as file:
        assert file.is_ome == is_ome
        assert file.series[0].axes == "ZYX"
    found = read_image(tmp_path / name)
    assert found.array.tolist() == LABELS.tolist()
    assert found.pixel_size == pytest.approx(size)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
@pytest.mark.parametrize("axes", ["ZYX", "TYX", "YXZ"])
def test_sizes_of_pixels_come_back(tmp_path: Path, name: str, axes: str) -> None:
    size = {"Z": 2.5, "Y": 0.3, "X": 400.0}  # a picture of a plate is that coarse
    write_image(tmp_path / name, LABELS, axes, pixel_size=size)
    expected = {axis: n for axis, n in size.items() if axis in axes}
    assert read_header(tmp_path / name).pixel_size == expected
    assert read_image(tmp_path / name).pixel_size == expected


@pytest.mark.parametrize("metadata", [None, {}])
@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        ((40_000, 20_000), "CENTIMETER", {"X": 0.25, "Y": 0.5}),
        ((25_400, 25_400), "INCH", {"X": 1, "Y": 1}),
        ((72, 72), "INCH", {}),
        ((4800, 4800), "INCH", {}),
        ((25_400, 72), "INCH", {}),
        ((0, 0), "INCH", {}),
        ((40_000, 40_000), "NONE", {}),
    ],
)
def test_resolutions_of_others_are_sizes_only_where_they_can_be(
    tmp_path: Path,
    resolution: tuple[int, int],
    unit: str,
    expected: dict[str, float],
    metadata: dict[str, str] | None,
) -> None:
    options: Any = {"resolution": resolution, "resolutionunit": unit}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, LABELS[0], metadata=metadata, **options)
    assert read_header(path).pixel_size == pytest.approx(expected)


def test_printed_centimetres_are_no_sizes_but_those_that_tifffile_was_told(
    tmp_path: Path,
) -> None:
    options: Any = {"resolution": (28.35, 28.35), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", LABELS[0], metadata=None, **options)
    assert read_header(tmp_path / "a.tif").pixel_size == {}
    tifffile.imwrite(tmp_path / "b.tif", LABELS[0], **options)
    assert read_header(tmp_path / "b.tif").pixel_size["X"] == pytest.approx(352.7, 1e-3)


@pytest.mark.parametrize("axes", ["YXZ", "ZTYX"])
def test_ome_tiff_has_planes_last(tmp_path: Path, axes: str) -> None:
    shape = (2, 3, 4, 5)[: len(axes)]
    labels = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    write_image(tmp_path / "a.ome.tif", labels, axes)
    found = read_image(tmp_path / "a.ome.tif")
    order = sorted(range(len(axes)), key=lambda i: "TCZYX".index(axes[i]))
    assert found.axes == "".join(axes[i] for i in order)
    assert found.array.tolist() == labels.transpose(order).tolist()
