"""Classes of pixels in a real window: brushes, colours, undo, another task and back."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.geometry.box import Box
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.weights.folder import save_model
from tests.gui.stage import set_stage
from tests.session.brightness import classes_model, disks


@pytest.fixture(scope="session")
def shades(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "shades"
    save_model(classes_model(), folder)
    return folder


@pytest.fixture
def stage(stage, shades):
    stage.choose(shades)
    stage.open(disks((128, 128), dim=(3, 7, 14)), name="disks")
    stage.predict()
    return stage


def button(stage, text):
    panel = stage.panel(CorrectPanel)
    (found,) = [b for b in panel.classes.buttons if b.text() == text]
    return found


@pytest.mark.qt_smoke
def test_the_story_of_classes(stage, drag, press_key):
    layer, annotation = stage.labels, stage.annotation
    assert layer.name == "disks classes"
    assert stage.state.message.startswith("Classes predicted in ")
    assert set(np.unique(annotation.labels)) == {0, 1, 2}

    button(stage, "bright").click()
    assert (layer.selected_label, layer.mode) == (2, "paint")
    layer.brush_size = 7
    drag(stage.viewer, layer, [(16, 74), (16, 80), (16, 86)])
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.CORRECTED)
    assert (annotation.labels[14:18, 74:86] == 2).all()
    assert not annotation.open_objects

    press_key(stage.viewer, "Ctrl+Z")
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.PREDICTED)
    assert annotation.labels[16, 80] == 1
    press_key(stage.viewer, "Ctrl+Shift+Z")
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.CORRECTED)

    layer.mode = "erase"
    drag(stage.viewer, layer, [(48, 10), (48, 16), (48, 22)])
    stage.until(lambda: annotation.provenance[48, 16] == Provenance.CORRECTED)
    assert annotation.labels[48, 16] == 0

    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 128))))
    verified = is_verified(annotation.provenance)
    assert verified[:64].all()
    before = annotation.labels[verified].copy()
    assert "of pixels are verified" in stage.state.message

    stage.session.finetune(10)
    stage.until(lambda: stage.state.training and stage.state.training.done > 0)
    button(stage, "dim").click()
    drag(stage.viewer, layer, [(80, 70), (80, 76), (84, 80)])
    stage.session.training.stop()
    stage.until(lambda: not stage.state.training)
    assert (annotation.labels[80, 70:76] == 1).all()
    stage.predict()
    assert (annotation.labels[verified] == before).all()
    assert (annotation.labels[80, 70:76] == 1).all()


def test_the_brush_paints_only_classes(stage, press_key):
    layer = stage.labels
    layer.selected_label = 77
    assert layer.selected_label == 2
    stage.viewer.layers.selection.active = layer
    press_key(stage.viewer, "M")
    assert layer.selected_label == 2
    button(stage, "dark").click()
    assert layer.selected_label == 0
    layer.selected_label = 1
    assert button(stage, "dim").isChecked()


def test_painting_class_zero_with_the_brush_is_a_correction(stage, drag):
    button(stage, "dark").click()
    layer, annotation = stage.labels, stage.annotation
    layer.brush_size = 5
    drag(stage.viewer, layer, [(48, 10), (48, 16), (48, 22)])
    stage.until(lambda: annotation.provenance[48, 16] == Provenance.CORRECTED)
    assert annotation.labels[48, 16] == 0


def test_a_scribble_over_what_is_right_already_verifies_it(stage, drag, press_key):
    layer, annotation = stage.labels, stage.annotation
    at = (48, 16)
    number = int(annotation.labels[at])
    layer.mode, layer.selected_label, layer.brush_size = "paint", number, 3
    before = annotation.provenance.copy()
    drag(stage.viewer, layer, [(48, 13), at, (48, 19)])
    stage.until(lambda: stage.state.image.verified_share > 0)
    assert annotation.provenance[at] == Provenance.ACCEPTED
    assert annotation.labels[at] == number
    press_key(stage.viewer, "Ctrl+Z")
    assert np.array_equal(annotation.provenance, before)


def test_background_lets_the_image_through_and_classes_have_colours(stage):
    colors = stage.labels.colormap.color_dict
    assert colors[0][3] == 0
    assert all(colors[i][3] == 1 for i in (1, 2))
    assert not np.array_equal(colors[1], colors[2])


def test_another_task_has_its_own_layer_and_the_work_comes_back(stage, drag, bright):
    button(stage, "bright").click()
    drag(stage.viewer, stage.labels, [(16, 74), (16, 80)])
    stage.until(lambda: stage.annotation.provenance[16, 80] == Provenance.CORRECTED)
    stage.session.activate_version(1)
    stage.until(lambda: stage.state.image and stage.state.image.open)
    stage.until(lambda: stage.state.image.task == "instances")
    stage.until(lambda: [each.name for each in stage.viewer.layers] == ["disks"])
    stage.predict()
    assert stage.labels.name == "disks labels"
    assert stage.state.image.objects == 13
    panel = stage.panel(CorrectPanel)
    assert not panel.classes.isVisible()
    assert panel.edits["accept object"].isVisible()
    stage.session.activate_version(2)
    stage.until(lambda: stage.labels and stage.labels.name == "disks classes")
    stage.until(lambda: len(stage.viewer.layers) == 2)
    assert stage.annotation.labels[16, 80] == 2
    assert stage.annotation.provenance[16, 80] == Provenance.CORRECTED
    panel = stage.panel(CorrectPanel)
    assert panel.classes.isVisible()
    assert not panel.edits["accept object"].isVisible()


def test_a_class_more_gets_a_button_and_a_colour(stage, tmp_path):
    save_model(classes_model("blinding"), tmp_path / "more")
    layer = stage.labels
    stage.choose(tmp_path / "more")
    assert stage.labels is layer
    assert layer.colormap.color_dict[3][3] == 1
    button(stage, "blinding").click()
    assert layer.selected_label == 3


def test_classes_are_here_again_in_the_next_window(
    make_napari_viewer, shades, unfiled, drag
):
    def open_window():
        stage = set_stage(make_napari_viewer(show=True), shades)
        stage.open(disks((128, 128)), name="disks")
        return stage

    first = open_window()
    first.predict()
    button(first, "dim").click()
    drag(first.viewer, first.labels, [(32, 60), (32, 64)])
    labels = first.annotation.labels.copy()
    first.viewer.close()
    QTest.qWait(50)
    again = open_window()
    assert np.array_equal(again.annotation.labels, labels)
    assert is_verified(again.annotation.provenance[32, 62])
    assert again.labels.name == "disks classes"
