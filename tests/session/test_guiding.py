"""Where to look next: by chance at first, and by what the model contradicts."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.geometry.box import Box
from napari_unet.session.guiding import RankViews
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import brightness_model, disks
from tests.session.conftest import Stage

LARGE = (512, 1536)


class Watched(Stage):
    """A stage that remembers what a person was shown."""

    def watch(self) -> Watched:
        self.shown = []
        self.session.guiding.wanted.connect(
            lambda image, box: self.shown.append((image.name, box))
        )
        return self

    def press(self, times: int = 1) -> list[tuple[str, Box]]:
        before = len(self.shown)
        for _ in range(times):
            self.session.guiding.next()
        return self.shown[before:]


@pytest.fixture
def stage(bright):
    stage = Watched.make(InlineRunner()).watch()
    stage.session.models.choose(bright)
    return stage


def predicted(stage):
    stage.session.predict()
    stage.run()


def test_without_an_image_it_says_what_to_do(stage):
    stage.session.guiding.next()
    assert "Choose an image" in stage.state.problems["correct"].text


def test_chance_shows_every_view_once_before_any_comes_again(stage):
    stage.open(disks(LARGE))
    first = stage.press(3)
    assert len(set(first)) == 3
    assert "by chance" in stage.state.message
    assert set(stage.press(3)) == set(first)


def test_after_a_prediction_there_is_an_order(stage):
    stage.open(disks(LARGE))
    assert not stage.session.guiding.ranked
    predicted(stage)
    assert stage.session.guiding.ranked
    assert len(set(stage.press(3))) == 3
    assert "model seems" in stage.state.message


def test_what_is_verified_is_passed_over(stage):
    stage.open(disks(LARGE))
    predicted(stage)
    stage.session.correcting.do(AcceptView(Box((0, 0), (512, 1024))))
    assert stage.press(2) == [("disks", Box((0, 1024), (512, 1536)))] * 2
    stage.session.correcting.do(AcceptView(Box.whole(LARGE)))
    assert stage.press() == []
    assert "verified" in stage.state.message


def test_all_open_images_are_in_the_queue_the_current_one_first_by_chance(stage):
    stage.open(disks((512, 1024)), "one")
    stage.open(disks((512, 1024), pitch=40), "two")
    names = [name for name, _ in stage.press(4)]
    assert names == ["two", "two", "one", "one"]
    predicted(stage)
    assert {name for name, _ in stage.press(4)} == {"one", "two"}


def test_another_model_or_another_image_drops_the_order(stage):
    stage.open(disks(LARGE))
    predicted(stage)
    stage.session.models.timeline.publish(brightness_model(0.6))
    assert not stage.session.guiding.ranked
    predicted(stage)
    assert stage.session.guiding.ranked
    stage.open(disks(LARGE, pitch=40), "other")
    stage.session.images.release(stage.session.images.current)
    stage.session.guiding.next()
    assert stage.shown == []


def test_it_makes_room_for_predictions_and_comes_back(bright):
    stage = Watched.make(ManualRunner()).watch()
    stage.session.models.choose(bright)
    stage.run()
    stage.open(disks(LARGE))
    stage.session.predict()
    while stage.state.predicting:
        stage.runner.step()
        stage.session.tick()
    stage.session.tick()

    def ranking():
        return [j for j in stage.runner.jobs if isinstance(j._job, RankViews)]

    (job,) = ranking()
    job.step()
    stage.session.predict()
    stage.session.tick()
    job.step()
    assert not job.running
    stage.run()
    stage.run()
    assert stage.session.guiding.ranked
    assert ranking() == []


def test_a_single_view_needs_no_order(stage):
    stage.open(disks((128, 128)))
    predicted(stage)
    assert not stage.session.guiding.ranked
    assert stage.press() == [("disks", Box.whole((128, 128)))]


def test_views_of_a_stack_lie_in_its_planes(stage):
    stage.open(np.stack([disks((128, 128))] * 3), axes="ZYX")
    predicted(stage)
    shown = {box.start[0] for _, box in stage.press(3)}
    assert shown == {0, 1, 2}
