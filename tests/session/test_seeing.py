"""How sure the model is can be seen, without asking its network."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.geometry.box import Box
from napari_unet.inference import live as engine
from napari_unet.inference import tile_maps
from napari_unet.inference.predict import predict
from tests.runners import InlineRunner
from tests.session.brightness import brightness_model, classes_model, disks
from tests.session.conftest import Stage


@pytest.fixture
def looking(monkeypatch):
    monkeypatch.setattr(tile_maps, "TILE", 32)
    stage = Stage.make(InlineRunner(), view=lambda: stage.box)
    stage.box = None
    stage.session.models.timeline.publish(brightness_model())
    stage.open(disks())
    return stage


def probabilities() -> np.ndarray:
    return predict(disks(), brightness_model(), device="cpu", probabilities=True)[0]


def test_it_is_what_the_network_has_said_of_all(looking, monkeypatch):
    seeing = looking.session.seeing
    looking.session.predict()
    looking.run()
    with monkeypatch.context() as patch:
        patch.setattr(engine.PlanePredictor, "iter_maps", None)
        seeing.toggle()
    assert looking.state.seeing
    assert seeing.map.box == Box.whole((128, 160))
    np.testing.assert_allclose(seeing.map.values, probabilities(), atol=2e-3)
    seeing.toggle()
    assert seeing.map is None
    assert not looking.state.seeing


def test_it_is_of_the_view_where_only_that_is_known(looking):
    looking.box = Box((20, 40), (60, 90))
    looking.session.live.switch(True)
    for _ in range(5):
        looking.clock.now += 1
        looking.session.tick()
    looking.session.seeing.toggle()
    found = looking.session.seeing.map
    assert found.box == Box((0, 32), (64, 96))
    there = probabilities()[found.box.slices]
    np.testing.assert_allclose(found.values, there, atol=2e-3)
    looking.box = Box((20, 100), (60, 120))
    for _ in range(5):
        looking.clock.now += 1
        looking.session.tick()
    assert looking.session.seeing.map.box == Box((0, 96), (64, 128))


def test_where_there_is_nothing_to_see_that_is_said(looking):
    looking.session.seeing.toggle()
    assert not looking.state.seeing
    assert "press Predict" in looking.state.problems["predict"].text
    looking.session.models.timeline.publish(classes_model())
    looking.run()
    looking.session.predict()
    looking.run()
    looking.session.seeing.toggle()
    assert not looking.state.seeing


def test_it_follows_image_and_model(looking):
    seeing, session = looking.session.seeing, looking.session
    session.predict()
    looking.run()
    seeing.toggle()
    first = seeing.map
    session.models.timeline.publish(brightness_model(1.2), activate=False)
    session.activate_version(session.models.timeline.versions[-1].number)
    looking.run()
    session.tick()
    assert seeing.map is not first
    assert seeing.map.values.max() < 0.5
    looking.open(disks(pitch=40), name="other")
    session.tick()
    assert seeing.map is None
    session.predict()
    looking.run()
    session.tick()
    assert seeing.map.image is session.images.current
