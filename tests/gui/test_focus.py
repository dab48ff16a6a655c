"""The canvas has the keyboard: a real mouse in the dock, and then real keys.

One window for all of it: windows are slow to make.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QFileDialog,
    QPushButton,
    QStyle,
    QStyleOptionSpinBox,
)

from napari_unet.gui.napari_private import canvas_of
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.gui.panels.image import ImagePanel
from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.predict import PredictPanel
from tests.session.brightness import brightness_model, disks

pytestmark = pytest.mark.qt_smoke


class Keyboard:
    """Presses keys wherever the keyboard is."""

    def __init__(self, stage):
        self.stage = stage
        self.window = stage.dock.window()
        # Nothing manages windows on a virtual screen.
        self.window.activateWindow()
        QApplication.setActiveWindow(self.window)

    @property
    def holder(self):
        return self.window.focusWidget()

    @property
    def on_canvas(self):
        return self.holder is canvas_of(self.stage.viewer)

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(self.holder, key, modifier)


def click(widget, place=None):
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(widget, left, none, place or widget.rect().center())


def arrow_of(box):
    """Return where the arrow lies with which a box counts up."""
    option = QStyleOptionSpinBox()
    box.initStyleOption(option)
    up = QStyle.SubControl.SC_SpinBoxUp
    style, kind = box.style(), QStyle.ComplexControl.CC_SpinBox
    return style.subControlRect(kind, option, up, box).center()


def test_the_mouse_leaves_the_keyboard_to_the_canvas(stage, monkeypatch):
    model = brightness_model()
    known = model.spec.model_copy(update={"diameters": (6.0, 30.0)})
    stage.session.models.timeline.publish(replace(model, spec=known))
    stage.open(disks(), name="disks")
    stage.until(lambda: not stage.state.why_not_predict)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QDialog, "exec", lambda _: 0)
    late = QPushButton("made later")
    stage.panel(CorrectPanel).add(late)
    keyboard = Keyboard(stage)
    canvas_of(stage.viewer).setFocus()

    after_predict_two_is_the_brush(stage, keyboard)
    space_accepts_nothing_again(stage, keyboard, monkeypatch)
    letters_choose_no_model(stage, keyboard)
    boxes_give_the_keyboard_back(stage, keyboard)
    axes_give_the_keyboard_back(stage, keyboard)
    every_control_leaves_it(stage, keyboard, late, monkeypatch)
    a_disabled_control_hands_it_over(stage, keyboard)
    tab_reaches_every_control(stage, keyboard)


def after_predict_two_is_the_brush(stage, keyboard):
    click(stage.panel(PredictPanel).predict)
    stage.panel(PredictPanel)
    stage.until(lambda: not stage.state.predicting)
    before = stage.state.settings
    keyboard.press(Qt.Key.Key_2)
    assert stage.labels.mode == "paint"
    assert stage.state.settings == before


def space_accepts_nothing_again(stage, keyboard, monkeypatch):
    click(stage.panel(CorrectPanel).edits["accept view"])
    assert stage.state.image.verified_objects == 20
    accepted = []
    with monkeypatch.context() as patch:
        patch.setattr(stage.session.correcting, "do", accepted.append)
        keyboard.press(Qt.Key.Key_Space)
        keyboard.press(Qt.Key.Key_Return)
    assert accepted == []


def letters_choose_no_model(stage, keyboard):
    model = stage.state.model
    choose_by_mouse(stage.panel(ModelPanel).chooser)
    assert keyboard.on_canvas
    for key in (Qt.Key.Key_N, Qt.Key.Key_C):
        keyboard.press(key)
    assert stage.state.model == model
    assert not stage.state.loading
    keyboard.press(Qt.Key.Key_S)
    assert stage.state.predicting
    stage.until(lambda: not stage.state.predicting)


def boxes_give_the_keyboard_back(stage, keyboard):
    predict = stage.panel(PredictPanel)
    size = predict.settings.diameter
    for leave in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        click(size.lineEdit())
        assert keyboard.holder is size
        QTest.qWait(30)
        assert size.lineEdit().selectedText(), "what was measured is replaced"
        for digit in (Qt.Key.Key_2, Qt.Key.Key_1):
            keyboard.press(digit)
        keyboard.press(leave)
        assert keyboard.on_canvas
        assert stage.state.settings.diameter == 21
        stage.session.settings.set_diameter(None)
        stage.panel(PredictPanel)
    # What was typed counts when something else is clicked.
    click(size.lineEdit())
    QTest.qWait(30)
    keyboard.press(Qt.Key.Key_9)
    click(predict.predict)
    assert stage.state.settings.diameter == 9
    stage.until(lambda: not stage.state.predicting)


def axes_give_the_keyboard_back(stage, keyboard):
    axes = stage.panel(ImagePanel).axes
    click(axes)
    keyboard.press(Qt.Key.Key_Q)
    assert "Q" in axes.text().upper()
    keyboard.press(Qt.Key.Key_Escape)
    assert keyboard.on_canvas
    assert axes.text() == "YX"
    assert "image" not in stage.state.problems


def every_control_leaves_it(stage, keyboard, late, monkeypatch):
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(stage.session, "finetune", lambda _minutes: None)
        patch.setattr("napari_unet.gui.status_line.show_keys", lambda _window: None)
        for page in range(stage.dock.turned.count()):
            turn_to(stage, keyboard, page)
            seen += every_button_leaves_it(stage, keyboard)
            every_box_leaves_it(stage, keyboard)
    assert late in seen
    click(stage.panel(PredictPanel).settings.foreground.slider, QPoint(9, 9))
    assert keyboard.on_canvas
    choose_by_mouse(stage.panel(ImagePanel).chooser.native)
    assert keyboard.on_canvas
    click(stage.dock.status)
    assert keyboard.on_canvas
    stage.until(lambda: not stage.state.predicting)


def turn_to(stage, keyboard, page):
    tabs = stage.dock.turned.tabBar()
    click(tabs, tabs.tabRect(page).center())
    assert stage.dock.turned.currentIndex() == page
    assert keyboard.on_canvas
    QTest.qWait(50)


def every_button_leaves_it(stage, keyboard):
    buttons = [
        button
        for button in stage.dock.findChildren(QAbstractButton)
        if button.isVisible() and button.isEnabled() and not _has_menu(button)
    ]
    for button in buttons:
        click(button)
        assert keyboard.on_canvas, button.text()
    stage.until(lambda: not stage.state.predicting)
    return buttons


def every_box_leaves_it(stage, keyboard):
    for box in stage.dock.findChildren(QAbstractSpinBox):
        if box.isVisible() and box.isEnabled():
            click(box, arrow_of(box))
            assert keyboard.on_canvas, box.toolTip()
            click(box.lineEdit())
            assert keyboard.holder is box
            keyboard.press(Qt.Key.Key_Escape)
            assert keyboard.on_canvas, box.toolTip()


def a_disabled_control_hands_it_over(stage, keyboard):
    predict = stage.panel(PredictPanel).predict
    predict.setFocus(Qt.FocusReason.TabFocusReason)
    assert keyboard.holder is predict
    keyboard.press(Qt.Key.Key_Space)
    stage.panel(PredictPanel)
    assert not predict.isEnabled()
    assert keyboard.on_canvas
    stage.until(lambda: not stage.state.predicting)


def tab_reaches_every_control(stage, keyboard):
    tabs, predict = stage.dock.turned.tabBar(), stage.panel(PredictPanel).predict
    pages = [
        {tabs, stage.panel(ModelPanel).chooser, predict},
        {
            tabs,
            stage.panel(PredictPanel).settings.diameter,
            stage.panel(CorrectPanel).edits["accept view"],
        },
        {tabs, stage.panel(FinetunePanel).along, stage.panel(FinetunePanel).minutes},
    ]
    for page, wanted in enumerate(pages):
        stage.dock.turned.setCurrentIndex(page)
        predict.setFocus(Qt.FocusReason.TabFocusReason)
        for _ in range(60):
            keyboard.press(Qt.Key.Key_Tab)
            wanted.discard(keyboard.holder)
        assert not wanted, (page, keyboard.holder)


def _has_menu(button):
    return isinstance(button, QPushButton) and button.menu() is not None


def choose_by_mouse(combo):
    """Open the list of a combobox, and click on what is chosen already."""
    click(combo)
    QTest.qWait(30)
    view = combo.view()
    place = view.visualRect(view.model().index(max(0, combo.currentIndex()), 0))
    click(view.viewport(), place.center())
    QTest.qWait(30)
