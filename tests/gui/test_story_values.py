"""Regression in a real window: a picture of values, marks, accept, come back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.weights.folder import save_model
from tests.session.brightness import disks, values_model


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    save_model(values_model(), folder / "one")
    save_model(values_model("light", "heat"), folder / "two")
    return folder


@pytest.fixture
def stage(stage):
    stage.open(disks((128, 128)), name="disks")
    return stage


def picture(stage):
    stage.until(lambda: "disks prediction" in stage.viewer.layers)
    return stage.viewer.layers["disks prediction"]


def test_the_story_of_values(stage, folders, drag, press_key):
    stage.choose(folders / "one")
    stage.predict()
    layer, annotation = picture(stage), stage.annotation
    assert np.shares_memory(layer.data, annotation.predicted)
    assert layer.data.shape == (128, 128)
    assert stage.state.message.startswith("Values predicted in ")
    assert [each.name for each in stage.viewer.layers] == [
        "disks",
        "disks prediction",
        "disks marks",
    ]
    assert stage.bench.layers.images.choices == [stage.viewer.layers["disks"]]
    marks = stage.labels
    panel = stage.panel(CorrectPanel)
    assert panel.value.isVisible()
    assert panel.value.value.suffix() == " nM"
    panel.value.value.setValue(12.5)
    assert marks.mode == "paint"
    marks.brush_size = 5
    drag(stage.viewer, marks, [(16, 74), (16, 80), (16, 86)])
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.CORRECTED)
    assert annotation.snapshot().labels[0, 16, 80] == 12.5
    press_key(stage.viewer, "Ctrl+Z")
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.UNSEEN)
    press_key(stage.viewer, "Ctrl+Shift+Z")
    stage.until(lambda: annotation.provenance[16, 80] == Provenance.CORRECTED)
    stage.session.correcting.do(AcceptView(Box((64, 0), (128, 128))))
    known = annotation.snapshot().labels
    assert np.array_equal(known[0, 64:], annotation.predicted[0, 64:])
    stage.session.finetune(10)
    stage.until(lambda: stage.state.training and stage.state.training.done > 0)
    stage.session.training.stop()
    stage.until(lambda: not stage.state.training)
    stage.predict()
    after = annotation.snapshot().labels
    assert np.array_equal(after, known, equal_nan=True)


@pytest.mark.qt_smoke
def test_every_variable_has_a_layer_and_the_brush_shows_its_own(stage, folders, drag):
    stage.choose(folders / "two")
    stage.predict()
    light = stage.viewer.layers["disks prediction light"]
    heat = stage.viewer.layers["disks prediction heat"]
    assert light.visible
    assert not heat.visible
    assert np.shares_memory(heat.data, stage.annotation.predicted[1])
    assert heat.contrast_limits[1] > 2 * light.contrast_limits[1]
    assert stage.viewer.dims.ndim == 2, "no slider beside those of the image"
    brush = stage.panel(CorrectPanel).value
    assert [brush.variable.itemText(i) for i in range(2)] == ["light", "heat"]
    brush.variable.setCurrentIndex(1)
    brush.variable.activated.emit(1)
    drag(stage.viewer, stage.labels, [(16, 74), (16, 80)])
    stage.until(lambda: stage.annotation.provenance[16, 78] == Provenance.CORRECTED)
    assert stage.annotation.snapshot().labels[1, 16, 78] == 100
    assert heat.visible
    assert not light.visible
    assert stage.bench.layers.visible_box() is not None


def test_a_refreshed_prediction_shows_in_the_same_layer(stage, folders):
    stage.choose(folders / "one")
    stage.predict()
    layer = picture(stage)
    stage.predict()
    assert picture(stage) is layer
    stage.viewer.layers.remove(layer)
    stage.predict()
    assert picture(stage) is not layer


def test_the_picture_goes_with_its_task(stage, folders, bright):
    stage.choose(folders / "one")
    stage.predict()
    picture(stage)
    stage.session.activate_version(1)
    stage.until(lambda: [each.name for each in stage.viewer.layers] == ["disks"])
    stage.until(lambda: stage.state.image.open)
    assert stage.state.image.task == "instances"
