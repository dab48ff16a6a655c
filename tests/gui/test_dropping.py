"""Folders, results and files dropped on a window with the dock, by a real event."""

from __future__ import annotations

from pathlib import Path

import dask
import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_unet import exports
from napari_unet.exports.label_zarr import LabelZarr
from napari_unet.geometry.box import Box
from napari_unet.gui.panels.image import ImagePanel
from napari_unet.images import coarse
from napari_unet.io.levels import FileLevel
from tests.gui.conftest import cells
from tests.gui.dropping import drop, save
from tests.session.brightness import disks


def entries(stage) -> list[str]:
    return [each.name for each in stage.session.worklist.rows]


def is_open(stage, name: str) -> bool:
    image = stage.session.images.current
    return image is not None and image.name == name and bool(stage.state.image.open)


@pytest.fixture
def mixed(tmp_path) -> Path:
    """Return a folder whose images have other axes, colours and sizes."""
    folder = tmp_path / "mixed"
    save(folder / "a.tif", disks((64, 64)))
    save(folder / "b.tif", np.stack([disks((64, 64))] * 2), metadata={"axes": "CYX"})
    colours = np.stack([disks((64, 64)).astype(np.uint8)] * 3, -1)
    save(folder / "c.tif", colours, photometric="rgb")
    save(folder / "d.tif", disks((96, 64)))
    return folder


@pytest.mark.qt_every
def test_a_folder_whose_images_differ_comes_into_the_list(stage, mixed):
    """napari would stack them, and fail."""
    drop(stage, mixed)
    stage.until(lambda: is_open(stage, "a.tif"))
    assert entries(stage) == ["a.tif", "b.tif", "c.tif", "d.tif"]
    assert [layer.name for layer in stage.viewer.layers] == ["a"]
    for name, axes in (("b.tif", "CYX"), ("c.tif", "YXC"), ("d.tif", "YX")):
        stage.session.worklist.going.step(1)
        stage.until(lambda name=name: is_open(stage, name))
        assert stage.state.image.axes == axes
    panel = stage.panel(ImagePanel)
    stage.until(lambda: "holds 4 images" in panel.folder.text())
    panel.one_stack.click()
    stage.until(lambda: "image" in stage.state.problems)
    assert "a.tif has 64 x 64 pixels" in stage.state.problems["image"].text


def test_a_folder_of_sections_can_be_one_stack(stage, tmp_path):
    for name in ("s1.tif", "s2.TIF", "s10.tif"):
        save(tmp_path / "sections" / name, disks((64, 64)))
    drop(stage, tmp_path / "sections")
    stage.until(lambda: is_open(stage, "s1.tif"))
    panel = stage.panel(ImagePanel)
    stage.until(lambda: "holds 3 images" in panel.folder.text())
    with dask.config.set(scheduler="synchronous"):  # or its threads would stay
        panel.one_stack.click()
        stage.until(lambda: len(stage.viewer.layers) == 2)
    assert stage.viewer.layers["sections"].data.shape == (3, 64, 64)
    assert not panel.folder.text()


def test_what_napari_fails_to_read_does_not_keep_the_rest_away(stage, tmp_path):
    good = [save(tmp_path / name, disks((64, 64))) for name in ("a.tif", "z.tif")]
    bad = tmp_path / "bad.tif"
    bad.write_bytes(good[0].read_bytes()[:90])
    drop(stage, good[0], bad, good[1])
    stage.until(lambda: "images" in stage.state.problems)
    assert "damaged" in stage.state.problems["images"].text
    assert {layer.name for layer in stage.viewer.layers} == {"a", "z"}
    assert set(entries(stage)) == {"a", "bad.tif", "z"}


def result(path: Path, labels: np.ndarray, axes: str = "YX") -> Path:
    """Write labels as `napari-unet predict --output-format ome-zarr` does."""
    zarr = LabelZarr(path, axes, labels.shape, "int32", labels=True)
    zarr.create(path.stem, {"Y": 0.5, "X": 0.25})
    zarr.write(Box.whole(labels.shape), labels)
    list(zarr.iter_pyramid())
    return path


@pytest.fixture
def read_levels(monkeypatch) -> list[tuple[int, int]]:
    """Return of which level how many pixels were read, each time."""
    seen: list[tuple[int, int]] = []
    read = FileLevel.read_places

    def watched(level: FileLevel, places):
        found = read(level, places)
        seen.append((level.level, found.size))
        return found

    monkeypatch.setattr(FileLevel, "read_places", watched)
    return seen


@pytest.mark.qt_every
def test_a_result_without_its_image_is_shown_as_labels(stage, tmp_path, read_levels):
    labels = np.tile(cells(), (50, 40))
    drop(stage, result(tmp_path / "slide.zarr", labels))
    stage.until(lambda: len(stage.viewer.layers))
    (layer,) = stage.viewer.layers
    assert isinstance(layer, Labels)
    assert layer.name == "slide cells"
    assert [tuple(level.shape) for level in layer.data] == [
        (3200, 2560), (1600, 1280), (800, 640),
    ]  # fmt: skip
    assert layer.scale.tolist() == [0.5, 0.25]
    assert {str(unit) for unit in layer.units} == {"micrometer"}
    assert max(size for level, size in read_levels if level == 0) < labels.size / 10
    np.testing.assert_array_equal(layer.data[0][640:704, 64:128], cells())
    assert not layer.editable
    assert "image" not in stage.state.problems


