"""`napari-unet export`: a label map as a file of another program."""

from __future__ import annotations

import errno
import json
import os
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

USABLE = [each for each in FORMATS if not each.package and not each.in_time]


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


def test_nothing_is_written_above_or_into_what_is_read(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    labels, image = annotated.labels / "a.tif", annotated.images / "a.tif"
    both = tmp_path / "both.ome.zarr"
    assert run("export", labels, "--image", image, "--out", both).code == 0
    inner = both / "labels" / "labels"
    before = {each: each.read_bytes() for each in both.rglob("*") if each.is_file()}
    for command in (
        ("export", inner, "--out", both),
        ("export", inner, "--out", both / "labels"),
        ("measure", inner, "--out", both),
    ):
        told = run(*command, "--overwrite", *_FORMAT.get(command[0], ()))
        told.refused("replace the images")
    for command in (
        ("export", inner, "--out", both / "x.csv"),
        ("export", labels, "--image", both, "--out", both / "labels" / "x.ome.zarr"),
        ("measure", inner, "--out", both / "labels" / "x.csv"),
    ):
        run(*command, "--overwrite").refused("into the images")
    after = {each: each.read_bytes() for each in both.rglob("*") if each.is_file()}
    assert after == before
    # Beside images in a plain folder is a place like any other.
    assert run("export", labels, "--out", annotated.labels / "a.csv").code == 0


_FORMAT = {"export": ("--format", "ome-zarr")}


def test_a_link_that_leads_nowhere_is_not_replaced(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    link, labels = tmp_path / "link.csv", annotated.labels / "a.tif"
    link.symlink_to(tmp_path / "away" / "x.csv")
    run("export", labels, "--out", link).refused("exists")
    run("measure", labels, "--out", link).refused("exists")
    assert link.is_symlink()


@pytest.mark.parametrize("length", [252, 300])
def test_a_name_that_is_too_long_is_told(
    run: Run, annotated: Annotated, tmp_path: Path, length: int
) -> None:
    long = tmp_path / f"{'y' * length}.csv"
    labels = annotated.labels / "a.tif"
    run("export", labels, "--out", long).refused("too long")
    run("export", long, "--out", tmp_path / "a.zip").refused("too long")
    run("measure", long, "--out", tmp_path / "a.csv").refused("too long")


def test_a_folder_that_may_not_be_entered_is_told(
    run: Run, annotated: Annotated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is forbidden to who is root, so the system's answer is made up.
    stat, closed = os.stat, str(tmp_path / "closed")

    def refuse(path: object, **options: object) -> object:
        if str(path).startswith(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("os.stat", refuse)
    labels = annotated.labels / "a.tif"
    out = ("--out", tmp_path / "a.csv")
    for command in ("export", "measure"):
        run(command, f"{closed}/a.tif", *out).refused("permission")
        run(command, labels, "--out", f"{closed}/a.csv").refused("permission")
    run("measure", labels, "--images", closed, *out).refused("permission")


def test_names_are_those_that_there_are(run: Run, tmp_path: Path) -> None:
    classes = np.zeros((20, 20), np.uint8)
    classes[4:9, 4:9], classes[12:, :] = 2, 255
    tifffile.imwrite(tmp_path / "c.tif", classes)
    as_classes = ("export", tmp_path / "c.tif", "--task", "classes", "--names")
    out = ("--out", tmp_path / "c.geojson")
    run(*as_classes, "a,,b", *out).refused("an empty name")
    run(*as_classes, "a,b", *out).refused("name 3 classes")
    run(*as_classes, "a,b,b", *out).refused("every name once")
    assert run(*as_classes, "a, b, c", *out).code == 0
    (feature,) = json.loads((tmp_path / "c.geojson").read_text())["features"]
    assert feature["properties"]["name"] == "c"
    values = np.zeros((2, 20, 20), np.float32)
    tifffile.imwrite(tmp_path / "v.tif", values, metadata={"axes": "CYX"})
    as_values = ("export", tmp_path / "v.tif", "--task", "regression", "--names")
    for names in ("x", "x,y,z"):
        told = run(*as_values, names, "--out", tmp_path / "w.tif")
        told.refused("the file holds 2")
    assert run(*as_values, "x,y", "--out", tmp_path / "w.tif").code == 0


@pytest.mark.parametrize("ending", [".tiff", ".ome.tiff", ".OME.TIFF"])
def test_tiff_is_spelled_in_two_ways(
    run: Run, annotated: Annotated, tmp_path: Path, ending: str
) -> None:
    labels, out = annotated.labels / "a.tif", tmp_path / f"a{ending}"
    assert run("export", labels, "--out", out).code == 0
    with tifffile.TiffFile(out) as file:
        assert file.is_ome == ("ome" in ending.lower())
    np.testing.assert_array_equal(read_ids(out), tifffile.imread(labels))


def test_what_is_missing_is_told_before_what_it_becomes(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    res = ("--out", tmp_path / "res")
    run("export", tmp_path / "nothere.unet", *res).refused("There is no project")
    run("export", tmp_path / "nothere.tif", *res).refused("There is no file")
    result = run("export", annotated.labels / "a.tif", *res)
    result.refused("tells no format")
    assert result.err.count(".ome.zarr") == 1
