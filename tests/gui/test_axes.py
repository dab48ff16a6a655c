"""Axes, channels and folders in the window: files as napari itself opens them."""

from __future__ import annotations

from pathlib import Path

import dask
import numpy as np
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_unet.gui.panels.image import ImagePanel
from napari_unet.io.read import read_image
from tests.session.brightness import disks


def write_files(folder: Path) -> None:
    """Write files that state their axes, one that does not, and a folder of images."""
    planes = np.stack([disks()] * 5)
    for name, axes in (("time.tif", "TYX"), ("channels.ome.tif", "CYX")):
        imagej = not name.endswith(".ome.tif")
        metadata = {"axes": axes}
        tifffile.imwrite(folder / name, planes, imagej=imagej, metadata=metadata)
    tifffile.imwrite(folder / "plain.tif", planes, metadata=None)
    (folder / "plate").mkdir()
    for number in range(3):
        image = disks((128, 160))
        image[-1, -1] = number
        tifffile.imwrite(folder / "plate" / f"well{number}.tif", image)


def open_path(stage, path: Path) -> None:
    """Open a path as dropping it does."""
    stage.viewer.layers.clear()
    stage.viewer.open(str(path), plugin="napari")
    stage.until(lambda: stage.state.image and stage.state.image.open)


def click_reading(panel: ImagePanel, axes: str) -> None:
    panel.readings.activated.emit(panel.readings.findData(axes))


def test_files_folders_and_what_a_person_says_of_them(stage, tmp_path):
    write_files(tmp_path)
    panel = stage.panel(ImagePanel)
    for path in sorted(tmp_path.glob("*.tif")):
        open_path(stage, path)
        stated = read_image(path).axes
        assert stage.state.image.axes == (stated or "ZYX")
        words = stage.panel(ImagePanel).origin.text()
        assert ("file states" if stated else "Guessed: z-stack") in words
    open_path(stage, tmp_path / "time.tif")
    stage.predict()
    assert stage.state.image.objects == 5 * 20
    _say_another_reading(stage, panel, tmp_path / "plain.tif")
    _choose_a_channel(stage, panel, tmp_path / "channels.ome.tif")
    # napari stacks folders with dask, whose threads would stay.
    with dask.config.set(scheduler="synchronous"):
        _drop_a_folder(stage, panel, tmp_path / "plate")


def _say_another_reading(stage, panel: ImagePanel, path: Path) -> None:
    open_path(stage, path)
    stage.predict()
    assert stage.state.image.objects == 20
    layer = stage.labels
    click_reading(panel, "TYX")
    stage.until(lambda: stage.state.image.axes == "TYX")
    assert stage.labels is layer
    panel.show_state(stage.state)
    assert panel.axes.text() == "TYX"
    assert "as you said" in panel.origin.text()
    stage.predict()
    assert stage.state.image.objects == 5 * 20


def _choose_a_channel(stage, panel: ImagePanel, path: Path) -> None:
    open_path(stage, path)
    panel.show_state(stage.state)
    assert panel.channels.isVisible()
    assert "under Channel" in panel.problem.words.text()
    panel.channels.activated.emit(2)
    assert stage.state.image.reading.channels == (1,)
    panel.show_state(stage.state)
    assert panel.channels.currentText() == "2"
    stage.predict()
    assert stage.state.image.objects == 20
    assert stage.labels.data.ndim >= 2


def _drop_a_folder(stage, panel: ImagePanel, folder: Path) -> None:
    stage.viewer.layers.clear()
    stage.viewer.open(str(folder), plugin="napari")
    stage.until(lambda: stage.state.worklist.total == 3)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    assert [layer.name for layer in stage.viewer.layers] == ["well0"]
    assert stage.state.image.axes == "YX"
    assert stage.state.image.shape == (128, 160)
    assert "holds 3 images" in panel.folder.text()
    panel.one_stack.click()
    stage.until(lambda: len(stage.viewer.layers) == 2)
    assert [layer.ndim for layer in stage.viewer.layers] == [2, 3]
    assert not panel.one_stack.isVisible()


def test_the_size_of_a_pixel_is_shown_and_typed(stage):
    stage.open(disks(), name="disks", scale=(0.5, 0.5), units=("um", "um"))
    box = stage.panel(ImagePanel).pixel
    assert box.text() == "0.5 µm, as stated"
    box.lineEdit().selectAll()
    QTest.keyClicks(box.lineEdit(), "0,25")
    QTest.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    assert stage.session.images.current.pixel_size == 0.25
    assert stage.panel(ImagePanel).pixel.text() == "0.25 µm"
    box.setValue(0)
    assert stage.session.images.current.pixel_size == 0.5
