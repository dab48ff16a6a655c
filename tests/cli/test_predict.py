"""`napari-unet predict`: what is written, and what is refused before any work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_unet as nu
from napari_unet.cli import outputs
from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_image
from tests.io.format_cases import PLANE, container, plate

if TYPE_CHECKING:
    from tests.cli.conftest import Annotated, Run


def test_labels_equal_those_of_python(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"
    result = run("predict", annotated.images, "--model", model, "--out", out, "--json")
    assert result.code == 0
    report = json.loads(result.out)
    assert [Path(one["labels"]) for one in report["written"]] == [
        out / "a.tif",
        out / "b.tif",
    ]
    loaded = nu.load_model(model)
    for one in report["written"]:
        labels = read_ids(one["labels"])
        assert tifffile.imread(one["labels"]).dtype == np.int32
        expected = nu.predict(read_image(one["image"]).array, loaded)
        np.testing.assert_array_equal(labels, expected)
        assert one["objects"] == len(np.unique(expected[expected > 0])) > 0


def test_named_axes_and_metadata_decide(run: Run, model: Path, tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 4000, (5, 48, 48), dtype=np.uint16)
    named, told = tmp_path / "named.tif", tmp_path / "told.tif"
    tifffile.imwrite(named, stack, metadata={"axes": "TYX"})
    tifffile.imwrite(told, stack)
    for path, options in ((named, []), (told, ["--axes", "tyx"])):
        result = run("predict", path, "--model", model, "--out", tmp_path, *options)
        assert result.code == 2  # the result would replace the image itself
        out = tmp_path / "out"
        result = run("predict", path, "--model", model, "--out", out, *options)
        assert result.code == 0
        assert read_image(out / path.name).axes == "TYX"
    both = [read_ids(tmp_path / "out" / path.name) for path in (named, told)]
    np.testing.assert_array_equal(*both)


def test_good_images_are_written_beside_bad_ones(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    broken = annotated.images / "broken.tif"
    broken.write_bytes(b"hello")
    missing = annotated.images / "missing.tif"
    good = annotated.images / "a.tif"
    arguments = ("predict", broken, good, missing, "--model", model, "--json")
    result = run(*arguments, "--out", tmp_path / "out")
    assert result.code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.tif"]
    report = json.loads(result.out)
    assert [Path(bad["image"]) for bad in report["failed"]] == [broken, missing]
    lines = result.err.splitlines()
    assert len(lines) == 3
    assert "is not an image" in lines[0]
    assert "There is no file" in lines[1]
    assert lines[2] == "2 of 3 images failed."


def test_constant_image_is_empty_with_a_warning(
    run: Run, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "flat.png"
    Image.fromarray(np.full((40, 40), 7, np.uint8)).save(path)
    result = run("predict", path, "--model", model, "--out", tmp_path / "out")
    assert result.code == 0
    assert "constant" in result.err
    assert read_ids(tmp_path / "out" / "flat.tif").max() == 0


def test_patterns_are_expanded_where_the_shell_does_not(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    pattern = annotated.images / "*.tif"
    result = run("predict", pattern, "--model", model, "--out", tmp_path / "out")
    assert result.code == 0
    assert len(list((tmp_path / "out").iterdir())) == 2
    pattern = annotated.images / "*.jpg"
    result = run("predict", pattern, "--model", model, "--out", tmp_path / "other")
    result.refused("No file fits the pattern")


def test_existing_results_are_kept_unless_told(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.tif").write_text("precious")
    arguments = ("predict", annotated.images, "--model", model, "--out", out)
    run(*arguments).refused("exists and nothing was done")
    assert [path.name for path in out.iterdir()] == ["b.tif"]
    assert (out / "b.tif").read_text() == "precious"
    assert run(*arguments, "--overwrite").code == 0
    assert read_ids(out / "b.tif").shape == (96, 96)


def test_images_are_never_replaced_by_their_results(
    run: Run, model: Path, annotated: Annotated
) -> None:
    before = (annotated.images / "a.tif").read_bytes()
    out = annotated.images
    arguments = ("predict", annotated.images, "--model", model, "--out", out)
    run(*arguments, "--overwrite").refused("replace the images themselves")
    assert (annotated.images / "a.tif").read_bytes() == before


def test_equal_names_are_refused_before_any_work(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(annotated.images / "a.png")
    out = tmp_path / "out"
    result = run("predict", annotated.images, "--model", model, "--out", out)
    result.refused("same name up to the suffix")
    assert not out.exists()


def test_the_model_is_loaded_once(
    run: Run,
    model: Path,
    annotated: Annotated,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from napari_unet import weights

    loaded: list[object] = []
    load = weights.load_model
    monkeypatch.setattr(weights, "load_model", lambda m: loaded.append(m) or load(m))
    out = tmp_path / "out"
    assert run("predict", annotated.images, "--model", model, "--out", out).code == 0
    assert len(loaded) == 1


def test_interruption_says_what_is_there(
    run: Run,
    model: Path,
    annotated: Annotated,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_unet.io.read_image", interrupt)
    out = tmp_path / "out"
    result = run("predict", annotated.images, "--model", model, "--out", out)
    assert result.code == 130
    assert "0 of 2 are written" in result.err
    assert not out.exists()


def test_images_inside_of_a_zarr(run: Run, model: Path, tmp_path: Path) -> None:
    plate(tmp_path / "plate.zarr")
    container(tmp_path / "one.zarr", 1)
    container(tmp_path / "two.zarr", 2)
    fields = [tmp_path / "plate.zarr" / "A" / well / "0" for well in "12"]
    for images, names in (
        (["plate.zarr"], [f"plate_A_{w}_{f}" for w in "12" for f in "01"]),
        (["plate.zarr/A/2"], ["plate_A_2_0", "plate_A_2_1"]),
        (["one.zarr", "two.zarr"], ["one", "two_0", "two_1"]),
        (fields, ["plate_A_1_0", "plate_A_2_0"]),
    ):
        out = tmp_path / "out"
        paths = [tmp_path / image for image in images]
        result = run("predict", *paths, "--model", model, "--out", out, "--overwrite")
        assert result.code == 0, result
        assert sorted(path.stem for path in out.iterdir()) == names
        for path in out.iterdir():
            path.unlink()


def test_what_was_left_out_is_told(run: Run, model: Path, tmp_path: Path) -> None:
    images = {
        "equal": (np.repeat(PLANE[..., None], 3, -1), "rgb", "equal"),
        "white": (255 - PLANE, "miniswhite", "0 is white"),
        "green": (PLANE[..., None] * np.array([0, 1, 0], "u1"), "rgb", "only green"),
        "plain": (PLANE, "minisblack", None),
    }
    for name, (array, photometric, _) in images.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", array, photometric=photometric)
    out = tmp_path / "out"
    result = run("predict", tmp_path, "--model", model, "--out", out, "--json")
    assert result.code == 0, result
    report = json.loads(result.out)
    written = {Path(one["image"]).stem: one for one in report["written"]}
    labels = [read_ids(one["labels"]) for one in written.values()]
    for each in labels[1:]:
        np.testing.assert_array_equal(each, labels[0])
    for name, (_, _, word) in images.items():
        notes = " ".join(written[name]["notes"]).lower()
        assert (word in notes) if word else not notes


def test_results_of_ome_tiff_are_plain_tiff(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    (annotated.images / "a.tif").rename(annotated.images / "a.ome.tif")
    (annotated.images / "b.tif").rename(annotated.images / "Za\u0308hne.tif")
    out = tmp_path / "out"
    options = ("--model", model, "--out", out)
    assert run("predict", annotated.images, *options).code == 0
    assert {path.name for path in out.iterdir()} == {"a.tif", "Za\u0308hne.tif"}
    folders = ("--truth", annotated.labels, "--predicted", out)
    (annotated.labels / "b.tif").rename(annotated.labels / "Z\u00e4hne.tif")
    assert run("evaluate", *folders).code == 0


@pytest.mark.parametrize("disk_tells", [True, False])
def test_names_that_differ_in_capitals_on_any_disk(
    run: Run,
    model: Path,
    annotated: Annotated,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    disk_tells: bool,
) -> None:
    monkeypatch.setattr(outputs, "_tells_capitals", lambda _: disk_tells)
    (annotated.images / "b.tif").rename(annotated.images / "A.tif")
    out = tmp_path / "out"
    result = run("predict", annotated.images, "--model", model, "--out", out)
    if disk_tells:
        assert result.code == 0
        assert {path.name for path in out.iterdir()} == {"a.tif", "A.tif"}
    else:
        result.refused("would be one file")
        assert not out.exists()


def test_whether_a_disk_tells_capitals(tmp_path: Path) -> None:
    (tmp_path / "abc").mkdir()
    found = outputs._tells_capitals(tmp_path / "abc" / "not there")
    assert found != (tmp_path / "ABC").exists()


def test_a_file_that_is_named_twice_is_one(
    run: Run, model: Path, annotated: Annotated, tmp_path: Path
) -> None:
    images = (annotated.images, annotated.images / "a.tif")
    result = run("predict", *images, "--model", model, "--out", tmp_path / "out")
    assert result.code == 0, result
    assert len(list((tmp_path / "out").iterdir())) == 2
