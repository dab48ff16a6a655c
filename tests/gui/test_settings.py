"""The size of objects and thresholds, in a real window with real keys and mouse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.predict import PredictPanel
from tests.session.brightness import brightness_model, classes_model, disks
from tests.session.test_settings import distances_model

pytestmark = pytest.mark.qt_smoke


def make_form(stage):
    """Return the form, for a model that knows objects of 6 to 30 px."""
    model = brightness_model()
    known = model.spec.model_copy(update={"diameters": (6.0, 30.0)})
    stage.session.models.timeline.publish(replace(model, spec=known))
    return stage.panel(PredictPanel).settings


def click_at(slider, share):
    """Click on the groove of a slider with a mouse."""
    groove = slider.slider
    place = QPoint(round(share * groove.width()), groove.height() // 2)
    QTest.mouseClick(
        groove, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
    )


def test_the_size_is_measured_shown_and_typed(stage, qtbot):
    form = make_form(stage)
    stage.open(disks(), name="disks")
    qtbot.waitUntil(lambda: form.diameter.text() == "auto")
    form.diameter.stepUp()
    assert stage.session.state.settings.diameter is None, "nothing to step from"
    stage.predict()
    qtbot.waitUntil(lambda: form.diameter.text().endswith("px (auto)"))
    assert not form.warning.text()
    form.diameter.setFocus()
    form.diameter.selectAll()
    QTest.keyClicks(form.diameter, "90")
    assert stage.session.state.settings.diameter is None, "still typing"
    QTest.keyClick(form.diameter, Qt.Key.Key_Return)
    assert stage.session.state.settings.diameter == 90
    qtbot.waitUntil(lambda: bool(form.warning.text()))
    assert "90 px" in form.warning.text()
    qtbot.waitUntil(form.measure.isEnabled)
    QTest.mouseClick(form.measure, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not form.warning.text())
    assert not form.measure.isEnabled()
    assert form.diameter.text() == "18 px (auto)"
    form.diameter.stepUp()
    assert stage.session.state.settings.diameter == 19


def test_a_layer_in_micrometres_tells_how_large_a_pixel_is(stage, qtbot):
    form = make_form(stage)
    scale = {"scale": (0.5, 0.5), "units": ("um", "um")}
    stage.viewer.add_image(disks(), name="measured", **scale)
    qtbot.waitUntil(lambda: stage.session.images.current is not None)
    stage.predict()
    qtbot.waitUntil(lambda: form.diameter.text().endswith("µm"))
    assert form.diameter.text() in {"18 px = 8.9 µm", "18 px = 9.0 µm"}


def test_a_slider_finds_other_objects_at_once(stage, qtbot):
    form = make_form(stage)
    image = disks(dim=(1, 2, 3))
    stage.open(np.where(image > 60, image, image // 2), name="disks")
    stage.predict()
    before = stage.annotation.labels.copy()
    click_at(form.foreground, 0.01)
    settings = stage.session.state.settings
    assert settings.foreground < 0.1
    qtbot.waitUntil(lambda: form.foreground.box.value() == settings.foreground)
    qtbot.waitUntil(lambda: stage.session.state.predicting is None)
    assert "Found" in stage.session.state.message
    click_at(form.foreground, 0.5)
    qtbot.waitUntil(lambda: stage.session.state.predicting is None)
    assert 0.4 < stage.session.models.active.spec.decoding.foreground < 0.6
    assert ((before > 0) == (stage.annotation.labels > 0)).all()
    came_with = brightness_model().spec.decoding
    qtbot.waitUntil(form.reset.isEnabled)
    QTest.mouseClick(form.reset, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: stage.session.state.predicting is None)
    assert stage.session.models.active.spec.decoding == came_with
    qtbot.waitUntil(lambda: not form.reset.isEnabled())


def test_what_parts_objects_moves_as_far_as_the_model_lets_it(stage, qtbot):
    form = make_form(stage)
    new = stage.session.models.active
    most = new.spec.decoding.parting_limits[1]
    assert form.parting.slider.maximum() == form.parting.box.maximum() == most
    form.parting.box.setValue(0.7)
    assert stage.state.settings.parting == 0.7
    stage.session.models.timeline.publish(distances_model())
    qtbot.waitUntil(lambda: form.parting.slider.maximum() == 0.5)
    assert form.parting.box.value() == 0.1
    assert "waist" in form.parting.toolTip()
    assert not stage.state.settings.thresholds_moved, "nobody has moved any"
    click_at(form.parting, 0.5)
    assert 0.2 < stage.session.models.active.spec.decoding.prominence < 0.3
    stage.session.models.timeline.publish(new)
    qtbot.waitUntil(lambda: form.parting.slider.maximum() == most)
    assert "touch" in form.parting.toolTip()


def test_classes_have_no_thresholds(stage, qtbot):
    form = make_form(stage)
    qtbot.waitUntil(form.isVisible)
    stage.session.models.timeline.publish(classes_model())
    qtbot.waitUntil(lambda: not form.isVisible())


def turn_wheel(widget) -> None:
    """Turn the mouse wheel one notch down over a widget."""
    centre = QPointF(widget.rect().center())
    event = QWheelEvent(
        centre,
        QPointF(widget.mapToGlobal(widget.rect().center())),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_the_wheel_scrolls_the_dock_and_changes_nothing(stage, monkeypatch):
    form = make_form(stage)
    stage.open(disks(), name="disks")
    stage.predict()
    form.diameter.setValue(20)
    before = stage.session.state.settings
    chooser = stage.panel(ModelPanel).chooser
    chosen = chooser.currentIndex()
    for widget in (form.diameter, form.foreground, form.parting, chooser):
        stage.dock.setFocus()
        for part in (widget, *widget.findChildren(QWidget)):
            if part.isVisible():
                turn_wheel(part)
        assert not widget.hasFocus()
    assert stage.session.state.settings == before
    assert chooser.currentIndex() == chosen
    # A window has no focus to give where nothing manages windows.
    monkeypatch.setattr(type(form.diameter), "hasFocus", lambda _: True)
    turn_wheel(form.diameter)
    assert stage.session.state.settings.diameter == 19, "what has focus turns"
    assert form.diameter.focusPolicy() == Qt.FocusPolicy.StrongFocus
