"""Tools in hand: keys, lines that are drawn with the mouse, and how they end."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_unet.annotation.edit import tools
from napari_unet.annotation.provenance import Provenance
from napari_unet.gui.panels.correct import CorrectPanel
from tests.gui.stage import set_stage
from tests.session.brightness import classes_model, disks

pytestmark = pytest.mark.qt_smoke

ACROSS = [(3, 16), (8, 16), (16, 16), (24, 16), (29, 16)]
"""Over the first disk, from side to side."""

DRAWING = {
    name: tool.key
    for name, (tool, _) in tools().items()
    if tool.needs == "line" and not tool.in_time
}


@pytest.fixture
def scene(stage):
    """Twenty disks, found by a model, with the brush in hand."""
    stage.open(disks(), name="disks")
    stage.predict()
    stage.labels.mode = "paint"
    return stage


def canvas(stage):
    return stage.viewer.window._qt_viewer.canvas.native


def count(stage) -> int:
    return stage.annotation.counts().objects


def state(stage):
    return np.array(stage.labels.data), stage.annotation.provenance.copy()


def same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def drag_camera(scene):
    """Move with the button down, which `QTest.mouseMove` does not tell."""
    widget, left = canvas(scene), Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    QTest.mousePress(widget, left, none, QPoint(100, 100))
    for x in (120.0, 140.0, 160.0):
        widget._last_time = 0.0
        kind, at = QEvent.Type.MouseMove, QPointF(x, 100.0)
        event = QMouseEvent(kind, at, at, Qt.MouseButton.NoButton, left, none)
        QApplication.sendEvent(widget, event)
    QTest.mouseRelease(widget, left, none, QPoint(160, 100))
    QTest.qWait(50)  # the camera tells where it is when it draws


def test_a_line_splits_and_undo_takes_it_back(scene, press_key, drag):
    before = state(scene)
    press_key(scene.viewer, "K")
    assert scene.bench.tools.lines.tool == "split"
    assert "across an object" in scene.panel(CorrectPanel).tools.text()
    assert scene.panel(CorrectPanel).edits["split"].isChecked()
    drag(scene.viewer, scene.labels, ACROSS)
    after = state(scene)
    assert count(scene) == 21
    left, right = (int(after[0][16, x]) for x in (12, 20))
    assert left != right
    assert ((after[0] > 0) == (before[0] > 0)).all()
    different = after[0] != before[0]
    assert (after[1][different] == Provenance.CORRECTED).all()
    assert np.array_equal(scene.annotation.labels, after[0])
    assert "Split." in scene.state.message
    # It is still in hand.
    drag(scene.viewer, scene.labels, [(y, x + 32) for y, x in ACROSS])
    assert count(scene) == 22
    press_key(scene.viewer, "Ctrl+Z")
    scene.until(lambda: count(scene) == 21)
    press_key(scene.viewer, "Ctrl+Z")
    scene.until(lambda: count(scene) == 20)
    assert same(state(scene), before)
    press_key(scene.viewer, "Ctrl+Shift+Z")
    scene.until(lambda: count(scene) == 21)
    assert (scene.labels.data[16, 12], scene.labels.data[16, 20]) == (left, right)
    assert scene.bench.tools.lines.tool == "split"
    press_key(scene.viewer, "Escape")
    assert not scene.bench.tools.lines.tool
    assert scene.labels.mode == "paint"
    assert "paint 2" in scene.panel(CorrectPanel).tools.text()


def test_two_become_one_and_are_deleted(scene, press_key, drag, click):
    first, second = (int(scene.labels.data[16, x]) for x in (16, 48))
    press_key(scene.viewer, "J")
    drag(scene.viewer, scene.labels, [(16, 16), (16, 32), (16, 48)])
    assert (scene.labels.data[16, 16:49] == first).all()
    assert second not in scene.labels.data
    press_key(scene.viewer, "Q")
    assert scene.bench.tools.lines.tool == "delete"
    click(scene.viewer, scene.labels, (16, 48))
    assert not scene.labels.data[:32, :64].any()
    assert (scene.annotation.provenance[16, 16:49] == Provenance.CORRECTED).all()
    assert count(scene) == 18
    drag(scene.viewer, scene.labels, [(48, 16), (48, 48), (48, 80)])
    assert count(scene) == 15


def test_a_click_fills_and_smooths(scene, press_key, click):
    layer = scene.labels
    number = int(layer.data[16, 16])
    layer.data[14:18, 14:18] = 0
    layer.data[4:8, 16] = number
    scene.session.images.current.canvas.flush()
    press_key(scene.viewer, "G")
    click(scene.viewer, layer, (16, 16))
    assert (layer.data[14:18, 14:18] == number).all()
    press_key(scene.viewer, "U")
    click(scene.viewer, layer, (16, 16))
    assert layer.data[4, 16] == 0
    assert layer.data[16, 16] == number


def test_no_brush_paints_and_the_camera_stays(scene, press_key, drag):
    center = tuple(scene.viewer.scene.camera.center)
    before = state(scene)
    press_key(scene.viewer, "K")
    drag(scene.viewer, scene.labels, [(16, 16), (20, 16)])
    drag_camera(scene)
    assert same(state(scene), before)
    assert tuple(scene.viewer.scene.camera.center) == center
    assert "right across" in scene.state.message
    QTest.mouseDClick(canvas(scene), Qt.MouseButton.LeftButton)
    assert tuple(scene.viewer.scene.camera.center) == center


def test_space_moves_the_camera_meanwhile(scene, press_key, drag):
    press_key(scene.viewer, "K")
    center = np.array(scene.viewer.scene.camera.center)
    QTest.keyPress(canvas(scene), Qt.Key.Key_Space)
    drag_camera(scene)
    QTest.keyRelease(canvas(scene), Qt.Key.Key_Space)
    assert np.abs(np.array(scene.viewer.scene.camera.center) - center).max() > 4
    assert count(scene) == 20
    assert scene.bench.tools.lines.tool == "split"
    drag(scene.viewer, scene.labels, ACROSS)
    assert count(scene) == 21


def test_a_line_is_seen_while_it_is_drawn_and_is_no_layer(scene, press_key, mouse):
    scene.labels.mode = "pan_zoom"  # the brush has a circle of its own
    press_key(scene.viewer, "K")
    layers = list(scene.viewer.layers)
    before = scene.viewer.screenshot(flash=False)
    hand = mouse(scene.viewer, scene.labels)
    hand.press(ACROSS[0])
    for point in ACROSS[1:]:
        hand.move(point)
    assert list(scene.viewer.layers) == layers
    drawn = scene.viewer.screenshot(flash=False)
    assert (drawn != before).any(axis=-1).sum() > 100
    press_key(scene.viewer, "Escape")
    hand.release(ACROSS[-1])
    assert count(scene) == 20
    after = scene.viewer.screenshot(flash=False)
    assert (after != before).any(axis=-1).sum() < 20


def test_the_mouse_may_leave_the_canvas(scene, press_key, mouse):
    press_key(scene.viewer, "K")
    hand, widget = mouse(scene.viewer, scene.labels), canvas(scene)
    hand.press((3, 16))
    hand.move((29, 16))
    for outside in (QPoint(-400, 50), QPoint(widget.width() + 900, -300)):
        widget._last_time = 0.0
        QTest.mouseMove(widget, outside)
        QApplication.processEvents()
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    QTest.mouseRelease(widget, left, none, QPoint(-900, -900))
    QApplication.processEvents()
    assert scene.labels.data[16, 12] != scene.labels.data[16, 20]
    assert scene.bench.tools.lines.tool == "split"


@pytest.mark.parametrize(
    ("key", "mode"), [("1", "erase"), ("2", "paint"), ("4", "fill"), ("6", "pan_zoom")]
)
def test_a_mode_of_napari_takes_over(scene, press_key, key, mode):
    press_key(scene.viewer, "K")
    press_key(scene.viewer, key)
    assert not scene.bench.tools.lines.tool
    assert scene.labels.mode == mode
    assert scene.labels.mouse_pan is (mode == "pan_zoom")
    assert scene.viewer.scene.camera.mouse_pan is (mode == "pan_zoom")
    controls = scene.viewer.window._qt_viewer.controls.widgets[scene.labels]
    assert controls.button_group.checkedButton().mode == mode
    expected = type(scene.labels)(np.zeros((2, 2), int))
    expected.mode = mode
    assert scene.labels.cursor == expected.cursor


@pytest.mark.parametrize("name", ["panzoom_button", "paint_button"])
def test_so_do_the_buttons_of_napari(scene, press_key, name):
    press_key(scene.viewer, "K")
    controls = scene.viewer.window._qt_viewer.controls.widgets[scene.labels]
    assert controls.button_group.checkedButton() is None
    QTest.mouseClick(getattr(controls, name), Qt.MouseButton.LeftButton)
    assert not scene.bench.tools.lines.tool
    assert getattr(controls, name).isChecked()
    assert scene.labels.mode == ("paint" if "paint" in name else "pan_zoom")


def test_another_tool_takes_its_place_and_the_same_key_puts_it_down(scene, press_key):
    panel = scene.panel(CorrectPanel)
    press_key(scene.viewer, "K")
    QTest.mouseClick(panel.edits["merge"], Qt.MouseButton.LeftButton)
    pressed = [n for n, each in panel.edits.items() if each.isChecked()]
    assert (scene.bench.tools.lines.tool, pressed) == ("merge", ["merge"])
    press_key(scene.viewer, "J")
    assert not scene.bench.tools.lines.tool
    assert not panel.edits["merge"].isChecked()
    assert scene.labels.mode == "paint"
    assert scene.viewer.mouse_double_click_callbacks


def test_a_line_that_is_half_drawn_is_nobodys_with_another_tool(
    scene, press_key, mouse
):
    press_key(scene.viewer, "K")
    hand = mouse(scene.viewer, scene.labels)
    hand.press(ACROSS[0])
    hand.move(ACROSS[2])
    press_key(scene.viewer, "Q")
    hand.move(ACROSS[3])
    hand.release(ACROSS[-1])
    assert count(scene) == 20
    assert scene.bench.tools.lines.tool == "delete"


def test_no_button_moves_when_a_tool_is_taken_in_hand(scene, press_key):
    edits = scene.panel(CorrectPanel).edits
    QTest.qWait(60)
    before = {name: edits[name].geometry() for name in ("accept view", *DRAWING)}
    for name in DRAWING:
        press_key(scene.viewer, DRAWING[name])
        QTest.qWait(60)
        assert edits[name].isChecked()
        assert {each: edits[each].geometry() for each in before} == before


def test_a_window_may_close_while_a_tool_is_in_hand(
    make_napari_viewer, bright, unfiled, press_key, mouse
):
    viewer = make_napari_viewer(show=True)
    stage = set_stage(viewer, bright)
    stage.open(disks(), name="disks")
    stage.predict()
    press_key(viewer, "K")
    hand = mouse(viewer, stage.labels)
    hand.press(ACROSS[0])
    hand.move(ACROSS[2])
    bench = stage.bench
    viewer.close()
    assert not bench.tools.lines.tool


def test_another_layer_or_none_puts_it_down(scene, press_key):
    labels = scene.labels
    press_key(scene.viewer, "K")
    scene.viewer.layers.selection.active = scene.viewer.layers["disks"]
    assert not scene.bench.tools.lines.tool
    assert labels.mode == "paint"
    scene.viewer.layers.selection.active = labels
    press_key(scene.viewer, "K")
    scene.viewer.layers.remove(labels)
    assert not scene.bench.tools.lines.tool
    assert scene.viewer.scene.camera.mouse_pan
    press_key(scene.viewer, "K")
    assert "earlier work" in scene.state.problems["correct"].text
    assert not scene.panel(CorrectPanel).edits["split"].isChecked()


def test_a_hidden_layer_puts_it_down_and_has_its_brush_again(scene, press_key):
    press_key(scene.viewer, "K")
    scene.labels.visible = False
    assert not scene.bench.tools.lines.tool
    press_key(scene.viewer, "K")
    assert not scene.bench.tools.lines.tool
    assert "hidden" in scene.state.problems["correct"].text
    scene.labels.visible = True
    assert scene.labels.mode == "paint"


def test_in_3d_it_is_refused_in_words(scene, press_key):
    press_key(scene.viewer, "K")
    scene.viewer.dims.ndisplay = 3
    assert not scene.bench.tools.lines.tool
    scene.labels.mode = "paint"
    press_key(scene.viewer, "K")
    assert "2-D" in scene.state.problems["correct"].text
    assert not scene.bench.tools.lines.tool
    assert scene.labels.mode == "pan_zoom", "the next drag must not paint"


def test_who_is_refused_a_tool_has_no_other_in_hand(scene, press_key):
    press_key(scene.viewer, "Q")
    assert scene.bench.tools.lines.tool == "delete"
    scene.session.predicting.forget(scene.session.images.current)
    press_key(scene.viewer, "A")
    assert "Predict" in scene.state.problems["correct"].text
    assert not scene.bench.tools.lines.tool
    assert scene.labels.mode == "pan_zoom"


def test_other_buttons_and_modifiers_draw_nothing(scene, press_key, drag):
    press_key(scene.viewer, "K")
    for how in (
        {"button": Qt.MouseButton.RightButton},
        {"modifier": Qt.KeyboardModifier.ShiftModifier},
    ):
        drag(scene.viewer, scene.labels, ACROSS, **how)
    assert count(scene) == 20


def test_a_layer_may_be_scaled_moved_and_turned(stage, press_key, drag):
    stage.open(disks(), name="disks", scale=(0.5, 0.25), translate=(40, -7), rotate=30)
    stage.predict()
    press_key(stage.viewer, "K")
    drag(stage.viewer, stage.labels, ACROSS)
    assert count(stage) == 21
    assert stage.labels.data[16, 12] != stage.labels.data[16, 20]


def test_in_a_stack_the_plane_in_sight_is_cut(stage, press_key, drag):
    stage.open(np.stack([disks()] * 3), name="stack", metadata={"axes": "ZYX"})
    stage.predict()
    stage.viewer.dims.set_current_step(0, 1)
    before = np.array(stage.labels.data)
    press_key(stage.viewer, "K")
    drag(stage.viewer, stage.labels, ACROSS)
    different = np.array(stage.labels.data) != before
    assert different[1].any()
    assert not different[[0, 2]].any()


def test_over_channels_the_labels_are_cut_once(stage, press_key, drag):
    image = np.stack([np.stack([disks()] * 2)] * 2)
    stage.open(image, name="movie", metadata={"axes": "TCYX"})
    stage.session.settings.set_channels("1")
    stage.session.images.show_labels(stage.session.images.current)
    stage.annotation.labels[1, 8:24, 8:24] = 5
    stage.bench.layers.results.current.binding.annotation.notice_change(
        stage.annotation.pixels.whole
    )
    stage.viewer.dims.set_current_step(0, 1)
    press_key(stage.viewer, "K")
    drag(stage.viewer, stage.labels, ACROSS)
    assert count(stage) == 2
    assert not stage.annotation.labels[0].any()


def test_work_comes_back_with_its_history(
    make_napari_viewer, bright, unfiled, press_key, drag
):
    viewer = make_napari_viewer(show=True)
    stage = set_stage(viewer, bright)
    stage.open(disks(), name="disks")
    stage.predict()
    press_key(viewer, "K")
    drag(viewer, stage.labels, ACROSS)
    after = state(stage)
    stage.bench.close()
    viewer.close()
    viewer = make_napari_viewer(show=True)
    stage = set_stage(viewer, bright)
    stage.open(disks(), name="disks")
    stage.session.correcting.start_empty()
    assert count(stage) == 21
    assert np.array_equal(stage.labels.data, after[0])
    press_key(viewer, "Ctrl+Z")
    stage.until(lambda: count(stage) == 20)


def test_each_viewer_has_its_own_tool(make_napari_viewer, scene, bright, press_key):
    other = set_stage(make_napari_viewer(show=True), bright)
    other.open(disks(pitch=40), name="others")
    other.predict()
    press_key(scene.viewer, "K")
    assert (scene.bench.tools.lines.tool, other.bench.tools.lines.tool) == ("split", "")
    press_key(other.viewer, "J")
    assert (scene.bench.tools.lines.tool, other.bench.tools.lines.tool) == (
        "split",
        "merge",
    )
    other.bench.close()
    assert scene.bench.tools.lines.tool == "split"


def test_where_there_are_no_objects_there_are_no_tools_for_them(stage):
    stage.session.models.timeline.publish(classes_model())
    stage.open(disks(), name="disks")
    stage.predict()
    panel = stage.panel(CorrectPanel)
    for name in DRAWING:
        assert not panel.edits[name].isVisible()
        stage.bench.tools.use(name)
        assert "no objects" in stage.state.problems["correct"].text
    assert not stage.bench.tools.lines.tool
