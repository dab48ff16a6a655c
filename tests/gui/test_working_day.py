"""From an empty window to exported results, with the fewest gestures.

One is a drop, a click, a key or a stroke; what the machine does meanwhile is not.
"""

from __future__ import annotations

import dask
import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtTest import QTest

from napari_unet.gui.keys import NEXT_IMAGE, PREDICT, TRAIN
from napari_unet.gui.panels.results import ResultsPanel
from napari_unet.io.labels import read_label_file
from tests.session.brightness import disks

pytestmark = pytest.mark.qt_smoke

MOST = 12


class Hand:
    """Does one gesture after the other, and counts them."""

    def __init__(self, stage, drag, press_key):
        self._stage = stage
        self._drag = drag
        self._press = press_key
        self.gestures = 0

    def drop(self, path):
        self.gestures += 1
        window = self._stage.viewer.window._qt_viewer
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        window.dropEvent(
            QDropEvent(
                QPointF(9, 9),
                Qt.DropAction.CopyAction,
                data,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            )
        )

    def press(self, key):
        self.gestures += 1
        self._press(self._stage.viewer, key)

    def stroke(self, *points):
        self.gestures += 1
        self._drag(self._stage.viewer, self._stage.labels, points)

    def turn_to(self, title):
        self.gestures += 1
        tabs = self._stage.dock.turned.tabBar()
        (place,) = [n for n in range(tabs.count()) if tabs.tabText(n) == title]
        QTest.mouseClick(
            tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(place).center()
        )

    def click(self, button):
        self.gestures += 1
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def plate(tmp_path):
    """Two images of disks, of which some are too dim to be found."""
    folder = tmp_path / "plate"
    folder.mkdir()
    for number in range(2):
        image = disks((128, 128), dim=(3, 7, 14))
        image[-1, -1] = number
        tifffile.imwrite(folder / f"well{number}.tif", image)
    return folder


def test_a_folder_becomes_results_in_twelve_gestures(stage, plate, drag, press_key):
    hand = Hand(stage, drag, press_key)
    # napari reads a folder with dask, whose threads stay.
    with dask.config.set(scheduler="synchronous"):
        hand.drop(plate)
        stage.until(lambda: stage.state.image and stage.state.image.name == "well0.tif")
    stage.until(lambda: stage.state.image.open and not stage.state.why_not_predict)
    hand.press(PREDICT)
    stage.until(lambda: stage.state.image.has_labels and not stage.state.predicting)
    found = stage.state.image.objects
    hand.press("2")
    for row in (16, 48):
        hand.stroke((row, 76), (row, 80), (row, 86))
        press_key(stage.viewer, "M")
        hand.gestures += 1
    hand.press("Shift+A")
    assert stage.state.image.verified_objects >= found + 1
    stage.session.set_minutes(0.1)  # the least that a project takes
    hand.press(TRAIN)
    assert stage.state.training
    hand.press(NEXT_IMAGE)
    stage.until(lambda: stage.state.image and stage.state.image.name == "well1.tif")
    stage.until(lambda: not stage.state.training)
    stage.until(lambda: stage.state.image.has_labels and not stage.state.predicting)
    hand.turn_to("Results")
    panel = stage.panel(ResultsPanel)
    stage.until(lambda: not stage.state.why_not_export(everything=True))
    panel.show_state(stage.state)
    hand.click(panel.all)
    stage.until(lambda: not stage.state.exporting.progress)
    assert hand.gestures <= MOST
    results = plate / "U-Net results"
    masks = sorted(results.glob("well*.tif"))
    assert [len(masks), len(list(results.glob("*.csv")))] == [2, 3]
    labels = read_label_file(masks[0]).array
    assert (
        len(np.unique(labels)) - 1
        == stage.session.worklist.rows.find(
            (plate / "well0.tif").resolve()
        ).work.objects
    )
