"""What could not be saved at its place is told before the window is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qtpy.QtCore import QEvent, QEventLoop, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_unet.gui import connections
from tests.session.brightness import disks

pytestmark = pytest.mark.qt_every


class SpontaneousClose(QEvent):
    """As the window manager asks; Qt lets no program make a real one."""

    def __init__(self):
        super().__init__(QEvent.Type.Close)

    def spontaneous(self):
        return True


@pytest.mark.parametrize("how", ["by the program", "by the window manager"])
def test_what_could_not_be_saved_is_read_before_the_window_is_gone(
    stage, drag, unfiled, how
):
    unfiled.write_text("a file where the folder should be")
    stage.open(disks(), name="disks")
    stage.predict()
    layer = stage.labels
    layer.mode, layer.brush_size, layer.selected_label = "paint", 5, 77
    drag(stage.viewer, layer, [(60, 60), (60, 80)])
    bench, window = stage.bench, stage.viewer.window._qt_window
    read, loop = [], QEventLoop()

    def close():
        if how == "by the window manager":
            bench.eventFilter(window, SpontaneousClose())
            assert bench._open, "the person may refuse"
            window.hide()
        else:
            stage.viewer.close()
        read.append("closed")
        loop.quit()

    def read_it():
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            return
        reader.stop()
        read.append(box.text())
        box.accept()

    reader = QTimer()
    reader.timeout.connect(read_it)
    reader.start(50)
    QTimer.singleShot(0, close)
    loop.exec()
    reader.stop()
    assert len(read) == 2, "the message came first, and was waited for"
    assert "disks" in read[0]
    assert not bench._open
    QTest.qWait(20)


def test_a_script_that_closes_the_window_waits_for_nobody(stage, drag, unfiled):
    unfiled.write_text("a file where the folder should be")
    stage.open(disks(), name="disks")
    stage.predict()
    stage.bench.tools.use("accept view")
    stage.viewer.close()
    (box,) = [
        each for each in QApplication.topLevelWidgets() if isinstance(each, QMessageBox)
    ]
    assert "disks" in box.text()
    box.accept()
    del box


def test_the_end_of_python_closes_what_a_script_left_open(
    monkeypatch, request, unfiled
):
    """Before PyQt deletes the timers that closing stops; it asks to be told first."""
    last: list[Callable[[], None]] = []
    monkeypatch.setattr("atexit.register", last.append)
    monkeypatch.setattr("atexit.unregister", last.remove)
    stage = request.getfixturevalue("stage")
    (end,) = [each for each in last if each.__module__ == connections.__name__]
    stage.open(disks(), name="disks")
    stage.predict()
    stage.bench.tools.use("accept view")
    end()
    assert not stage.bench._open
    assert end not in last
    assert list(unfiled.iterdir())
