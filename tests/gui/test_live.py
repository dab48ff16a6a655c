"""The view is predicted while the camera moves, in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_unet.annotation.provenance import Provenance
from napari_unet.gui.panels.predict import PredictPanel
from napari_unet.inference import live as engine
from tests.session.brightness import disks

pytestmark = pytest.mark.qt_smoke


@pytest.fixture
def exploring(stage, monkeypatch):
    """A large image, of which a corner is in view, with Live switched on."""
    monkeypatch.setattr(engine, "TILE", 64)
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


def test_where_the_camera_goes_objects_are_found(exploring):
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


def test_switched_off_nothing_is_predicted_by_itself(exploring):
    exploring.until(lambda: seen(exploring)[40:80, 50:90].all())
    live = exploring.panel(PredictPanel).live
    QTest.mouseClick(live.box, Qt.MouseButton.LeftButton, pos=live.box.rect().center())
    assert not exploring.state.live.on
    show(exploring, (500, 700))
    QTest.qWait(600)
    assert not seen(exploring)[:, 400:].any()
    assert not live.mark.isVisible()
