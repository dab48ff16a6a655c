"""The view is predicted while the camera moves, in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_unet.annotation.provenance import Provenance
from napari_unet.gui.panels.predict import PredictPanel
from napari_unet.inference import tile_maps
from tests.session.brightness import disks

pytestmark = pytest.mark.qt_smoke


@pytest.fixture
def exploring(stage, monkeypatch):
    """A large image, of which a corner is in view, with Live switched on."""
    monkeypatch.setattr(tile_maps, "TILE", 64)
    stage.open(disks((600, 800)), name="disks")
    show(stage, (60, 70))
    box = stage.panel(PredictPanel).live.box
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center())
    assert stage.state.live.on
    return stage


def show(stage, centre) -> None:
    camera = getattr(stage.viewer, "scene", stage.viewer).camera
    camera.zoom = 8
    camera.center = centre


def seen(stage):
    return stage.annotation.provenance != Provenance.UNSEEN


def test_where_the_camera_goes_objects_are_found(exploring, press_key):
    exploring.until(lambda: seen(exploring)[40:80, 50:90].all())
    assert exploring.labels is not None
    assert not seen(exploring)[:, 400:].any()
    show(exploring, (500, 700))
    exploring.until(lambda: seen(exploring)[480:520, 680:720].all())
    exploring.until(lambda: not exploring.state.live.busy)
    assert np.asarray(exploring.annotation.labels)[480:520, 680:720].any()
    assert not seen(exploring)[300, 400]
    assert exploring.state.predicting is None
    assert "Predict" not in exploring.state.message
    check_map(exploring, press_key)
    live = exploring.panel(PredictPanel).live
    assert not live.mark.isVisible()
    QTest.mouseClick(live.box, Qt.MouseButton.LeftButton, pos=live.box.rect().center())
    show(exploring, (60, 700))
    QTest.qWait(500)
    assert not seen(exploring)[40:80, 680:720].any(), "it is switched off"


def check_map(exploring, press_key) -> None:
    """The map of a view lies where the view is."""
    press_key(exploring.viewer, "R")
    exploring.until(lambda: "disks probability" in exploring.viewer.layers)
    shown = exploring.viewer.layers["disks probability"]
    y, x = (round(n) for n in shown.data_to_world((0, 0)))
    place = slice(y, y + shown.data.shape[0]), slice(x, x + shown.data.shape[1])
    labels = np.asarray(exploring.annotation.labels)[place]
    assert (y, x) > (300, 400)
    same = (shown.data > 0.5) == (labels > 0)
    assert same[seen(exploring)[place]].mean() > 0.99


def test_a_key_shows_how_sure_the_model_is_and_hides_it_again(stage, press_key):
    layer = stage.open(disks((128, 160)), name="disks", scale=(2.0, 3.0))
    stage.predict()
    press_key(stage.viewer, "R")
    stage.until(lambda: "disks probability" in stage.viewer.layers)
    shown = stage.viewer.layers["disks probability"]
    order = [each.name for each in stage.viewer.layers]
    assert order == ["disks", shown.name, stage.labels.name]
    assert shown.data.shape == (128, 160)
    assert np.allclose(shown.data_to_world((5, 7)), layer.data_to_world((5, 7)))
    assert stage.bench.layers.images.chosen is layer
    assert stage.viewer.layers.selection.active is stage.labels
    assert stage.panel(PredictPanel).settings.seeing.isChecked()
    press_key(stage.viewer, "R")
    stage.until(lambda: "disks probability" not in stage.viewer.layers)
    press_key(stage.viewer, "R")
    stage.until(lambda: "disks probability" in stage.viewer.layers)
    stage.viewer.layers.remove("disks probability")
    assert not stage.state.seeing
    assert not stage.state.problems
