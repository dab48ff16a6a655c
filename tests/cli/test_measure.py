"""`napari-unet measure`: one table of all objects of some label maps."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet.io.read import read_header
from napari_unet.io.write import write_image

if TYPE_CHECKING:
    from tests.cli.conftest import Annotated, Run


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_objects_of_a_folder_with_their_grey_values(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "cells.csv"
    arguments = ("measure", annotated.labels, "--images", annotated.images)
    result = run(*arguments, "--out", out, "--json")
    assert result.code == 0
    assert json.loads(result.out) == {
        "written": str(out),
        "images": 2,
        "objects": 18,
    }
    rows = rows_of(out)
    assert [row["image"] for row in rows] == ["a"] * 9 + ["b"] * 9
    labels = tifffile.imread(annotated.labels / "b.tif")
    image = tifffile.imread(annotated.images / "b.tif")
    for row in rows[9:]:
        inside = labels == int(row["id"])
        assert int(row["area_px"]) == inside.sum()
        assert float(row["mean"]) == pytest.approx(image[inside].mean(), rel=1e-6)
    run(*arguments, "--out", out).refused("exists")
    assert "18 objects in 2" in run(*arguments, "--out", out, "--overwrite").out


def test_without_images_there_are_shapes_alone(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "cells.csv"
    files = sorted(annotated.labels.iterdir())
    assert run("measure", *files, "--out", out).code == 0
    rows = rows_of(out)
    assert len(rows) == 18
    assert {"area_px", "roundness"} <= rows[0].keys()
    assert "mean" not in rows[0]


def test_what_files_state_of_pixels_and_axes_counts(run: Run, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("labels", "images")]
    for folder in folders:
        folder.mkdir()
    labels = np.zeros((2, 30, 40), np.uint16)
    labels[:, 4:14, 5:25] = 3
    tifffile.imwrite(folders[0] / "a.tif", labels)
    tifffile.imwrite(
        folders[1] / "a.ome.tif",
        np.stack([labels, 2 * labels], axis=1),
        metadata={
            "axes": "TCYX",
            "PhysicalSizeX": 0.5,
            "PhysicalSizeY": 0.5,
            "Channel": {"Name": ["DAPI", "GFP"]},
        },
    )
    out = tmp_path / "cells.csv"
    assert run("measure", folders[0], "--images", folders[1], "--out", out).code == 0
    first, second = rows_of(out)
    assert (first["frame"], second["frame"]) == ("0", "1")
    assert float(first["area_um2"]) == 50
    assert first["mean_1_DAPI"] == "3"
    assert first["mean_2_GFP"] == "6"
    assert run("measure", folders[0], "--out", out, "--overwrite").code == 0
    (row,) = rows_of(out)
    assert row["volume_voxels"] == "400"
    other = ("measure", folders[0], "--out", out, "--overwrite", "--axes", "TYX")
    assert run(*other).code == 0
    assert len(rows_of(out)) == 2


def test_label_maps_that_were_written_here_know_the_size_of_pixels(
    run: Run, tmp_path: Path
) -> None:
    labels = np.zeros((3, 30, 40), np.int32)
    labels[:, 4:14, 5:25] = 3
    size = {"Z": 2.0, "Y": 0.5, "X": 0.5}
    write_image(tmp_path / "a.tif", labels, "ZYX", pixel_size=size)
    out = tmp_path / "cells.csv"
    assert run("measure", tmp_path / "a.tif", "--out", out).code == 0
    (row,) = rows_of(out)
    assert float(row["volume_um3"]) == pytest.approx(3 * 10 * 20 * 0.5)
    fiji = tmp_path / "fiji.tif"
    arguments = ("export", tmp_path / "a.tif", "--format", "fiji", "--out", fiji)
    assert run(*arguments).code == 0
    assert read_header(fiji).pixel_size == pytest.approx(size)


def test_regions_are_drawn_on_their_images(run: Run, tmp_path: Path) -> None:
    regions, images = tmp_path / "regions", tmp_path / "images"
    regions.mkdir()
    images.mkdir()
    labels = np.zeros((3, 30, 40), np.int32)
    labels[:, 4:14, 5:25] = 3
    labels[1, 20:24, 5:9] = 8
    for name in "ab":
        write_image(images / f"{name}.tif", labels, "ZYX", pixel_size={"Z": 1})
    arguments = ("--image", images / "a.tif", "--out", regions / "a.zip")
    assert run("export", images / "a.tif", *arguments).code == 0
    with zipfile.ZipFile(regions / "b.zip", "w"):
        pass  # nothing was found
    out = tmp_path / "cells.csv"
    of_images = ("--images", images)
    shown = run("measure", regions, *of_images, "--out", out, "--json")
    assert json.loads(shown.out)["objects"] == 2
    rows = rows_of(out)
    assert [(r["image"], r["id"]) for r in rows] == [("a", "3"), ("a", "8")]
    assert [row["volume_voxels"] for row in rows] == ["600", "16"]
    for given in (regions, regions / "a.zip"):
        shown = run("measure", given, "--out", out, "--overwrite")
        shown.refused("with --images")
    back = ("export", regions / "a.zip", "--out", tmp_path / "back.tif")
    run(*back).refused("with --image.")
    assert run(*back, "--image", images / "a.tif").code == 0
    # Beside label maps, regions are left aside as before.
    write_image(regions / "c.tif", labels, "ZYX")
    shown = run("measure", regions, "--out", out, "--overwrite", "--json")
    assert json.loads(shown.out)["images"] == 1


def test_mistakes_are_told_before_anything_is_written(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "cells.csv"
    run("measure", tmp_path / "no", "--out", out).refused("There is no file")
    (annotated.images / "b.tif").unlink()
    arguments = ("measure", annotated.labels, "--images", annotated.images)
    run(*arguments, "--out", out).refused("No image in")
    tifffile.imwrite(annotated.images / "b.tif", np.zeros((20, 20), np.uint8))
    run(*arguments, "--out", out).refused("have (20, 20)")
    target = annotated.labels / "a.tif"
    run(*arguments, "--out", target, "--overwrite").refused("replace the images")
    assert not out.exists()


def test_a_name_is_no_formula(run: Run, annotated: Annotated, tmp_path: Path) -> None:
    out, name = tmp_path / "cells.csv", "=cmd|x"
    labels = annotated.labels / "a.tif"
    labels.rename(labels.with_name(f"{name}.tif"))
    result = run("measure", labels.with_name(f"{name}.tif"), "--out", out)
    assert result.out == f"{out}: 9 objects in 1 label map\n"
    assert {row["image"] for row in rows_of(out)} == {f"'{name}"}


def test_the_table_is_of_comma_separated_values(
    run: Run, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "cells.xlsx"
    run("measure", annotated.labels, "--out", out).refused("ends with .csv")
    assert not out.exists()
