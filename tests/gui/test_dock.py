"""The dock in a real viewer: panels, words, keys, layers."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_unet.annotation.edits import AcceptView
from napari_unet.geometry.box import Box
from napari_unet.gui.dock import (
    Correct,
    Dock,
    Finetune,
    Objects,
    Predict,
    SegmentAndCorrect,
    workbench_of,
)
from napari_unet.gui.keys import HIDE, PREDICT, TRAIN, keys_of_tools
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.gui.panels.image import ImagePanel
from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.predict import PredictPanel
from napari_unet.gui.panels.project import project_folder
from tests.session.brightness import disks


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_manifest_offers_the_dock_and_its_panels(make_napari_viewer):
    viewer = make_napari_viewer()
    for name, kind in [
        ("Segment and correct", SegmentAndCorrect),
        ("Predict", Predict),
        ("Correct", Correct),
        ("Fine-tune", Finetune),
        ("Objects", Objects),
    ]:
        _, widget = viewer.window.add_plugin_dock_widget("napari-unet-live", name)
        assert type(widget) is kind
        assert widget.bench is workbench_of(viewer)


@pytest.mark.qt_smoke
def test_what_is_missing_is_said_by_the_buttons(stage):
    predict = stage.panel(PredictPanel)
    correct = stage.panel(CorrectPanel)
    assert not predict.predict.isEnabled()
    assert "Choose an image" in predict.predict.toolTip()
    assert not correct.edits["accept view"].isEnabled()
    stage.open(disks(), name="disks")
    predict, correct = stage.panel(PredictPanel), stage.panel(CorrectPanel)
    assert predict.predict.isEnabled()
    assert "(S)" in predict.predict.toolTip()
    assert "press Predict" in correct.edits["accept view"].toolTip()
    assert "Nothing is verified" in stage.panel(FinetunePanel).finetune.toolTip()


def test_choosing_an_image_is_enough_to_predict(stage):
    first = stage.open(disks(), name="first", scale=(2, 2), translate=(5, 7))
    second = stage.open(disks(pitch=40), name="second")
    chooser = stage.panel(ImagePanel).chooser
    assert chooser.value is second
    assert set(chooser.choices) == {None, first, second}
    stage.viewer.layers.selection.active = first
    assert chooser.value is first
    stage.predict()
    assert isinstance(stage.labels, Labels)
    assert stage.labels.name == "first labels"
    assert stage.viewer.layers.selection.active is stage.labels
    assert (stage.labels.scale == first.scale).all()
    assert (stage.labels.translate == first.translate).all()
    assert np.shares_memory(stage.labels.data, stage.annotation.labels)
    assert stage.labels.selected_label not in np.unique(stage.annotation.labels)
    # Painting does not change which image is chosen.
    assert chooser.value is first
    chooser.value = second
    assert stage.state.image.name == "second"
    assert not stage.state.image.has_labels


def test_a_colour_image_is_refused_in_words_with_a_way_out(stage):
    bright = disks()
    colours = np.stack([bright, bright, bright // 2], axis=-1).astype(np.uint8)
    stage.open(colours, name="colours", rgb=True)
    panel = stage.panel(ImagePanel)
    assert panel.axes.text() == "YXC"
    assert "expects 1 channel" in panel.problem.words.text()
    assert panel.problem.isVisible()
    assert not stage.panel(PredictPanel).predict.isEnabled()
    click(panel.grey)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    stage.until(lambda: stage.state.image.name == "colours grey")
    panel = stage.panel(ImagePanel)
    assert not panel.problem.isVisible()
    assert not panel.grey.isVisible()
    stage.predict()
    assert stage.state.image.objects == 20


def test_axes_are_checked_while_they_are_typed(stage):
    stage.open(np.stack([disks()] * 3), name="stack")
    panel = stage.panel(ImagePanel)
    assert panel.axes.text() == "ZYX"
    panel.axes.setText("ZQX")
    panel.axes.editingFinished.emit()
    panel.show_state(stage.state)
    assert "unknown letter" in panel.problem.words.text()
    assert panel.axes.property("valid") == "false"
    panel.axes.setText("tyx")
    panel.axes.editingFinished.emit()
    stage.until(lambda: stage.state.image and stage.state.image.open)
    panel = stage.panel(ImagePanel)
    assert panel.axes.text() == "TYX"
    assert panel.axes.property("valid") == "true"
    assert not panel.problem.isVisible()


def test_metadata_and_axis_labels_name_the_axes(stage):
    stage.open(np.stack([disks()] * 3), metadata={"axes": "TYX"})
    assert stage.state.image.axes == "TYX"
    stage.open(np.stack([disks()] * 4), axis_labels=("t", "y", "x"))
    assert stage.state.image.axes == "TYX"


def test_images_of_too_many_axes_are_refused_in_words(stage):
    stage.viewer.add_image(np.zeros((2, 2, 2, 2, 8, 8)))
    assert "2 to 5 axes" in stage.state.problems["image"].text
    assert "2 to 5 axes" in stage.panel(PredictPanel).predict.toolTip()


def test_the_view_is_what_is_in_sight(stage):
    layer = stage.open(disks((256, 320)), name="disks")
    stage.viewer.reset_view()
    QTest.qWait(50)
    whole = stage.bench.layers.visible_box()
    assert whole == Box((0, 0), (256, 320))
    camera = getattr(stage.viewer, "scene", stage.viewer).camera
    camera.center = (0, 64, 64)
    camera.zoom *= 8
    QTest.qWait(50)
    part = stage.bench.layers.visible_box()
    assert part.shape[0] < 100
    assert part.start[0] < 64 < part.stop[0]
    stage.predict()
    stage.session.correcting.do(AcceptView(part))
    verified = np.argwhere(stage.annotation.provenance > 1)
    assert len(verified)
    assert (verified.min(axis=0) >= np.array(part.start) - 20).all()
    assert (verified.max(axis=0) <= np.array(part.stop) + 20).all()
    camera.center = (0, 5000, 5000)
    QTest.qWait(50)
    assert stage.bench.layers.visible_box() is None
    layer.visible = False
    stage.viewer.dims.ndisplay = 3
    assert stage.bench.layers.visible_box() is None
    stage.bench.tools.use("accept view")
    assert "2-D" in stage.state.problems["correct"].text


def test_in_a_stack_the_view_is_the_plane_in_sight(stage):
    stage.open(np.stack([disks()] * 4), name="stack")
    stage.viewer.dims.set_current_step(0, 2)
    QTest.qWait(50)
    box = stage.bench.layers.visible_box()
    assert (box.start[0], box.stop[0]) == (2, 3)
    assert box.shape[1] > 100


def test_channels_are_no_axis_of_the_labels(stage):
    stage.open(np.stack([disks()] * 2), name="two", metadata={"axes": "CYX"})
    QTest.qWait(50)
    assert "expects 1 channel" in stage.state.problems["image"].text
    assert len(stage.bench.layers.visible_box().shape) == 2
    stage.session.images.show_labels(stage.session.images.current)
    assert stage.labels.data.shape == (128, 160)


def test_keys_are_free_in_napari(make_napari_viewer):
    viewer = make_napari_viewer()
    layers = [
        viewer.add_image(np.zeros((8, 8))),
        viewer.add_labels(np.zeros((8, 8), int)),
    ]
    taken = {
        str(binding)
        for owner in (viewer, *layers)
        for keymap in (owner.keymap, owner.class_keymap)
        for binding in keymap
    }
    assert "Ctrl+Z" in taken
    # On a labels layer napari's own undo comes first, and leads to the same.
    assert not taken & {PREDICT, TRAIN, HIDE, *keys_of_tools().values()}


def test_keys_do_what_the_tooltips_say(stage, press_key):
    stage.open(disks(), name="disks")
    stage.until(lambda: not stage.state.why_not_predict)
    press_key(stage.viewer, "S")
    assert stage.state.predicting
    stage.until(lambda: not stage.state.predicting)
    press_key(stage.viewer, "Shift+A")
    assert stage.state.image.verified_objects == 20
    stage.session.set_minutes(0.1)
    press_key(stage.viewer, "Shift+T")
    assert stage.state.training
    stops: list[bool] = []
    stage.session.state_changed.connect(lambda state: stops.append(state.stopping))
    press_key(stage.viewer, "Shift+T")
    stage.until(lambda: not stage.state.training)
    # It may be over before the key comes up again.
    assert any(stops)


def test_d_turns_the_labels_off_and_on(stage, press_key):
    stage.open(disks(), name="disks")
    press_key(stage.viewer, "D")  # there are none yet
    stage.predict()
    press_key(stage.viewer, "D")
    assert not stage.labels.visible
    assert stage.state.why_not_do("accept view")
    press_key(stage.viewer, "D")
    assert stage.labels.visible
    assert not stage.state.why_not_do("accept view")


def test_accepting_one_object_takes_a_picked_label(stage):
    stage.open(disks(), name="disks")
    stage.predict()
    panel = stage.panel(CorrectPanel)
    stage.labels.selected_label = int(stage.annotation.labels[16, 16])
    click(panel.edits["accept object"])
    assert stage.state.image.verified_objects == 1
    panel = stage.panel(CorrectPanel)
    assert panel.counts.text().startswith("1 of 20 objects verified")
    stage.labels.selected_label = 0
    click(panel.edits["accept object"])
    assert "Choose an object" in stage.panel(CorrectPanel).problem.words.text()


def test_what_is_verified_can_be_shown(stage):
    stage.open(disks(), name="disks")
    stage.predict()
    assert [layer.name for layer in stage.viewer.layers] == ["disks", "disks labels"]
    panel = stage.panel(CorrectPanel)
    panel.overlay.setChecked(True)
    assert stage.viewer.layers["Verified"].visible
    assert stage.viewer.layers.selection.active is stage.labels


def test_deleting_the_labels_layer_loses_nothing(stage):
    stage.open(disks(), name="disks")
    stage.predict()
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    stage.viewer.layers.remove(stage.labels)
    assert stage.labels is None
    assert "Show the earlier work" in stage.state.why_not_do("accept view")
    stage.predict()
    assert stage.state.image.verified_objects == 10
    assert stage.labels in stage.viewer.layers


def test_removing_the_image_saves_and_lets_go(stage, unfiled):
    layer = stage.open(disks(), name="disks")
    stage.predict()
    stage.viewer.layers.remove(layer)
    assert stage.state.image is None
    stage.until(lambda: (unfiled / "disks.unet" / "project.json").exists())
    stage.viewer.add_image(disks(), name="disks")
    stage.until(lambda: stage.state.image and stage.state.image.open)
    assert stage.state.image.objects == 20


def test_another_image_in_the_same_layer_is_opened_anew(stage):
    layer = stage.open(disks(), name="disks")
    stage.predict()
    layer.data = disks(pitch=40)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    assert not stage.state.image.has_labels


def test_the_dock_can_be_closed_and_opened_again(stage):
    stage.open(disks(), name="disks")
    stage.predict()
    stage.viewer.window.remove_dock_widget(stage.dock)
    stage.dock.deleteLater()
    QApplication.sendPostedEvents(stage.dock, 52)
    QTest.qWait(50)
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 160))))
    stage.session.training.started.emit()
    dock = SegmentAndCorrect(stage.viewer)
    stage.viewer.window.add_dock_widget(dock)
    assert dock.bench is stage.bench
    stage.dock = dock
    text = stage.panel(CorrectPanel).counts.text()
    assert text.startswith("10 of 20 objects verified")


def test_a_model_folder_can_be_opened_and_a_wrong_one_is_refused(
    stage, bright, tmp_path, monkeypatch
):
    panel = stage.panel(ModelPanel)
    assert panel.chooser.currentText() == "bright"
    monkeypatch.setattr(
        "napari_unet.gui.panels.model.QFileDialog.getExistingDirectory",
        lambda *_: str(tmp_path),
    )
    panel.open_folder()
    stage.until(lambda: "model" in stage.state.problems)
    panel = stage.panel(ModelPanel)
    assert "model.json" in panel.problem.words.text()
    assert panel.chooser.currentText() == "bright"


def test_unexpected_errors_are_told_and_their_details_can_be_copied(stage):
    try:
        raise RuntimeError("pipes")
    except RuntimeError as error:
        stage.session.report("predict", error)
    problem = stage.panel(PredictPanel).problem
    assert "RuntimeError: pipes" in problem.words.text()
    assert problem.copy.isVisible()
    click(problem.copy)
    assert "Traceback" in QApplication.clipboard().text()
    stage.dock.status.show_state(stage.state)
    assert stage.dock.status.mark.text() == "⚠"


def test_nothing_is_cut_off_at_the_side(stage):
    stage.open(disks(), name="an image with a rather long name that nobody reads")
    stage.predict()
    stage.session.training.started.emit()
    QTest.qWait(100)
    for page in range(stage.dock.turned.count()):
        stage.dock.turned.setCurrentIndex(page)
        QTest.qWait(50)
        column = stage.dock.turned.currentWidget()
        inner = column.widget()
        assert inner.width() >= inner.minimumSizeHint().width()
        assert inner.width() <= column.viewport().width()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_colours_follow_the_theme(stage, theme):
    stage.viewer.theme = theme
    curve = stage.panel(FinetunePanel).curve
    from napari_unet.gui.theme import colors_of

    colors = colors_of(theme)
    assert curve.plot.backgroundBrush().color().name() == colors.background
    assert colors.error in stage.dock.styleSheet()


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("a/b", "a/b/cells.unet"), ("a/my.unet", "a/my.unet")],
)
def test_a_project_folder_is_made_in_the_folder_that_was_chosen(chosen, expected):
    from pathlib import Path

    assert project_folder(Path(chosen), Path("x/cells.unet")) == Path(expected)


@pytest.mark.parametrize("kind", [Predict, Correct, Finetune, SegmentAndCorrect])
def test_panels_stand_alone(make_napari_viewer, kind):
    viewer = make_napari_viewer()
    dock = kind(viewer)
    viewer.window.add_dock_widget(dock)
    assert isinstance(dock, Dock)
    assert dock.status.words.text()
    image = Image(np.zeros((8, 8)))
    viewer.add_layer(image)
    dock._render()


def test_the_key_for_a_new_label_never_takes_an_old_id(stage, press_key):
    stage.open(disks(), name="disks")
    stage.predict()
    layer, annotation = stage.labels, stage.annotation
    highest = int(annotation.labels.max())
    at = np.argwhere(annotation.labels == highest)[0]
    layer.fill(tuple(at), 0)
    stage.until(lambda: highest not in annotation.labels)
    stage.viewer.layers.selection.active = layer
    press_key(stage.viewer, "M")
    assert layer.selected_label > highest
    first = layer.selected_label
    press_key(stage.viewer, "M")
    assert layer.selected_label > first
