"""The bare image is seen while a key is held, and nothing else changes."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from tests.session.brightness import disks

pytestmark = pytest.mark.qt_smoke


@pytest.fixture
def predicted(stage):
    stage.open(disks((128, 128)), name="disks")
    stage.predict()
    stage.labels.opacity = 0.6
    stage.bench.layers.show_verified(True)
    return stage


def send(stage, what) -> None:
    what(stage.viewer.window._qt_viewer.canvas.native, Qt.Key.Key_H)
    QApplication.processEvents()


def over(stage):
    return stage.bench.layers.results.current.layers


def test_labels_are_gone_as_long_as_the_key_is_down(predicted):
    before = [layer.opacity for layer in over(predicted)]
    assert len(before) == 2
    assert 0.6 in before
    send(predicted, QTest.keyPress)
    assert [layer.opacity for layer in over(predicted)] == [0, 0]
    assert all(layer.visible for layer in over(predicted))
    assert not predicted.state.why_not_change
    send(predicted, QTest.keyRelease)
    assert [layer.opacity for layer in over(predicted)] == before


def test_a_key_that_never_came_up_loses_nothing(predicted):
    """The window lost the keyboard meanwhile."""
    hold = predicted.bench.viewer.keymap
    press = next(do for key, do in hold.items() if str(key) == "H")
    next(press(predicted.viewer))
    assert predicted.labels.opacity == 0
    send(predicted, QTest.keyPress)
    send(predicted, QTest.keyRelease)
    assert predicted.labels.opacity == 0.6


def test_another_window_takes_the_keyboard_meanwhile(predicted):
    send(predicted, QTest.keyPress)
    assert predicted.labels.opacity == 0
    window = predicted.viewer.window._qt_window
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert predicted.labels.opacity == 0.6


def test_a_layer_that_is_deleted_meanwhile_does_no_harm(predicted):
    send(predicted, QTest.keyPress)
    predicted.viewer.layers.remove(predicted.labels)
    QTest.qWait(50)
    send(predicted, QTest.keyRelease)
    predicted.predict()
    assert predicted.labels.opacity > 0


def test_without_labels_the_key_does_nothing(stage):
    send(stage, QTest.keyPress)
    send(stage, QTest.keyRelease)
