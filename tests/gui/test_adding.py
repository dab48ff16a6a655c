"""Objects that are added by a click, and deleted by a box, with a real mouse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_unet.annotation.provenance import Provenance
from tests.session.brightness import disks

pytestmark = pytest.mark.qt_smoke

MISSED = (16, 80)


@pytest.fixture
def scene(stage):
    """Disks, one of which is blurred and too dark to be found."""
    pixels = disks(dim=(3,))
    rows, columns = np.mgrid[-16:16, -16:16]
    distance = np.hypot(rows, columns)
    pixels[:32, 64:96] = 112 - np.where(distance < 5, 0, 6 * (distance - 5)).clip(0, 90)
    stage.open(pixels, name="disks")
    stage.predict()
    return stage


def turn(scene, mouse, point, notches: int) -> None:
    """Turn the wheel over a point of the labels."""
    hand = mouse(scene.viewer, scene.labels)
    at, none = hand._position(point), Qt.KeyboardModifier.NoModifier
    for _ in range(abs(notches)):
        event = QWheelEvent(
            QPointF(at),
            QPointF(hand._widget.mapToGlobal(at)),
            QPoint(),
            QPoint(0, 120 if notches > 0 else -120),
            Qt.MouseButton.NoButton,
            none,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(hand._widget, event)
    QApplication.processEvents()
    QTest.qWait(50)  # the camera tells where it is when it draws


def test_a_click_adds_the_wheel_resizes_and_undo_takes_all_back(
    scene, press_key, click, mouse
):
    before = np.array(scene.labels.data)
    press_key(scene.viewer, "A")
    assert scene.bench.tools.lines.tool == "add object"
    click(scene.viewer, scene.labels, MISSED)
    scene.until(lambda: scene.labels.data[MISSED])
    number = int(scene.labels.data[MISSED])
    assert number not in before
    added = scene.labels.data == number
    assert (scene.annotation.provenance[added] == Provenance.CORRECTED).all()
    zoom, size = scene.viewer.scene.camera.zoom, int(added.sum())
    turn(scene, mouse, MISSED, 2)
    larger = scene.annotation.pixels_of(number)
    turn(scene, mouse, MISSED, -1)
    assert larger > scene.annotation.pixels_of(number) > size
    assert scene.viewer.scene.camera.zoom == zoom
    shown = np.array(scene.labels._slice.image.view)
    assert (
        shown == scene.labels._raw_to_displayed(scene.labels._slice.image.raw)
    ).all()
    # Elsewhere it zooms.
    turn(scene, mouse, (80, 80), 1)
    assert scene.viewer.scene.camera.zoom > zoom
    press_key(scene.viewer, "Ctrl+Z")
    assert (np.array(scene.labels.data) == before).all()
    assert "Took back: Add." in scene.state.message
    assert not scene.annotation.history.done


def test_a_box_deletes_what_lies_in_it(scene, press_key, drag):
    before = np.array(scene.labels.data)
    press_key(scene.viewer, "Q")
    shift = Qt.KeyboardModifier.ShiftModifier
    # Over most of a disk, and a little of two others.
    corners = [(42, 20), (20, 40), (4, 54)]
    drag(scene.viewer, scene.labels, corners, modifier=shift)
    after = np.array(scene.labels.data)
    gone = before == before[16, 48]
    assert not after[gone].any()
    assert (after[~gone] == before[~gone]).all()
    assert "Deleted." in scene.state.message
    press_key(scene.viewer, "Ctrl+Z")
    assert (np.array(scene.labels.data) == before).all()


def test_where_nothing_was_said_it_is_refused_in_words(stage, press_key):
    stage.open(disks(), name="disks")
    stage.session.correcting.start_empty()
    press_key(stage.viewer, "A")
    assert not stage.bench.tools.lines.tool
    assert "press Predict" in stage.state.problems["correct"].text


def test_a_tool_that_changed_nothing_costs_no_step_before_it(scene, press_key, click):
    before = np.array(scene.labels.data)
    press_key(scene.viewer, "Q")
    click(scene.viewer, scene.labels, (16, 48))
    after = np.array(scene.labels.data)
    assert (after != before).any()
    click(scene.viewer, scene.labels, (16, 48))
    assert "Nothing was deleted" in scene.state.message
    press_key(scene.viewer, "Ctrl+Z")
    assert (np.array(scene.labels.data) == after).all()
    assert "again takes back the step before: Delete" in scene.state.message
    press_key(scene.viewer, "Ctrl+Z")
    assert (np.array(scene.labels.data) == before).all()
    assert "Took back: Delete. Nothing is left" in scene.state.message
    press_key(scene.viewer, "Ctrl+Shift+Z")
    assert (np.array(scene.labels.data) == after).all()
    assert "Did again: Delete. 1 step is left." in scene.state.message


def test_an_undo_out_of_sight_is_brought_into_sight(scene, press_key, click):
    press_key(scene.viewer, "Q")
    click(scene.viewer, scene.labels, (16, 48))
    camera = scene.viewer.scene.camera
    zoom = camera.zoom
    press_key(scene.viewer, "Ctrl+Z")
    assert camera.zoom == zoom  # it was in sight
    press_key(scene.viewer, "Ctrl+Shift+Z")
    camera.zoom, camera.center = 20, (110, 140)
    QTest.qWait(50)
    press_key(scene.viewer, "Ctrl+Z")
    QTest.qWait(50)
    seen = scene.bench.layers.visible_box()
    assert seen.start[0] < 8 < 24 < seen.stop[0]
    assert seen.start[1] < 40 < 56 < seen.stop[1]


def test_two_clicks_are_a_line(scene, press_key, click, mouse):
    before = np.array(scene.labels.data)
    press_key(scene.viewer, "K")
    clear = scene.viewer.screenshot(flash=False)
    click(scene.viewer, scene.labels, (3, 48))
    assert (np.array(scene.labels.data) == before).all()
    pointer = mouse(scene.viewer, scene.labels)

    def line_is_shown():
        # On a busy machine a move may be dropped: a real mouse moves on.
        pointer.move((28, 48))
        pointer.move((29, 48))
        shown = scene.viewer.screenshot(flash=False)
        return (shown != clear).any(axis=-1).sum() > 100

    scene.until(line_is_shown, 3000)
    click(scene.viewer, scene.labels, (29, 48))
    assert scene.labels.data[16, 44] != scene.labels.data[16, 52]
    # The first is taken back by Escape, which leaves the tool in hand.
    click(scene.viewer, scene.labels, (42, 48))
    press_key(scene.viewer, "Escape")
    assert scene.bench.tools.lines.tool == "split"
    click(scene.viewer, scene.labels, (54, 48))
    assert scene.labels.data[48, 44] == scene.labels.data[48, 52]
    press_key(scene.viewer, "J")
    click(scene.viewer, scene.labels, (16, 44))
    click(scene.viewer, scene.labels, (16, 52))
    assert scene.labels.data[16, 44] == scene.labels.data[16, 52]
    press_key(scene.viewer, "Escape")
    assert not scene.bench.tools.lines.tool
