"""A person paints with the mouse; the annotation follows, and follows back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.annotation.edits import AcceptView, ApplyPrediction
from napari_unet.annotation.merge import merge_prediction
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box

PREDICTED, CORRECTED = Provenance.PREDICTED, Provenance.CORRECTED
RIGHT = Qt.MouseButton.RightButton


def test_a_stroke_is_committed_when_the_button_goes_up(screen, mouse, qtbot):
    bound = screen()
    before = bound.labels
    bound.select("paint", 7)
    hand = mouse(bound.viewer, bound.layer)
    hand.press((30, 10))
    for x in range(12, 30, 3):
        hand.move((30, x))
    qtbot.wait(150)
    bound.binding.flush()
    bound.binding.settle()
    bound.layer.refresh()
    assert bound.binding.busy
    assert (bound.layer.data == 7).any()
    assert not bound.edits
    assert (bound.provenance == PREDICTED).all()
    hand.release((30, 30))
    assert not bound.binding.busy
    assert len(bound.edits) == 1
    painted = bound.labels != before
    assert painted.sum() > 50
    assert (bound.labels[painted] == 7).all()
    assert np.array_equal(bound.provenance == CORRECTED, painted)
    assert painted[bound.edits[0].box.slices].sum() == painted.sum()


@dataclass(frozen=True)
class Hand:
    """The mouse fixtures in one piece."""

    drag: Callable[..., None]
    click: Callable[..., None]
    mouse: Callable[..., Any]


def paint(bound: Any, hand: Hand) -> None:
    bound.select("paint", 7)
    hand.drag(bound.viewer, bound.layer, [(30, 10), (30, 30)])


def paint_over_several(bound: Any, hand: Hand) -> None:
    bound.select("paint", 3, brush=5)
    hand.drag(bound.viewer, bound.layer, [(14, 4), (14, 38), (48, 44)])


def erase(bound: Any, hand: Hand) -> None:
    bound.select("erase", 1)
    hand.drag(bound.viewer, bound.layer, [(14, 4), (14, 30)])


def fill(bound: Any, hand: Hand) -> None:
    bound.select("fill", 2)
    hand.click(bound.viewer, bound.layer, (12, 12))


def polygon(bound: Any, hand: Hand) -> None:
    bound.select("polygon", 7)
    for corner in [(25, 5), (25, 30), (38, 30), (38, 5)]:
        hand.click(bound.viewer, bound.layer, corner)
    hand.mouse(bound.viewer, bound.layer).double_click((38, 5))


def encircle(bound: Any, hand: Hand) -> None:
    bound.select("paint", 7, brush=2)
    hand.click(bound.viewer, bound.layer, (24, 10), button=RIGHT)
    free = hand.mouse(bound.viewer, bound.layer)
    for point in [(24, 20), (24, 30), (36, 30), (36, 10), (28, 10)]:
        free.move(point)
        assert not bound.edits
    free.move((24, 10))


@pytest.mark.qt_smoke
def test_undo_and_redo_keys_restore_labels_and_provenance(
    screen, drag, click, mouse, press_key
):
    bound = screen()
    bound.annotation.do(AcceptView(Box((0, 0), (22, 22))))
    before = bound.state()
    for tool in (paint, paint_over_several, erase, fill, polygon, encircle):
        bound.edits.clear()
        tool(bound, Hand(drag, click, mouse))
        after = bound.state()
        assert len(bound.edits) == 1, tool
        touched = before[0] != after[0]
        assert touched.sum() > 30, tool
        assert (bound.provenance[touched] == CORRECTED).all(), tool
        press_key(bound.viewer, "Ctrl+Z")
        assert bound.same_as(before), tool
        press_key(bound.viewer, "Ctrl+Shift+Z")
        assert bound.same_as(after), tool
        press_key(bound.viewer, "Ctrl+Z")
        assert bound.same_as(before), tool


def test_every_stroke_can_be_walked_back_and_forth(screen, drag, press_key):
    bound = screen()
    states = [bound.state()]
    for label, row in [(7, 25), (8, 27), (0, 26), (2, 12)]:
        bound.select("paint", label, brush=4)
        drag(bound.viewer, bound.layer, [(row, 6), (row, 34)])
        bound.binding.settle()
        states.append(bound.state())
    for state in states[-2::-1]:
        press_key(bound.viewer, "Ctrl+Z")
        assert bound.same_as(state)
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(states[0])
    for state in states[1:]:
        press_key(bound.viewer, "Ctrl+Shift+Z")
        assert bound.same_as(state)


def test_a_refresh_between_stroke_and_undo_loses_nothing(screen, drag, press_key):
    bound = screen()
    before = bound.state()
    bound.select("paint", 7)
    drag(bound.viewer, bound.layer, [(30, 10), (30, 30)])
    stroke = bound.labels == 7
    predicted = np.zeros((64, 64), np.int32)
    predicted[24:36, 4:60] = 1
    merged = merge_prediction(*bound.state(), predicted, bound.annotation.next_id)
    changed = bound.annotation.do(ApplyPrediction(merged, Box.whole((64, 64)))).box
    bound.binding.refresh(changed)
    assert (bound.labels[stroke] == 7).all()
    refreshed = bound.state()
    press_key(bound.viewer, "Ctrl+Z")
    assert (bound.labels[stroke] == before[0][stroke]).all()
    assert (bound.provenance[stroke] == PREDICTED).all()
    outside = ~stroke
    assert np.array_equal(bound.labels[outside], refreshed[0][outside])
    press_key(bound.viewer, "Ctrl+Shift+Z")
    assert (bound.labels[stroke] == 7).all()
    assert (bound.provenance[stroke] == CORRECTED).all()


def test_painting_in_a_stack_changes_a_plane_or_a_ball(screen, drag, press_key):
    bound = screen(np.zeros((9, 64, 64), np.int32))
    before = bound.state()
    bound.viewer.dims.set_current_step(0, 3)
    bound.select("paint", 7, brush=5)
    drag(bound.viewer, bound.layer, [(30, 10), (30, 20)])
    assert set(np.nonzero(bound.labels == 7)[0]) == {3}
    assert set(np.nonzero(bound.provenance == CORRECTED)[0]) == {3}
    plane = bound.state()
    bound.viewer.dims.set_current_step(0, 6)
    bound.layer.n_edit_dimensions = 3
    drag(bound.viewer, bound.layer, [(24, 40), (30, 44)])
    painted = bound.labels == 7
    assert set(np.nonzero(painted)[0]) == {3, 4, 5, 6, 7, 8}
    assert np.array_equal(painted, bound.provenance == CORRECTED)
    bound.viewer.dims.set_current_step(0, 0)
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(plane)
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(before)


def test_two_layers_do_not_mix(screen, drag, press_key):
    one = screen()
    two = one.another()
    untouched = one.state()
    two.select("paint", 7)
    drag(two.viewer, two.layer, [(30, 10), (30, 30)])
    assert (two.labels == 7).any()
    assert one.same_as(untouched)
    one.select("paint", 8)
    painted = two.state()
    drag(one.viewer, one.layer, [(30, 10), (30, 30)])
    press_key(one.viewer, "Ctrl+Z")
    assert one.same_as(untouched)
    assert two.same_as(painted)
    one.viewer.layers.remove(one.layer)
    two.viewer.layers.selection.active = two.layer
    press_key(two.viewer, "Ctrl+Z")
    assert (two.labels == two.start).all()


def test_closing_the_viewer_in_a_stroke_loses_nothing(screen, mouse):
    bound = screen()
    bound.select("paint", 7)
    hand = mouse(bound.viewer, bound.layer)
    hand.press((30, 10))
    hand.move((30, 30))
    bound.viewer.close()
    assert (bound.labels == 7).any()
    assert (bound.provenance[bound.labels == 7] == CORRECTED).all()
    assert not bound.binding._settle_timer.isActive()


def test_undo_is_seen_when_slices_load_in_the_background(screen, drag, press_key):
    from napari.settings import get_settings

    get_settings().experimental.async_ = True
    bound = screen()
    before = bound.state()
    bound.select("paint", 7)
    drag(bound.viewer, bound.layer, [(30, 10), (30, 30)])
    assert (bound.provenance[bound.labels == 7] == CORRECTED).all()
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(before)
