"""Brush and eraser: what they spare, and how large they are."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_unet.annotation.brush import PaintOver
from napari_unet.gui.panels.correct import CorrectPanel
from tests.session.brightness import classes_model, disks

ALONG = [(16, 32), (16, 40), (16, 48), (16, 60)]
"""From background over a disk, and out again."""


@pytest.fixture
def scene(stage):
    """Twenty disks with a brush in hand, for a new object."""
    stage.open(disks(), name="disks")
    stage.predict()
    stage.labels.mode, stage.labels.brush_size = "paint", 5
    stage.viewer.layers.selection.active = stage.labels
    return stage


def test_strokes_spare_what_they_shall_and_undo_as_one(scene, drag, press_key):
    before, new = np.array(scene.labels.data), scene.labels.selected_label
    press_key(scene.viewer, "W")
    assert scene.bench.brush.over is PaintOver.BACKGROUND
    assert "background only" in scene.state.message
    assert scene.panel(CorrectPanel).strokes.over.currentText() == "Only background"
    drag(scene.viewer, scene.labels, ALONG)
    after = np.array(scene.labels.data)
    assert (after == new).sum() > 40
    assert (after[before > 0] == before[before > 0]).all()
    assert (np.array(scene.annotation.pixels.labels) == after).all()
    press_key(scene.viewer, "Ctrl+Z")
    assert (np.array(scene.labels.data) == before).all()
    # From within a disk: over that disk alone.
    press_key(scene.viewer, "W")
    drag(scene.viewer, scene.labels, [*ALONG[2:], (16, 80)])
    after = np.array(scene.labels.data)
    different = after != before
    assert set(before[different].tolist()) == {int(before[16, 48])}
    # The next stroke begins anew.
    drag(scene.viewer, scene.labels, [(32, 60), (32, 70)])
    assert scene.labels.data[32, 64] == new


def test_the_eraser_takes_from_one_object_alone(scene, drag):
    before = np.array(scene.labels.data)
    scene.bench.brush.paint_over(PaintOver.BACKGROUND)
    scene.labels.mode = "erase"
    drag(scene.viewer, scene.labels, [(16, 60), (16, 40), (16, 20)])
    different = np.array(scene.labels.data) != before
    assert set(before[different].tolist()) == {int(before[16, 48])}


def test_each_has_its_size_and_both_may_keep_it_on_screen(scene, press_key):
    layer, camera = scene.labels, scene.viewer.scene.camera
    press_key(scene.viewer, "1")
    assert layer.brush_size == 5
    layer.brush_size = 20
    press_key(scene.viewer, "2")
    assert layer.brush_size == 5
    press_key(scene.viewer, "1")
    assert layer.brush_size == 20
    camera.zoom *= 2
    assert layer.brush_size == 20
    scene.panel(CorrectPanel).strokes.keeps_size.click()
    camera.zoom *= 2
    assert layer.brush_size == 10
    press_key(scene.viewer, "2")
    assert layer.brush_size == round(5 / 2)
    camera.zoom /= 8
    assert layer.brush_size == 20
    layer.brush_size = 8
    camera.zoom *= 4
    assert layer.brush_size == 2
    camera.zoom /= 100
    camera.zoom *= 100 / 4
    assert layer.brush_size == 8
    scene.panel(CorrectPanel).strokes.keeps_size.click()
    camera.zoom /= 2
    assert layer.brush_size == 8
    QTest.qWait(10)


def test_where_there_are_no_objects_nothing_is_spared(stage, drag):
    stage.session.models.timeline.publish(classes_model())
    stage.bench.brush.paint_over(PaintOver.BACKGROUND)
    stage.open(disks(), name="disks")
    stage.predict()
    layer = stage.labels
    layer.mode, layer.brush_size, layer.selected_label = "paint", 5, 1
    stage.viewer.layers.selection.active = layer
    drag(stage.viewer, layer, ALONG)
    assert (np.array(layer.data)[16, 34:58] == 1).all()
    panel = stage.panel(CorrectPanel)
    assert not panel.strokes.over.isVisible()


def test_a_key_shows_outlines_then_nothing_then_all(scene, press_key):
    layer = scene.labels
    looks = []
    for _ in range(4):
        press_key(scene.viewer, "O")
        looks.append((layer.visible, layer.contour > 0, scene.state.message))
    assert [look[:2] for look in looks[:3]] == [
        (True, True),
        (False, True),
        (True, False),
    ]
    assert looks[3] == looks[0]
    assert [look[2].split(": ")[1].rstrip(".") for look in looks[:3]] == [
        "outlines",
        "hidden",
        "filled",
    ]