def test_the_head_of_a_result_opens_it_with_or_without_a_dock(stage, tmp_path):
    """By the reader: napari asks no plugin for folders, but for this file."""
    path = result(tmp_path / "slide.zarr", cells())
    stage.viewer.open(path / "zarr.json", plugin="napari-unet-live")
    stage.until(lambda: len(stage.viewer.layers))
    assert stage.viewer.layers[0].name == "slide cells"


def test_a_result_lies_on_its_image_and_can_be_worked_on(stage, tmp_path):
    drop(stage, save(tmp_path / "slide.tif", disks((1280, 1280))))
    stage.until(lambda: is_open(stage, "slide.tif"))
    labels = np.tile(cells(), (20, 20))
    drop(stage, result(tmp_path / "labels" / "slide.zarr", labels))
    stage.until(lambda: len(stage.viewer.layers) == 2)
    image, layer = stage.viewer.layers
    assert layer.scale.tolist() == image.scale.tolist()
    assert layer.units == image.units
    stage.viewer.layers.selection.active = layer
    stage.until(lambda: stage.state.target.stranger == "slide cells")
    stage.bench.use_labels(right=False)
    stage.until(lambda: stage.annotation.labels.any())
    assert ((stage.annotation.labels > 0) == (labels > 0)).all()


def test_an_image_that_comes_after_its_result_lies_below_it(stage, tmp_path):
    drop(stage, result(tmp_path / "labels" / "slide.zarr", cells()))
    stage.until(lambda: len(stage.viewer.layers))
    (layer,) = stage.viewer.layers
    drop(stage, save(tmp_path / "other.tif", disks((32, 64))))
    stage.until(lambda: is_open(stage, "other.tif"))
    assert layer.scale.tolist() == [0.5, 0.25]
    drop(stage, save(tmp_path / "slide.tif", disks((64, 64))))
    stage.until(lambda: is_open(stage, "slide.tif"))
    assert layer.scale.tolist() == [1, 1]
    assert [each.name for each in stage.viewer.layers] == [
        "other", "slide", "slide cells",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["ome-zarr", "ome-zarr-0.4"])
def test_an_export_without_an_image_is_shown_as_labels(stage, tmp_path, kind):
    path = exports.export(cells(), tmp_path / "a labels.ome.zarr", format=kind)
    drop(stage, path)
    stage.until(lambda: len(stage.viewer.layers))
    (layer,) = stage.viewer.layers
    assert isinstance(layer, Labels)
    assert layer.name == "a labels"
    np.testing.assert_array_equal(layer.data[0], cells())


def test_an_export_with_its_image_shows_both(stage, tmp_path):
    path = exports.export(
        cells(), tmp_path / "a.ome.zarr", image=disks((64, 64)), axes="YX"
    )
    drop(stage, path)
    stage.until(lambda: len(stage.viewer.layers) == 2)
    image, labels = stage.viewer.layers
    assert isinstance(image, Image)
    assert isinstance(labels, Labels)
    np.testing.assert_array_equal(labels.data[0], cells())
    assert entries(stage) == ["a.ome.zarr"]


def test_the_list_says_that_labels_are_no_image(stage, tmp_path):
    path = result(tmp_path / "slide.zarr", cells())
    stage.session.worklist.listing.add([path], go=True)
    stage.until(lambda: "images" in stage.state.problems)
    told = stage.state.problems["images"].text
    assert told.startswith("slide.zarr holds labels and no image")
    assert "drop" in told
    assert "Use the labels of" in told
    assert not entries(stage)


@pytest.mark.parametrize("kind", [Image, Labels])
def test_a_plane_without_a_pyramid_is_seen_from_afar(
    stage, tmp_path, monkeypatch, kind
):
    """A moment later, when it is read in the background."""
    monkeypatch.setattr(coarse, "_MOST", 512)
    stage.session.images.most_bytes = 10_000_000
    pixels = np.zeros((1400, 1500), np.int32)
    pixels[300:500, 300:500] = 7
    if kind is Image:
        how = {"tile": (256, 256), "photometric": "minisblack"}
        drop(stage, save(tmp_path / "a.tif", pixels.astype(np.uint16), **how))
    else:
        monkeypatch.setattr("napari_unet.exports.label_zarr.PIECE", 2048)
        drop(stage, result(tmp_path / "a.zarr", pixels))
    stage.until(lambda: len(stage.viewer.layers))
    layer = stage.viewer.layers[-1]
    assert isinstance(layer, kind)
    assert [tuple(each.shape) for each in layer.data][1:] == [(700, 750), (350, 375)]
    camera = getattr(stage.viewer, "scene", stage.viewer).camera
    camera.zoom = 0.1
    stage.until(lambda: layer.data_level == 2)
    stage.until(lambda: np.asarray(layer._slice.image.raw).max() == 7)
