"""How images are read: as they are stated, as a person says, as they were before."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_unet.geometry.axes import readings
from napari_unet.inference.predict import predict
from napari_unet.io.read import read_image
from napari_unet.session.finetune import snapshots_of
from napari_unet.weights.folder import load_model
from tests.runners import InlineRunner
from tests.session.conftest import Stage

NAMES = ["blank", "GFP"]


@pytest.fixture
def stage(bright) -> Stage:
    """A session; threads make no difference to how images are read."""
    stage = Stage.make(InlineRunner())
    stage.session.models.choose(bright)
    stage.run()
    return stage


@pytest.fixture
def planes(image) -> np.ndarray:
    return np.stack([image] * 3)


def open_file(stage, path) -> None:
    """Open a file as a viewer does, which knows nothing of axes."""
    stage.open(tifffile.imread(path), path.name, path=path)


@pytest.mark.parametrize("stating", ["imagej", "ome"])
@pytest.mark.parametrize(("axes", "objects"), [("TYX", 3 * 17), ("ZYX", 17)])
def test_the_dock_finds_what_the_command_finds(
    stage, bright, planes, tmp_path, stating, axes, objects
):
    path = tmp_path / "series.tif"
    tifffile.imwrite(path, planes, metadata={"axes": axes}, **{stating: True})
    open_file(stage, path)
    assert stage.state.image.axes == axes
    assert stage.state.image.reading.origin == "file"
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects == objects
    image = read_image(path)
    ids = predict(image.array, load_model(bright), axes=image.axes)
    np.testing.assert_array_equal(stage.annotation.labels, ids)


def test_what_the_caller_states_of_the_array_weighs_more(stage, planes, tmp_path):
    path = tmp_path / "series.tif"
    tifffile.imwrite(path, planes, imagej=True, metadata={"axes": "TYX"})
    stage.open(planes, axes="ZYX", path=path)
    assert stage.state.image.axes == "ZYX"
    assert stage.state.image.reading.origin == "layer"


def test_another_reading_keeps_the_labels_where_they_lie_right(stage, planes):
    stage.open(planes)
    assert stage.state.image.reading.origin == "guess"
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[0, 0:4, 0:4], 99)
    image = stage.session.images.current
    stage.session.settings.set_axes("TYX")
    stage.run()
    assert stage.session.images.current is image
    assert stage.state.image.axes == "TYX"
    assert stage.state.image.reading.origin == "person"
    assert "stay" in stage.state.message
    assert (stage.annotation.labels == 99).sum() == 16
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects > 3 * 15
    assert (stage.annotation.labels == 99).sum() == 16


def test_every_reading_and_back_brings_the_work_back(stage, planes):
    stage.open(planes)
    stage.paint(np.s_[1, 0:4, 0:4], 7)
    for axes in readings(planes.shape):
        stage.session.settings.set_axes(axes)
        stage.run()
        assert stage.state.image.axes == axes
    stage.session.settings.set_axes("ZYX")
    stage.run()
    assert (stage.annotation.labels == 7).sum() == 16


def test_axes_that_a_person_named_are_there_again(stage, planes, tmp_path):
    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, planes, imagej=True, metadata={"axes": "ZYX"})
    open_file(stage, path)
    stage.session.settings.set_axes("CYX")
    stage.run()
    stage.session.settings.set_channels("2")
    stage.session.predict()
    stage.run()
    leave(stage)
    open_file(stage, path)
    image = stage.state.image
    assert (image.axes, image.reading.origin) == ("CYX", "person")
    assert image.reading.channels == (1,)
    assert image.has_labels


def leave(stage) -> None:
    """Put all away, as when a window closes."""
    for _ in range(4):
        stage.clock.now += 30
        stage.run()
    stage.session.images.release_all()
    stage.run()


@pytest.mark.parametrize("guessed", ["ZYX", "CYX"])
def test_work_that_was_begun_with_a_guess_opens_where_the_file_knows_better(
    stage, planes, tmp_path, guessed
):
    """Projects of earlier versions have guesses for files that state their axes."""
    path = tmp_path / "series.tif"
    tifffile.imwrite(path, planes, imagej=True, metadata={"axes": "TYX"})
    stage.open(planes, path.name, axes=guessed, path=path)
    shape = planes.shape[1:] if guessed == "CYX" else planes.shape
    assert stage.annotation.labels.shape == shape
    stage.paint(np.s_[..., 0:4, 0:4], 7)
    leave(stage)
    (manifest,) = tmp_path.glob("*.unet/project.json")
    assert json.loads(manifest.read_text())["images"][0]["axes"] == guessed
    open_file(stage, path)
    assert (stage.annotation.labels[..., :4, :4] == 7).all()
    if guessed == "CYX":
        # Labels of one plane do not fit a time-lapse.
        assert stage.state.image.reading.origin == "project"
        assert "under Axes to begin anew" in stage.state.message
        stage.session.settings.set_axes("TYX")
        stage.run()
        assert not stage.annotation.labels.any()
    assert stage.state.image.axes == "TYX"


def test_a_channel_by_its_name_is_predicted_and_learned_from(stage, image, tmp_path):
    path = tmp_path / "two.ome.tif"
    channels = {"Name": NAMES}
    metadata = {"axes": "CYX", "Channel": channels}
    planes = np.stack([image[::-1], image])
    tifffile.imwrite(path, planes, ome=True, metadata=metadata)
    open_file(stage, path)
    problem = stage.state.problems["image"].text
    assert "under Channel (1 blank, 2 GFP)" in problem
    stage.session.settings.set_channels("gfp")
    assert "image" not in stage.state.problems
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects == 17
    stage.paint(np.s_[0:4, 0:4], 99)
    (snapshot,) = snapshots_of(stage.session.images)
    sample = snapshot.as_sample()
    assert sample.axes == "YX"
    np.testing.assert_array_equal(sample.image, image)
    stage.session.settings.set_channels(None)
    assert "image" in stage.state.problems


def test_a_prediction_of_another_channel_does_not_go_on(stage, image):
    stage.open(np.stack([image, image[::-1]]), axes="CYX")
    stage.session.settings.set_channels("1")
    stage.session.predict()
    stage.run()
    model = stage.session.models.active
    current = stage.session.images.current
    decodable = stage.session.predicting.can_decode(current, model)
    stage.session.settings.set_channels("2")
    assert decodable
    assert not stage.session.predicting.can_decode(current, model)
