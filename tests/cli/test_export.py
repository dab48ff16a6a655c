"""`napari-unet export`: a label map as a file of another program."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import roifile
import tifffile

from napari_unet.exports import FORMATS
from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_image
from napari_unet.io.rois import read_rois

if TYPE_CHECKING:
    from tests.cli.conftest import Annotated, Run

USABLE = [each for each in FORMATS if not each.package]


@pytest.mark.parametrize("each", USABLE, ids=lambda each: each.name)
def test_every_format(
    run: Run, annotated: Annotated, tmp_path: Path, each: object
) -> None:
    out = tmp_path / "new" / f"a{each.suffix}"  # type: ignore[attr-defined]
    name = each.name  # type: ignore[attr-defined]
    labels, image = annotated.labels / "a.tif", annotated.images / "a.tif"
    arguments = ("export", labels, "--image", image, "--format", name, "--out", out)
    result = run(*arguments, "--json")
    assert result.code == 0, result
    assert json.loads(result.out) == {"written": str(out), "format": name}
    assert out.exists()
    run(*arguments).refused("exists")
    assert run(*arguments, "--overwrite").code == 0


def test_the_name_of_the_file_tells_the_format(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "a.zip"
    assert run("export", annotated.labels / "a.tif", "--out", out).code == 0
    expected = tifffile.imread(annotated.labels / "a.tif")
    np.testing.assert_array_equal(read_rois(out, expected.shape), expected)
    # And back again.
    image = annotated.images / "a.tif"
    back = tmp_path / "back.tif"
    assert run("export", out, "--image", image, "--out", back).code == 0
    np.testing.assert_array_equal(read_ids(back), expected)


def test_sizes_and_axes_are_those_of_the_image(run: Run, tmp_path: Path) -> None:
    labels = np.zeros((2, 30, 40), np.uint16)
    labels[:, 4:14, 5:25] = 3
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    tifffile.imwrite(
        tmp_path / "image.ome.tif",
        np.stack([labels, 2 * labels], axis=1),
        metadata={"axes": "TCYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5},
    )
    arguments = ("export", tmp_path / "labels.tif", "--out")
    image = ("--image", tmp_path / "image.ome.tif")
    assert run(*arguments, tmp_path / "a.tif", *image).code == 0
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.imagej_metadata["frames"] == 2
        assert file.imagej_metadata["unit"] == "um"
    assert run(*arguments, tmp_path / "a.zip", *image).code == 0
    regions = roifile.ImagejRoi.fromfile(tmp_path / "a.zip")
    assert [each.t_position for each in regions] == [1, 2]
    result = run(*arguments, tmp_path / "b.zip", "--axes", "ZYX")
    assert result.code == 0
    regions = roifile.ImagejRoi.fromfile(tmp_path / "b.zip")
    assert [each.position for each in regions] == [1, 2]


def test_classes_and_values(run: Run, tmp_path: Path) -> None:
    classes = np.zeros((20, 20), np.uint8)
    classes[4:9, 4:9] = 1
    tifffile.imwrite(tmp_path / "classes.tif", classes)
    as_classes = ("--task", "classes", "--names", "ground,cell")
    out = tmp_path / "a.geojson"
    assert run("export", tmp_path / "classes.tif", "--out", out, *as_classes).code == 0
    (feature,) = json.loads(out.read_text())["features"]
    assert feature["properties"]["classification"] == {"name": "cell"}
    values = np.linspace(0, 1, 800, dtype=np.float32).reshape(2, 20, 20)
    tifffile.imwrite(tmp_path / "values.tif", values, metadata={"axes": "CYX"})
    arguments = ("export", tmp_path / "values.tif", "--task", "regression", "--out")
    assert run(*arguments, tmp_path / "v.tif").code == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "v.tif"), values)
    run(*arguments, tmp_path / "v.csv").refused("of objects")


def test_values_take_the_advice_that_is_given(run: Run, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5, 20, 22), np.float32)
    grey = {"metadata": None, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "values.tif", values, **grey)
    out = tmp_path / "v.ome.tif"
    arguments = ("export", tmp_path / "values.tif", "--task", "regression")
    result = run(*arguments, "--out", out)
    advised = re.findall(r"--axes ([A-Z]+)", result.err)
    assert advised == ["TYX", "CYX"]
    assert read_image(out).axes == "ZYX"
    for axes in advised:
        options = ("--axes", axes, "--overwrite")
        assert run(*arguments, "--out", out, *options).code == 0
        assert read_image(out).axes == axes
        np.testing.assert_array_equal(tifffile.imread(out), values)
    # Variables that come last come first in what is written.
    tifffile.imwrite(tmp_path / "values.tif", values.transpose(1, 2, 0), **grey)
    options = ("--axes", "YXC", "--overwrite")
    assert run(*arguments, "--out", out, *options).code == 0
    np.testing.assert_array_equal(tifffile.imread(out), values)
    run(*arguments, "--out", out, "--axes", "YX", "--overwrite").refused("image has 3")


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
@pytest.mark.parametrize("command", ["export", "measure"])
def test_planes_of_labels_are_no_channels(
    run: Run, tmp_path: Path, photometric: str, command: str
) -> None:
    labels = np.zeros((3, 20, 22), np.uint16)
    labels[:, 4:9, 4:9] = 3
    labels[1, 12:15, 4:9] = 5
    path, out = tmp_path / "labels.tif", tmp_path / "a.csv"
    separate = {"planarconfig": "separate"} if photometric == "rgb" else {}
    tifffile.imwrite(path, labels, photometric=photometric, metadata=None, **separate)
    arguments = (command, path, "--out", out, "--overwrite")
    told = run(*arguments).err
    assert re.findall(r"--axes ([A-Z]+)", told) == ["TYX"]
    assert "its axes are stated nowhere" not in told
    assert run(*arguments, "--axes", "TYX").code == 0
    run(*arguments, "--axes", "CYX").refused("without C, such as ZYX")


def test_help_names_every_format(run: Run) -> None:
    words = " ".join(run("export", "--help").out.split())
    assert all(f"{each.name}" in words for each in FORMATS)


def test_mistakes_are_told(run: Run, annotated: Annotated, tmp_path: Path) -> None:
    labels = annotated.labels / "a.tif"
    run("export", labels, "--out", tmp_path / "a.doc").refused("tells no format")
    run("export", labels, "--out", tmp_path / "a.zip", "--format", "csv").refused(
        "ends with .csv"
    )
    run("export", labels, "--out", labels, "--overwrite").refused("replace the images")
    run("export", tmp_path / "no.tif", "--out", tmp_path / "a.zip").refused("no file")
    tifffile.imwrite(tmp_path / "small.tif", np.zeros((9, 9), np.uint8))
    small = ("--image", tmp_path / "small.tif")
    run("export", labels, *small, "--out", tmp_path / "a.zip").refused("(9, 9)")
    assert not (tmp_path / "a.zip").exists()
