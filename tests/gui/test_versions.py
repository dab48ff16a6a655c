"""The list of versions in a real window, by mouse and keys."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit

from napari_unet.gui.napari_private import canvas_of
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.models.record import new_record
from tests.session.brightness import brightness_model, disks

pytestmark = pytest.mark.qt_smoke


def publish(stage, note, threshold, start=0.5, score=0.7, **options):
    """Add a version as a training does."""
    record = new_record().model_copy(
        update={
            "run": uuid4(),
            "start_score": start,
            "score": score,
            "objects": 12,
            "seconds": 48.0,
        }
    )
    model = brightness_model(threshold)
    return stage.session.models.timeline.publish(
        model, record=record, note=note, **options
    )


@pytest.fixture
def dock(stage):
    """A window whose session has made two rounds; the second one predicts."""
    stage.open(disks((128, 128), dim=(3, 7, 14)), name="disks")
    stage.predict()
    publish(stage, "round 1", 0.25)
    publish(stage, "round 2", 0.5)
    stage.dock.bring(stage.panel(FinetunePanel))
    QTest.qWait(50)
    return stage


def row(panel, name):
    """Return the middle of the row of a version, which is scrolled to."""
    names = [
        panel.versions.item(i).data(Qt.ItemDataRole.UserRole).name
        for i in range(panel.versions.count())
    ]
    item = panel.versions.item(names.index(name))
    panel.versions.scrollToItem(item)
    return panel.versions.visualItemRect(item).center()


def click(panel, name, *, twice=False):
    viewport, at = panel.versions.viewport(), row(panel, name)
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=at)
    if twice:
        QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=at)
    QApplication.processEvents()


def press(stage, key):
    """Press a key where the keyboard is."""
    holder = stage.dock.window().focusWidget()
    QTest.keyClick(holder, key)
    QApplication.processEvents()


def on_canvas(stage):
    return stage.dock.window().focusWidget() is canvas_of(stage.viewer)


def shown(stage):
    return [each.name for each in stage.state.versions]


def test_versions_by_mouse_and_keys(dock, press_key):
    panel = dock.panel(FinetunePanel)
    assert panel.versions.version.name == "round 2"
    assert not panel.use.isEnabled()
    to_look_at_another_changes_nothing(dock, panel)
    a_double_click_and_enter_go_to_it(dock, panel)
    f2_names_it(dock, panel)
    delete_deletes_what_may_go(dock, panel)
    the_brush_is_one_key_away(dock, panel)
    nothing_is_lost_while_a_name_is_written(dock, panel)


def to_look_at_another_changes_nothing(stage, panel):
    click(panel, "round 1")
    assert panel.versions.version.name == "round 1"
    assert stage.state.version == 3
    assert panel.use.isEnabled()
    panel.use.click()
    assert stage.state.version == 2
    stage.until(lambda: stage.state.image.objects == 16)
    assert not stage.panel(FinetunePanel).use.isEnabled()


def a_double_click_and_enter_go_to_it(stage, panel):
    click(panel, "round 2", twice=True)
    assert stage.state.version == 3
    stage.panel(FinetunePanel)
    assert panel.versions.version.name == "round 2"
    click(panel, "round 2")
    press(stage, Qt.Key.Key_Down)
    assert panel.versions.version.name == "round 1"
    press(stage, Qt.Key.Key_Return)
    assert stage.state.version == 2
    assert on_canvas(stage)


def f2_names_it(stage, panel):
    stage.panel(FinetunePanel)
    click(panel, "round 1")
    press(stage, Qt.Key.Key_F2)
    editor = panel.versions.findChild(QLineEdit)
    assert editor.selectedText() == "round 1"
    QTest.keyClicks(editor, "good")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(50)
    assert shown(stage) == ["bright", "good", "round 2"]
    stage.panel(FinetunePanel)
    panel.rename.trigger()
    editor = panel.versions.findChild(QLineEdit)
    QTest.keyClicks(editor, "bad")
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    QTest.qWait(50)
    assert shown(stage) == ["bright", "good", "round 2"]


def delete_deletes_what_may_go(stage, panel):
    stage.panel(FinetunePanel)
    click(panel, "good")
    press(stage, Qt.Key.Key_Delete)
    assert "good predicts now" in stage.panel(FinetunePanel).problem.words.text()
    assert not panel.delete.isEnabled()
    assert "predicts now" in panel.delete.toolTip()
    click(panel, "round 2")
    press(stage, Qt.Key.Key_Delete)
    assert shown(stage) == ["bright", "good"]
    stage.panel(FinetunePanel)
    assert not panel.problem.isVisible()
    assert panel.undo.text() == "Bring back round 2"
    panel.undo.trigger()
    assert shown(stage) == ["bright", "good", "round 2"]
    assert not stage.panel(FinetunePanel).undo.isEnabled()


def the_brush_is_one_key_away(stage, panel):
    click(panel, "round 2")
    assert not on_canvas(stage)
    press(stage, Qt.Key.Key_2)
    assert stage.labels.mode == "paint"
    assert on_canvas(stage)


def nothing_is_lost_while_a_name_is_written(stage, panel):
    stage.panel(FinetunePanel)
    click(panel, "round 2")
    press(stage, Qt.Key.Key_F2)
    editor = panel.versions.findChild(QLineEdit)
    QTest.keyClicks(editor, "fi")
    publish(stage, "round 3", 0.4, activate=False)
    stage.panel(FinetunePanel)
    QTest.keyClicks(editor, "ne")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.qWait(50)
    stage.panel(FinetunePanel)
    assert shown(stage) == ["bright", "good", "fine", "round 3"]
    assert panel.versions.count() == 4


def test_a_long_list_stays_small_and_the_active_one_is_in_sight(dock):
    panel = dock.panel(FinetunePanel)
    height = panel.versions.height()
    for number in range(3, 30):
        publish(dock, f"round {number}", 0.5, activate=number == 3)
    panel = dock.panel(FinetunePanel)
    QTest.qWait(50)
    assert panel.versions.height() == height <= 130
    assert panel.versions.version.name == "round 3"
    place = panel.versions.visualItemRect(panel.versions.currentItem())
    assert panel.versions.viewport().rect().contains(place)
    assert not panel.versions.horizontalScrollBar().isVisible()
    # Told to who cannot see it, too.
    assert panel.versions.currentItem().text() == "round 3: 0.50 → 0.70"
    assert panel.versions.mapTo(dock.dock, QPoint(0, 0)).x() >= 0
    state = replace(dock.state, versions=())
    panel._render(state)
    assert panel.versions.version is None
    assert not panel.use.isEnabled()
