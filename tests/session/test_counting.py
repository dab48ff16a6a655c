"""How many objects are in view is told as it changes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.geometry.box import Box
from napari_unet.session import counting
from tests.runners import InlineRunner
from tests.session.brightness import brightness_model, classes_model, disks
from tests.session.conftest import Stage


@pytest.fixture
def looking():
    """Somebody who looks at the six disks of the left upper corner."""
    stage = Stage.make(InlineRunner(), view=lambda: stage.box)
    stage.box = Box((0, 0), (64, 96))
    stage.session.models.timeline.publish(brightness_model())
    stage.open(disks(dim=(1,)))
    return stage


def rest(stage) -> int | None:
    stage.run()
    stage.clock.now += 1
    stage.session.tick()
    return stage.state.in_view


def test_objects_in_view_are_counted_as_thresholds_and_camera_move(looking):
    assert rest(looking) is None
    looking.session.predict()
    assert rest(looking) == 5
    looking.session.settings.set_thresholds(0.005)
    assert rest(looking) == 6
    looking.box = Box((0, 0), (20, 20))
    assert rest(looking) == 1
    looking.session.settings.set_thresholds(min_size=400)
    assert rest(looking) == 0
    looking.session.settings.reset_thresholds()
    looking.box = Box((0, 0), (64, 96))
    assert rest(looking) == 5
    looking.paint(np.s_[40:50, 60:64], 999)
    assert rest(looking) == 6


def test_a_view_of_too_much_or_of_nothing_is_not_counted(looking, monkeypatch):
    looking.session.predict()
    assert rest(looking) == 5
    monkeypatch.setattr(counting, "LARGEST", 1000)
    assert rest(looking) is None
    monkeypatch.undo()
    assert rest(looking) == 5
    looking.box = None
    assert rest(looking) is None


def test_classes_are_not_counted(looking):
    looking.session.models.timeline.publish(classes_model())
    looking.run()
    looking.session.predict()
    assert rest(looking) is None


def test_the_smallest_size_belongs_to_the_thresholds(looking):
    came_with = looking.session.models.active.spec.decoding
    looking.session.settings.set_thresholds(min_size=77.4)
    assert looking.state.settings.min_size == 77
    assert looking.state.settings.thresholds_moved
    looking.session.settings.set_thresholds(min_size=-5)
    assert looking.state.settings.min_size == 1
    looking.session.settings.reset_thresholds()
    assert looking.session.models.active.spec.decoding == came_with
