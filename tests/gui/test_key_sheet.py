"""The sheet of keys: a real key brings it, and it leaves none out."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLabel

from napari_unet.gui import keys
from napari_unet.gui.key_sheet import KeySheet
from napari_unet.gui.napari_private import canvas_of

pytestmark = pytest.mark.qt_every


def test_a_question_mark_brings_the_sheet_with_every_key(stage):
    window = stage.viewer.window._qt_window
    # Nothing manages windows on a virtual screen.
    window.activateWindow()
    QApplication.setActiveWindow(window)
    for _ in range(2):
        QTest.keyClick(canvas_of(stage.viewer), Qt.Key.Key_Question)
        stage.until(lambda: window.findChild(KeySheet) is not None)
    (sheet,) = window.findChildren(KeySheet)
    assert sheet.isVisible()
    told = " ".join(label.text() for label in sheet.findChildren(QLabel))
    for key in stage.bench.commands.keys:
        assert f"<b>{key}</b>" in told or f"{key} " in told or f" {key}" in told
    assert keys.UNDO in told
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    stage.until(lambda: window.findChild(KeySheet) is None)
