"""Stacks and series in a real window: tools for planes, and undo across them."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_unet.annotation.provenance import is_verified
from napari_unet.gui.panels.correct import CorrectPanel
from tests.session.brightness import disks

UNDO, REDO, NEXT, BACK = "Ctrl+Z", "Ctrl+Shift+Z", "Shift+Right", "Shift+Left"


class Stack:
    """A window with a stack of five planes; there are disks in the second one."""

    def __init__(self, stage, drag, press_key):
        pixels = np.zeros((5, 128, 128), np.uint8)
        pixels[1] = disks((128, 128))
        stage.open(pixels, name="stack", metadata={"axes": "ZYX"})
        stage.predict()
        self.stage, self._drag, self._press_key = stage, drag, press_key
        self.look_at(1)

    @property
    def plane(self) -> int:
        return self.stage.viewer.dims.current_step[0]

    @property
    def labels(self) -> np.ndarray:
        return np.array(self.stage.annotation.labels)

    @property
    def picked(self) -> int:
        return int(self.stage.labels.selected_label)

    def look_at(self, plane: int) -> None:
        self.stage.viewer.dims.set_current_step(0, plane)

    def press(self, keys: str) -> None:
        self._press_key(self.stage.viewer, keys)

    def pick(self) -> int:
        """Pick the object in the middle of the view, as a person does."""
        self.press("5")
        body = self.labels[self.plane]
        row, column = np.argwhere(body == body[body > 0].min()).mean(axis=0)
        self._drag(self.stage.viewer, self.stage.labels, [(row, column)])
        return self.picked

    def stroke(self, row: int) -> None:
        layer = self.stage.labels
        layer.mode, layer.brush_size = "paint", 5
        self._drag(self.stage.viewer, layer, [(row, 74), (row, 86)])

    def click(self, name: str) -> None:
        panel = self.stage.panel(CorrectPanel)
        QTest.mouseClick(panel.edits[name], Qt.MouseButton.LeftButton)

    def planes_of(self, label: int) -> list[int]:
        return np.flatnonzero((self.labels == label).any(axis=(1, 2))).tolist()

    def state(self):
        self.stage.session.images.current.canvas.settle()
        return self.labels, self.stage.annotation.provenance.copy()

    def is_as(self, state) -> bool:
        return all(map(np.array_equal, self.state(), state))


@pytest.fixture
def stack(stage, drag, press_key):
    made = Stack(stage, drag, press_key)
    yield made
    made.stage = None


def test_a_picked_object_is_carried_from_plane_to_plane_and_back(stack):
    picked = stack.pick()
    assert stack.planes_of(picked) == [1]
    start = stack.state()
    states = [start]
    for plane in (2, 3):
        stack.press(NEXT)
        assert stack.plane == plane
        assert (stack.labels[plane] == picked).any()
        assert stack.stage.state.message.startswith("Copied.")
        states.append(stack.state())
    body = stack.labels[1] == picked
    assert is_verified(stack.stage.annotation.provenance[3])[body].all()
    assert not is_verified(stack.stage.annotation.provenance[1]).any()
    stack.press(UNDO)
    assert stack.is_as(states[1])
    # Nothing is there to be copied, and the view stays.
    stack.press(NEXT)
    assert stack.plane == 3
    why_not = stack.stage.state.problems["correct"].text
    assert f"Object {picked} is not in this plane" in why_not
    stack.press(UNDO)
    assert stack.is_as(start)
    assert stack.plane == 2  # where it was taken back
    stack.look_at(1)
    stack.press(BACK)
    assert stack.plane == 0
    assert stack.planes_of(picked) == [0, 1]
    stack.press(BACK)
    assert "no plane or frame beyond" in stack.stage.state.problems["correct"].text
    stack.look_at(4)
    assert stack.picked == picked
    stack.look_at(1)
    for _ in range(3):
        stack.click("copy to next plane")
    assert stack.plane == 4
    stack.press(UNDO)
    stack.look_at(2)
    stack.press(UNDO)
    assert stack.plane == 3
    stack.press(UNDO)
    assert stack.planes_of(picked) == [0, 1]
    stack.look_at(3)
    stack.press(REDO)
    assert stack.plane == 2


def test_what_is_between_two_planes_is_filled_by_the_key(stack):
    picked = stack.pick()
    stack.look_at(4)
    stack.press("2")
    stack.stroke(64)
    before = stack.state()
    assert stack.planes_of(picked) == [1, 4]
    stack.press("Shift+I")
    assert stack.stage.state.message.startswith("Interpolated.")
    assert stack.planes_of(picked) == [1, 2, 3, 4]
    assert stack.plane == 4
    stack.press(UNDO)
    assert stack.is_as(before)


def test_steps_in_several_planes_are_taken_back_and_done_again(stack):
    """napari forgets its own steps when a slider is moved."""
    states = [stack.state()]
    for plane, row in ((1, 16), (3, 48), (2, 80)):
        stack.look_at(plane)
        stack.stroke(row)
        states.append(stack.state())
    stack.press("Shift+A")
    states.append(stack.state())
    verified = is_verified(states[-1][1])
    assert verified[2, :, 40:90].all()
    assert not verified[[0, 4]].any()
    where = [1, 3, 2, 2]
    stack.look_at(0)
    for state, plane in zip(states[-2::-1], where[::-1], strict=True):
        stack.press(UNDO)
        assert stack.is_as(state)
        assert stack.plane == plane
    stack.look_at(4)
    for state, plane in zip(states[1:], where, strict=True):
        stack.press(REDO)
        assert stack.is_as(state)
        assert stack.plane == plane


def test_what_is_half_drawn_is_not_taken_along_to_another_plane(stack, mouse):
    layer = stack.stage.labels
    stack.press("Shift+A")
    layer.mode, layer.brush_size = "paint", 5
    layer.selected_label = label = stack.stage.annotation.new_id()
    hand = mouse(stack.stage.viewer, layer)
    hand.press((100, 74))
    hand.move((100, 80))
    stack.press("Shift+N")
    assert stack.plane == 1
    assert "half drawn" in stack.stage.state.message
    hand.move((100, 86))
    hand.release((100, 86))
    assert stack.planes_of(label) == [1]
    stack.press("Shift+N")
    assert stack.plane == 2


def test_in_the_3d_view_it_is_said_that_planes_are_not_seen(stack):
    viewer = stack.stage.viewer
    picked = stack.pick()
    before = stack.state()
    viewer.dims.ndisplay = 3
    for keys in (NEXT, "Shift+I"):
        stack.press(keys)
        assert "2-D view" in stack.stage.state.problems["correct"].text
    assert stack.is_as(before)
    stack.stage.labels.mode = "paint"
    # What napari's brush does where it meets an object.
    stack.stage.labels.paint((1, 100, 100), picked)
    assert "3-D view" in stack.stage.state.problems["correct"].text
    viewer.dims.ndisplay = 2
    stack.press(UNDO)
    assert stack.is_as(before)
    one_plane_has_no_such_tools(stack.stage)


def one_plane_has_no_such_tools(stage):
    stage.open(disks((64, 64)), name="flat")
    stage.until(lambda: stage.state.image.name == "flat" and stage.state.image.open)
    assert not stage.panel(CorrectPanel).plane_tools.isVisible()
    stage.bench.tools.use("copy to next plane")
    assert "one plane" in stage.state.problems["correct"].text
    stage.open(np.stack([disks((64, 64), pitch=20)] * 2), name="two")
    stage.until(lambda: stage.state.image.name == "two" and stage.state.image.open)
    panel = stage.panel(CorrectPanel)
    assert panel.plane_tools.isVisible()
    assert not panel.edits["interpolate"].isEnabled()
    assert "press Predict" in panel.edits["interpolate"].toolTip()


def test_planes_are_accepted_and_filled_by_buttons_and_keys(stack):
    stack.look_at(2)
    stack.press("Shift+P")
    assert stack.stage.state.message.startswith("The plane is accepted.")
    verified = is_verified(stack.stage.annotation.provenance)
    assert verified[2].all()
    assert not verified[[0, 1, 3, 4]].any()
    stack.look_at(4)
    stack.click("accept up to here")
    assert is_verified(stack.stage.annotation.provenance)[2:].all()
    stack.press(UNDO)
    assert not is_verified(stack.stage.annotation.provenance)[3:].any()
    assert stack.plane == 4
    stack.press(UNDO)
    assert stack.plane == 2
    stack.look_at(1)
    stack.pick()
    stack.press("Shift+G")
    assert "neither holes nor planes" in stack.stage.state.message
