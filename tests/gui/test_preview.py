"""A version is compared in a real window: one key flips, and nothing else moves."""

from __future__ import annotations

import time

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtTest import QTest

from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.gui.target import Role
from tests.gui.desk import Desk
from tests.gui.test_versions import click, publish
from tests.session.brightness import disks


@pytest.fixture
def dock(stage):
    """A window with labels, and a version that would find three objects more."""
    stage.open(disks((128, 128), dim=(3, 7, 14)), name="disks")
    stage.predict()
    publish(stage, "round 1", 0.25, activate=False)
    publish(stage, "round 2", 0.5, activate=False)
    stage.dock.bring(stage.panel(FinetunePanel))
    QTest.qWait(50)
    return stage


def compare(stage, name="round 1"):
    panel = stage.panel(FinetunePanel)
    click(panel, name)
    panel.compare.click()
    stage.until(lambda: stage.state.comparing and "both" in stage.state.comparing.words)
    return stage.panel(FinetunePanel)


def preview_of(stage):
    return stage.bench.layers.results.preview.layer


def in_sight(stage):
    return [each.name for each in stage.viewer.layers if each.visible]


def steady(stage):
    """Return everything that must not move."""
    labels, dims = stage.labels, stage.viewer.dims
    scene = getattr(stage.viewer, "scene", stage.viewer)
    return (
        stage.annotation.labels.tobytes(),
        stage.annotation.provenance.tobytes(),
        stage.annotation.revision,
        stage.viewer.layers.selection.active,
        (labels.selected_label, labels.brush_size, labels.opacity),
        (tuple(scene.camera.center), scene.camera.zoom),
        dims.current_step,
    )


NOW = ["disks", "disks labels"]
THERE = ["disks", "disks by round 1"]


@pytest.mark.qt_smoke
def test_one_key_flips_and_nothing_else_moves(dock, press_key, drag):
    dock.labels.mode = "paint"
    before = steady(dock)
    panel = compare(dock)
    labels, preview = dock.labels, preview_of(dock)
    assert in_sight(dock) == THERE
    assert "You see round 1. In view: 3 objects only by round 1" in (
        panel.comparison.words.toolTip()
    )
    assert steady(dock) == before
    # The same objects in the same colours: only what differs blinks.
    same = labels.data > 0
    assert (preview.data[same] == labels.data[same]).all()
    assert len(np.setdiff1d(preview.data, labels.data)) == 3
    press_key(dock.viewer, "D")
    assert in_sight(dock) == NOW
    assert labels.mode == "paint", "the tool is in hand again"
    assert "You see the present" in (
        dock.panel(FinetunePanel).comparison.words.toolTip()
    )
    press_key(dock.viewer, "D")
    assert in_sight(dock) == THERE
    nobody_paints_there(dock, drag, before)
    before = steady(dock)  # a drag that paints nothing may have moved the camera
    assert not dock.state.target.stranger
    assert dock.bench.layers._role(preview)[0] is Role.PREVIEW
    press_key(dock.viewer, "Escape")
    assert dock.state.comparing is None
    assert [each.name for each in dock.viewer.layers] == NOW
    assert in_sight(dock) == NOW
    assert labels.mode == "paint"
    assert steady(dock) == before
    dock.until(lambda: dock.panel(FinetunePanel).choices.isVisible())


def nobody_paints_there(stage, drag, before):
    preview = preview_of(stage)
    pixels = preview.data.copy()
    drag(stage.viewer, stage.labels, [(60, 60), (64, 64)])
    stage.viewer.layers.selection.active = preview
    assert stage.labels is not None, "the image is still the chosen one"
    assert not stage.state.target.stranger
    preview.mode = "paint"
    drag(stage.viewer, preview, [(60, 60), (64, 64)])
    assert np.array_equal(preview.data, pixels)
    with pytest.raises(ValueError, match="read-only"):
        preview.data[0, 0] = 7
    stage.viewer.layers.selection.active = stage.labels
    assert steady(stage)[:3] == before[:3]


