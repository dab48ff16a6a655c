"""What is dropped on the window: projects, folders of folders, regions."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from npe2 import PluginManager
from qtpy.QtWidgets import QFileDialog

from napari_unet import exports
from napari_unet.gui import open_files
from napari_unet.gui.open_files import NO_LAYERS, get_reader
from napari_unet.gui.opening import Opening
from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.predict import PredictPanel
from napari_unet.gui.stated import micrometres
from tests.exchange.packages import described, files_of, traced, write_zip
from tests.gui.conftest import cells
from tests.gui.dropping import drop, save
from tests.io.format_cases import container, plate
from tests.io.test_zarr import save as save_zarr
from tests.io.test_zarr import save_ome
from tests.session.brightness import disks

MINE = "napari-unet-live"


@pytest.mark.qt_every
def test_a_project_and_its_regions_are_dropped(stage, tmp_path):
    """A project that somebody else made, then regions from elsewhere."""
    image = save(tmp_path / "disks.tif", disks((32, 40)))
    drop(stage, image)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    stage.session.projects.create(tmp_path / "study.unet")
    stage.until(lambda: stage.state.project)
    stage.session.projects.leave()
    assert stage.state.project is None
    drop(stage, tmp_path / "study.unet")
    stage.until(lambda: stage.state.project)
    assert stage.state.project.name == "study.unet"
    labels = cells()[:32, :40]
    rois = exports.export(labels, tmp_path / "from fiji.zip")
    stage.until(lambda: stage.state.image and stage.state.image.open)
    drop(stage, rois)
    layer = stage.viewer.layers[-1]
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(layer.data, labels)
    stage.viewer.layers.selection.active = layer
    stage.until(lambda: stage.state.target.stranger == "from fiji")
    assert stage.panel(PredictPanel)
    stage.bench.use_labels(right=True)
    np.testing.assert_array_equal(stage.annotation.labels, labels)
    stage.bench.close()
    assert "_qt_open" not in vars(stage.viewer.window._qt_viewer)


def test_a_model_of_others_is_dropped_or_opened(stage, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    package = files_of(described(), traced(lambda x: 3 * x))
    file = write_zip(tmp_path / "theirs.zip", package)
    drop(stage, file)
    stage.until(lambda: stage.state.model.name == "theirs" and not stage.state.loading)
    assert not stage.viewer.layers
    panel = stage.panel(ModelPanel)
    assert panel.chooser.currentText() == "theirs"
    file.write_bytes(b"")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    panel.chooser.chosen.emit("Open model file…")
    stage.until(lambda: "model" in stage.state.problems)
    panel = stage.panel(ModelPanel)
    assert "is not a zip file" in panel.problem.words.text()
    assert panel.chooser.currentText() == "theirs"


@pytest.fixture
def opened():
    """Return what an `Opening` does with paths, and what is left for napari."""
    PluginManager.instance().discover()
    seen = SimpleNamespace(projects=[], listed=[], folders=[], labels=[])
    listing = SimpleNamespace(add=lambda paths, **_: seen.listed.extend(paths))
    session = SimpleNamespace(
        projects=SimpleNamespace(open=seen.projects.append),
        worklist=SimpleNamespace(listing=listing),
    )
    large = SimpleNamespace(take=lambda path, *_: path.name == "large.tif")
    labels = SimpleNamespace(show=lambda _, maps: seen.labels.extend(maps))
    folders = SimpleNamespace(take=seen.folders.extend)
    shown = SimpleNamespace(shown=MagicMock())
    opening = Opening(session, large, labels, folders, shown)
    seen.take = lambda *paths: opening.take([str(path) for path in paths])
    return seen


def test_what_only_napari_reads_is_left_to_it(tmp_path, opened):
    numbers = tmp_path / "numbers"
    numbers.mkdir()
    np.save(numbers / "a.npy", disks())  # napari's own, not ours
    (numbers / ".DS_Store").touch()
    (tmp_path / "empty.zarr").mkdir()
    array = save_zarr(tmp_path / "array.zarr", disks())
    flat = save_ome(tmp_path / "flat.zarr", disks(), "yx", 3)
    file = save(tmp_path / "a.tif", disks())
    paths = [numbers, tmp_path / "empty.zarr", array, flat, file]
    assert opened.take(*paths, tmp_path / "large.tif") == list(map(str, paths))
    assert not opened.listed
    assert not opened.folders
    assert not opened.projects


def test_images_of_folders_come_into_the_list(tmp_path, opened):
    stack, wells, notes = (tmp_path / name for name in ("stack", "wells", "notes"))
    save(stack / "a.tif", disks())
    save(stack / "b.ome.TIF", disks()[:9])
    save(wells / "well 1" / "a.tif", disks())
    save(notes / "a.tif", disks())
    (notes / "what I did.txt").touch()
    project, empty = tmp_path / "a.unet", tmp_path / "empty"
    project.mkdir()
    empty.mkdir()
    image = wells / "well 1" / "a.tif"
    assert opened.take(project, stack, wells, image, notes, empty) == [str(image)]
    assert opened.folders == [stack, wells, notes, empty]
    assert opened.projects == [project]


def test_zarrs_that_napari_would_not_read_are_looked_into(tmp_path, opened):
    """With other groups in them, it reads the first of these or fails."""
    several, wells = tmp_path / "several.zarr", tmp_path / "wells.zarr"
    container(several, 2)
    plate(wells)
    assert not opened.take(several, wells)
    assert opened.listed == [several, wells]


def test_no_folder_is_claimed_and_nothing_that_napari_reads(tmp_path):
    """Or whoever drops a folder would be asked which plugin is to read it."""
    manager = PluginManager.instance()
    manager.discover()
    assert {r.plugin_name for r in manager.iter_compatible_readers([tmp_path])} == {
        "napari"
    }
    builtin = manager.get_manifest("napari").contributions.readers
    for pattern in {each for reader in builtin for each in reader.filename_patterns}:
        name = pattern.replace("*", "a")
        found = manager.iter_compatible_readers([name])
        assert MINE not in {reader.plugin_name for reader in found}, pattern
    for name in ("a.roi", "a.ZIP", "a.geojson", "project.json"):
        found = manager.iter_compatible_readers([name])
        assert MINE in {reader.plugin_name for reader in found}, name


@pytest.fixture
def viewer(qapp, monkeypatch):
    """Return a viewer without a window and a dock, and what it told."""
    viewer = ViewerModel()
    told: list[str] = []
    monkeypatch.setattr(open_files, "current_viewer", lambda: viewer)
    monkeypatch.setattr(open_files, "show_error", told.append)
    monkeypatch.setattr(open_files, "show_warning", told.append)
    return SimpleNamespace(model=viewer, told=told)


@pytest.mark.parametrize("suffix", [".zip", ".geojson", ".json"])
def test_regions_lie_on_their_image_without_a_dock(viewer, tmp_path, suffix):
    labels = np.stack([cells(), np.flip(cells(), 0)])
    path = exports.export(labels, tmp_path / f"a{suffix}", axes="TYX")
    viewer.model.add_image(
        np.zeros((2, 3, 64, 64)), metadata={"axes": "TCYX"}, scale=(1, 1, 0.5, 0.5)
    )
    viewer.model.open(path, plugin=MINE)
    image, layer = viewer.model.layers
    assert layer.name == "a"
    np.testing.assert_array_equal(layer.data[:, 2], labels)
    np.testing.assert_array_equal(layer.scale, image.scale)
    assert layer.source.path == str(path)
    assert not viewer.told


def test_why_regions_are_no_labels_is_told_in_one_sentence(viewer, tmp_path):
    path = exports.export(cells(), tmp_path / "a.geojson")
    assert get_reader([str(path)]) is None
    assert get_reader(str(path))(str(path)) == NO_LAYERS
    assert "open the image" in viewer.told.pop()
    viewer.model.add_image(np.zeros((9, 9)))
    assert viewer.model.open(path, plugin=MINE) == []
    assert "has no pixel in the image" in viewer.told.pop()
    (tmp_path / "a.json").write_text("{}")
    viewer.model.open(tmp_path / "a.json", plugin=MINE)
    assert "COCO" in viewer.told.pop()
    assert len(viewer.model.layers) == 1


def test_regions_of_many_planes_on_one_are_told(viewer, tmp_path):
    labels = np.zeros((3, 64, 64), np.int32)
    for number, plane in enumerate(labels):
        plane[:20, 20 * number : 20 * number + 18] = number + 1
    path = exports.export(labels, tmp_path / "a.zip", axes="ZYX")
    viewer.model.add_image(np.zeros((64, 64)))
    viewer.model.open(path, plugin=MINE)
    assert viewer.model.layers[-1].data.max() == 3
    assert "a.zip: regions of 3 planes lie on one" in viewer.told.pop()
    assert not viewer.told


def test_a_unit_is_needed_for_micrometres():
    unit = ViewerModel().add_image(np.zeros((4, 4)), units="nm").units[0]
    assert micrometres(500, unit) == pytest.approx(0.5)
    plain = ViewerModel().add_image(np.zeros((4, 4))).units[0]
    assert micrometres(500, plain) is None
