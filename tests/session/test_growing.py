"""A click adds an object out of what the model said; the wheel changes its size."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.drawn_edits import Delete
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.line import Line
from tests.session.brightness import disks


def click(*at, axes=(0, 1)) -> Line:
    return Line((tuple(map(float, at)),), axes)


def add(stage, *at, **options) -> None:
    stage.session.growing.add(click(*at, **options))
    stage.run()


@pytest.fixture
def image() -> np.ndarray:
    """Fourteen disks, and a blurred one that the model sees faintly."""
    pixels = disks((96, 160), dim=(3,))
    rows, columns = np.mgrid[-16:16, -16:16]
    distance = np.hypot(rows, columns)
    pixels[:32, 64:96] = 112 - np.where(distance < 5, 0, 6 * (distance - 5)).clip(0, 90)
    return pixels


@pytest.fixture
def scene(stage, image):
    stage.open(image)
    stage.session.predict()
    stage.run()
    return stage


def labels(stage) -> np.ndarray:
    return np.array(stage.annotation.labels)


def test_an_object_grows_where_it_was_clicked(scene):
    before, next_id = labels(scene), scene.annotation.next_id
    assert not before[:32, 64:96].any()
    add(scene, 16, 80)
    after = labels(scene)
    mask = after == next_id
    rows, columns = np.mgrid[:96, :160]
    distance = np.hypot(rows - 16, columns - 80)
    assert mask[distance <= 5].all()
    assert not mask[distance >= 12].any()
    assert (after[~mask] == before[~mask]).all()
    assert (scene.annotation.provenance[mask] == Provenance.CORRECTED).all()
    assert f"{mask.sum()} px" in scene.state.message


def test_the_wheel_is_one_step_with_the_click_and_needs_no_network(scene):
    before = labels(scene)
    add(scene, 16, 80)
    number = int(labels(scene)[16, 80])
    sizes = [scene.annotation.pixels_of(number)]
    for larger in (True, True, False, False, False):
        assert scene.session.growing.resize(click(16, 80), larger=larger)
        assert labels(scene)[16, 80] == number
        sizes.append(scene.annotation.pixels_of(number))
    assert sizes[2] > sizes[1] > sizes[0]
    assert sizes[5] < sizes[4] < sizes[3]
    others = labels(scene) != number
    assert (labels(scene)[others] == before[others]).all()
    assert len(scene.annotation.history.done) == 1
    scene.annotation.undo()
    assert (labels(scene) == before).all()
    assert not scene.annotation.history.done
    scene.annotation.redo()
    assert scene.annotation.pixels_of(number) == sizes[-1]


def test_at_its_limits_it_stays_and_says_so(scene):
    add(scene, 16, 80)
    for larger, word in ((True, "larger"), (False, "smaller")):
        for _ in range(60):
            assert scene.session.growing.resize(click(16, 80), larger=larger)
        assert f"no {word}" in scene.state.message
    assert labels(scene)[16, 80]


def test_after_anything_else_the_wheel_is_not_for_it(scene):
    resize = scene.session.growing.resize
    assert not resize(click(16, 80), larger=True)
    add(scene, 16, 80)
    assert not resize(click(70, 20), larger=True)  # elsewhere
    after = labels(scene)
    scene.session.correcting.do(Delete(click(16, 16)))
    assert not resize(click(16, 80), larger=True)
    scene.annotation.undo()
    assert (labels(scene) == after).all()
    assert resize(click(16, 80), larger=True)
    scene.annotation.undo()
    assert not resize(click(16, 80), larger=True)


def test_of_neighbours_that_are_missing_one_is_added(stage):
    pixels = np.full((64, 96), 20, np.uint16)
    pixels[20:40, 20:40] = pixels[20:40, 40:60] = 220
    stage.open(pixels)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(Delete(click(30, 30)))
    assert not labels(stage).any()
    add(stage, 30, 30)
    assert labels(stage)[30, 30]


@pytest.mark.parametrize(
    ("at", "words"),
    [((16, 16), "already"), ((32, 32), "sees nothing"), ((-3, 5), "beside")],
)
def test_where_nothing_can_grow_it_is_said(scene, at, words):
    before, next_id = labels(scene), scene.annotation.next_id
    add(scene, *at)
    assert words in scene.state.message
    assert (labels(scene) == before).all()
    assert scene.annotation.next_id == next_id


def test_without_what_the_model_said_it_is_refused(scene, image):
    scene.session.predicting.forget(scene.session.images.current)
    add(scene, 16, 80)
    assert "press Predict" in scene.state.problems["correct"].text
    assert scene.session.growing.why_not()
    assert not scene.annotation.history.done


def test_in_a_movie_it_grows_in_the_plane_that_was_clicked(stage, image):
    stage.open(np.stack([image] * 3), axes="TYX")
    stage.session.predict()
    stage.run()
    before = labels(stage)
    add(stage, 1, 16, 80, axes=(1, 2))
    different = labels(stage) != before
    assert different[1].any()
    assert not different[[0, 2]].any()
    add(stage, 1, 16, 48, axes=(0, 2))
    assert "Y and X" in stage.state.message


def test_an_image_that_was_left_gets_nothing(scene, image):
    left = scene.session.images.current
    scene.session.growing.add(click(16, 80))
    scene.session.images.select(None)
    scene.run()
    if left.annotation.history.done:  # it was there at once
        assert len(left.annotation.history.done) == 1
    assert not scene.session.growing.resize(click(16, 80), larger=True)