@pytest.mark.qt_smoke
def test_to_paint_is_to_keep_the_present(dock, press_key, drag):
    compare(dock)
    press_key(dock.viewer, "D")
    dock.labels.mode = "paint"
    drag(dock.viewer, dock.labels, [(60, 60), (64, 64)])
    dock.until(lambda: dock.state.comparing is None)
    assert preview_of(dock) is None
    assert in_sight(dock) == NOW


@pytest.mark.qt_smoke
def test_the_buttons_decide(dock):
    panel = compare(dock)
    panel.comparison.flip.click()
    assert in_sight(dock) == NOW
    panel.comparison.keep.click()
    assert dock.state.comparing is None
    assert dock.state.version == 1
    panel = compare(dock)
    would_be = preview_of(dock).data.copy()
    panel.comparison.use.click()
    assert preview_of(dock) is None
    dock.until(lambda: dock.state.image.objects == 16)
    assert np.array_equal(dock.annotation.labels, would_be)
    assert in_sight(dock) == NOW


@pytest.mark.qt_smoke
@pytest.mark.parametrize("what", ["preview", "labels", "image", "another"])
def test_layers_come_and_go(dock, what):
    compare(dock)
    layers = dock.viewer.layers
    if what == "another":
        dock.open(disks((96, 96), pitch=24), name="other")
    else:
        named = {"preview": 2, "labels": 1, "image": 0}
        del layers[named[what]]
    dock.until(lambda: dock.state.comparing is None)
    QTest.qWait(50)
    assert preview_of(dock) is None
    assert not [each for each in layers if "by round" in each.name]
    kept = [each for each in layers if each.name == "disks labels"]
    assert all(each.visible for each in kept)
    assert bool(kept) == (what != "labels")


@pytest.mark.qt_smoke
def test_closing_the_window_leaves_nothing(dock):
    compare(dock)
    before = dock.annotation.labels.copy()
    annotation = dock.annotation
    dock.viewer.close()
    QTest.qWait(50)
    assert np.array_equal(annotation.labels, before)


@pytest.mark.qt_smoke
def test_to_flip_costs_what_the_eye_in_the_layer_list_costs(stage):
    stage.open(disks((1500, 1500), dim=range(0, 2000, 9)), name="large")
    stage.predict()
    publish(stage, "round 1", 0.25, activate=False)
    panel = stage.panel(FinetunePanel)
    click(panel, "round 1")
    panel.compare.click()
    stage.until(lambda: stage.state.comparing and "both" in stage.state.comparing.words)
    spent = []
    for _ in range(6):
        began = time.thread_time()
        stage.session.comparing.flip()
        spent.append(time.thread_time() - began)
        QTest.qWait(20)
    # What napari needs to show a layer that was hidden, and no more.
    assert min(spent) < 0.1


def test_what_is_hidden_for_a_preview_is_shown_when_it_comes_again(desk):
    desk.add()
    desk.predict()
    desk.session.models.timeline.publish(
        desk.session.models.active, note="again", activate=False
    )
    desk.session.comparing.start(2)
    assert not desk.labels.visible
    image = desk.image
    desk.session.images.put_away.emit(image)
    desk.session.comparing.look()
    assert desk.labels is None
    desk.session.images.show_labels(image)
    assert desk.labels is None or desk.labels.visible


@pytest.mark.parametrize("axes", ["ZYX", "CYX", "TCYX"])
def test_previews_lie_on_stacks_and_channels(bright, unfiled, axes):
    desk = Desk(bright)
    try:
        desk.add(axes)
        desk.begin()
        if "C" in axes:
            desk.session.settings.set_channels("1")
        desk.session.models.timeline.publish(
            desk.session.models.active, note="again", activate=False
        )
        desk.session.comparing.start(2)
        assert desk.session.state.comparing.ready, desk.session.state.problems
        preview = desk.layers.results.preview.layer
        assert isinstance(preview, Labels)
        assert preview.data.shape == desk.labels.data.shape
        assert np.array_equal(preview.scale, desk.labels.scale)
    finally:
        desk.close()
