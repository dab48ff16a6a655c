"""The page with results: what is chosen, exported, shown and refused."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_unet.gui.panels.results import ResultsPanel
from napari_unet.io.labels import read_ids
from tests.session.brightness import classes_model, disks

LEFT = Qt.MouseButton.LeftButton


@pytest.mark.qt_smoke
def test_results_leave_by_a_click(stage, tmp_path, monkeypatch, drag, shown_folders):
    panel = stage.panel(ResultsPanel)
    assert not panel.this.isEnabled()
    assert "Choose an image" in panel.this.toolTip()
    file = tmp_path / "plate" / "cells.tif"
    file.parent.mkdir()
    tifffile.imwrite(file, disks((192, 256)))
    stage.viewer.open(file, plugin="napari")
    stage.until(lambda: stage.state.image and stage.state.image.open)
    assert "no labels yet" in stage.panel(ResultsPanel).this.toolTip()
    stage.predict()
    labels = stage.labels
    labels.mode, labels.selected_label, labels.brush_size = "paint", 60, 4
    drag(stage.viewer, labels, [(32, 120), (32, 136)])
    panel = stage.panel(ResultsPanel)
    assert not panel.more.body.isVisible()
    assert not panel.show_folder.isEnabled()
    QTest.mouseClick(panel.more.head, LEFT)
    (geojson,) = [box for each, box in panel.boxes.items() if each.name == "geojson"]
    geojson.click()
    panel = stage.panel(ResultsPanel)
    assert panel.more.head.text() == "▾ More formats (1 chosen)"
    QTest.mouseClick(panel.this, LEFT)
    stage.until(lambda: stage.state.exporting.told)
    panel = stage.panel(ResultsPanel)
    assert panel.told.text() == "Exported 3 files of 1 image."
    folder = file.parent / "U-Net results"
    found = read_ids(folder / "cells labels.tif")
    np.testing.assert_array_equal(found, stage.annotation.labels)
    assert (found == 60).any()
    assert panel.where.text() == "plate/U-Net results"
    QTest.mouseClick(panel.show_folder, LEFT)
    assert shown_folders == [str(folder)]

    mine = tmp_path / "mine"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(mine))
    panel._on_choose()
    (mine).mkdir()
    (mine / "cells labels.tif").write_text("precious")
    QTest.mouseClick(stage.panel(ResultsPanel).all, LEFT)
    stage.until(lambda: stage.state.exporting.told)
    assert "left alone" in stage.panel(ResultsPanel).problem.words.text()
    assert (mine / "cells labels.tif").read_text() == "precious"
    panel.back.trigger()
    assert stage.state.exporting.folder == folder


def test_a_format_that_does_not_fit_says_why(stage):
    stage.open(disks((64, 64)), name="disks")
    stage.session.models.timeline.publish(classes_model())
    stage.until(lambda: stage.state.image and stage.state.image.task == "classes")
    stage.predict()
    boxes = {each.name: box for each, box in stage.panel(ResultsPanel).boxes.items()}
    assert not boxes["csv"].isEnabled()
    assert "of objects" in boxes["csv"].toolTip()
    assert boxes["fiji"].isEnabled()
