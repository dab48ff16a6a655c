"""Ctrl+Z in a real window takes back what was done last, whatever that was."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.weights.folder import save_model
from tests.session.brightness import classes_model, disks, values_model

pytestmark = pytest.mark.qt_smoke

UNDO, REDO = "Ctrl+Z", "Ctrl+Shift+Z"


class Desk:
    """A window with predicted labels, and a memory of what they were."""

    def __init__(self, stage, drag, press_key):
        self.stage, self._drag, self._press_key = stage, drag, press_key
        self.panel = stage.panel(CorrectPanel)

    def state(self):
        self.stage.session.images.current.canvas.settle()
        work = self.stage.annotation
        return work.snapshot().labels, work.labels.copy(), work.provenance.copy()

    def is_as(self, state):
        return all(
            np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            for a, b in zip(self.state(), state, strict=True)
        )

    def stroke(self, row):
        layer = self.stage.labels
        layer.mode, layer.brush_size = "paint", 5
        self._drag(self.stage.viewer, layer, [(row, 74), (row, 86)])

    def click(self, button):
        self.stage.panel(CorrectPanel)
        assert button.isEnabled(), button.toolTip()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def choose(self, entry):
        """Choose an entry of the menu, which opens and closes by the mouse."""
        menu = self.stage.panel(CorrectPanel).menu
        menu.popup(self.panel.more.mapToGlobal(QPoint(0, 0)))
        assert entry.isEnabled(), entry.toolTip()
        place = menu.actionGeometry(entry).center()
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)
        assert not menu.isVisible()

    def press(self, keys):
        self._press_key(self.stage.viewer, keys)


@pytest.fixture
def desk(stage, drag, press_key):
    stage.open(disks((128, 128)), name="disks")
    desk = Desk(stage, drag, press_key)
    yield desk
    desk.stage = desk.panel = None


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save_model(classes_model(), folder / "classes")
    save_model(values_model(), folder / "regression")
    return folder


@pytest.mark.parametrize("task", ["instances", "classes", "regression"])
def test_every_step_is_taken_back_and_done_again_in_order(desk, models, task):
    stage, panel = desk.stage, desk.panel
    if task != "instances":
        stage.choose(models / task)
    stage.predict()
    steps = [
        lambda: desk.stroke(16),
        lambda: desk.click(panel.edits["accept view"]),
        lambda: desk.stroke(48),
        lambda: desk.choose(panel.edits["un-verify view"]),
        lambda: desk.press("Shift+A"),
        lambda: desk.choose(panel.start_over),
    ]
    states = [desk.state()]
    for step in steps:
        step()
        assert not desk.is_as(states[-1])
        states.append(desk.state())
    assert "Undo with Ctrl+Z" in stage.state.message
    for state in states[-2::-1]:
        desk.press(UNDO)
        assert desk.is_as(state)
    desk.press(UNDO)
    assert desk.is_as(states[0])
    for state in states[1:-1]:
        desk.press(REDO)
        assert desk.is_as(state)
    desk.press(UNDO)
    desk.stroke(80)
    after = desk.state()
    desk.press(REDO)
    assert desk.is_as(after)


def test_what_was_accepted_can_be_taken_back_after_a_restart(desk):
    stage, panel = desk.stage, desk.panel
    stage.predict()
    desk.stroke(16)
    before = desk.state()
    desk.click(panel.edits["accept view"])
    after = desk.state()
    image = stage.viewer.layers["disks"]
    for layer in (stage.labels, image):
        stage.viewer.layers.remove(layer)
    stage.until(lambda: stage.state.image is None)
    stage.open(image.data, name="disks")
    stage.until(lambda: stage.labels is not None)
    assert desk.is_as(after)
    desk.press(UNDO)
    assert desk.is_as(before)


def test_undo_works_while_the_image_is_selected(desk):
    stage, panel = desk.stage, desk.panel
    stage.predict()
    desk.stroke(16)
    before = desk.state()
    stage.viewer.layers.selection.active = stage.viewer.layers["disks"]
    desk.click(panel.edits["accept view"])
    after = desk.state()
    for _ in range(2):
        desk.press(UNDO)
        assert desk.is_as(before)
        desk.press(REDO)
        assert desk.is_as(after)
        # Selected again, the layer's own key does the same, and only once.
        stage.viewer.layers.selection.active = stage.labels


def test_a_picked_object_is_unverified(desk):
    stage, panel = desk.stage, desk.panel
    stage.predict()
    before = desk.state()
    stage.labels.selected_label = 3
    desk.click(panel.edits["accept object"])
    assert (stage.annotation.provenance[stage.annotation.labels == 3] == 2).all()
    desk.choose(panel.edits["un-verify object"])
    assert desk.is_as(before)
    assert "Un-verified" in stage.state.message


def test_labels_that_were_removed_are_said_to_be_there_and_can_be_cleared(desk):
    stage, panel = desk.stage, desk.panel
    stage.predict()
    objects = stage.state.image.objects
    stage.viewer.layers.remove(stage.labels)
    stage.until(lambda: not stage.state.image.has_labels)
    assert stage.panel(CorrectPanel).empty.text() == "Show the earlier work"
    desk.click(panel.empty)
    assert f"of {objects} objects" in stage.state.message
    desk.choose(panel.start_over)
    assert not stage.annotation.labels.any()
    stage.until(lambda: len(stage.state.image.snapshots) == 1)
    stage.panel(CorrectPanel).earlier.actions()[0].trigger()
    stage.until(lambda: stage.state.image.objects == objects)


def test_the_undo_of_an_ordinary_layer_is_its_own(desk):
    stage = desk.stage
    stage.predict()
    other = stage.viewer.add_labels(np.zeros((128, 128), np.int32))
    before = desk.state()
    other.data_setitem((np.array([3]), np.array([3])), 5)
    other.undo()
    assert not other.data.any()
    assert desk.is_as(before)


def test_a_stroke_under_way_is_not_disturbed(desk, mouse):
    stage = desk.stage
    stage.predict()
    desk.stroke(16)
    painted = stage.annotation.labels.copy()
    hand = mouse(stage.viewer, stage.labels)
    hand.press((48, 74))
    hand.move((48, 80))
    desk.press(UNDO)
    hand.move((48, 86))
    hand.release((48, 86))
    assert (stage.annotation.labels[painted > 0] > 0).all()
    desk.press(UNDO)
    assert np.array_equal(stage.annotation.labels, painted)
