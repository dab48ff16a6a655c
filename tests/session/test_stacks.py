"""Stacks and time-lapses in a session: one numbering, and what files get wrong."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import napari_unet as nu
from napari_unet.annotation.edits import AcceptView, TakeToCorrect
from napari_unet.cli.app import main
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.io.read import read_image
from napari_unet.session.in_time import why_not_follow
from napari_unet.session.prediction import Predict
from napari_unet.weights.folder import load_model
from tests.runners import InlineRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage

pytest.importorskip("laptrack")


@pytest.fixture
def stage(bright) -> Stage:
    stage = Stage.make(InlineRunner())
    stage.session.models.choose(bright)
    stage.run()
    return stage


def planes(*leading: int) -> np.ndarray:
    """Disks that move by a pixel from plane to plane, along the first axis."""
    flat = disks((64, 64), pitch=24)
    moved = [np.roll(flat, number, axis=1) for number in range(leading[0])]
    shape = (leading[0], *(1 for _ in leading[1:]), 64, 64)
    return np.broadcast_to(np.reshape(moved, shape), (*leading, 64, 64)).copy()


def open_file(stage: Stage, path) -> None:
    stage.open(tifffile.imread(path), path.name, path=path)


def predict(stage: Stage) -> np.ndarray:
    stage.session.predict()
    stage.run()
    return np.array(stage.annotation.labels)


def follow(stage: Stage) -> np.ndarray:
    stage.session.following.start()
    stage.run()
    stage.session.tick()
    assert stage.state.following.progress is None
    return np.array(stage.annotation.labels)


def command(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0


@pytest.mark.parametrize(
    ("axes", "leading"), [("ZYX", (3,)), ("TYX", (3,)), ("TZYX", (3, 2))]
)
def test_dock_command_and_python_give_the_same_ids(
    stage, bright, tmp_path, axes, leading
):
    path, out = tmp_path / "a.tif", tmp_path / "out"
    tifffile.imwrite(path, planes(*leading), imagej=True, metadata={"axes": axes})
    words = [str(each) for each in ("predict", path, "--model", bright, "--out", out)]
    open_file(stage, path)
    assert stage.state.image.axes == axes
    found = predict(stage)
    python = nu.predict(read_image(path).array, load_model(bright), axes=axes)
    assert (found == python).all()
    assert (python == compact(python)[0]).all()
    command(words)
    assert (tifffile.imread(out / "a.tif").squeeze() == python).all()
    if "T" not in axes:
        assert "no time-lapse" in why_not_follow(stage.state)
        return
    tracked, tracks = nu.track(python, axes=axes)
    assert (follow(stage) == tracked).all()
    assert len(tracks) < len(np.unique(python)) - 1
    command([*words, "--track", "--overwrite"])
    assert (tifffile.imread(out / "a.tif").squeeze() == tracked).all()


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_a_stack_of_one_plane_is_a_plane(stage, axes):
    stage.open(planes(1), axes=axes)
    assert predict(stage).any()
    assert not stage.state.image.has_planes
    assert "no time-lapse" in why_not_follow(stage.state)
    assert "one plane" in stage.state.why_not_do("accept plane")


def test_planes_without_content_are_a_gap_in_time_that_is_told(stage):
    pixels = planes(6)
    pixels[2:4] = 0
    stage.open(pixels, axes="TYX")
    labels = predict(stage)
    assert not labels[2:4].any()
    labels = follow(stage)
    assert "no objects in frame 2 to 3" in stage.state.message
    before, after = (set(np.unique(part)) - {0} for part in (labels[:2], labels[4:]))
    assert not before & after


def test_frames_and_sections_that_are_mixed_up_are_swapped_and_work_is_kept(stage):
    stage.open(planes(4), axes="ZYX")
    labels = predict(stage)
    stage.session.correcting.do(AcceptView(Box((1, 0, 0), (2, 64, 64))))
    provenance = stage.annotation.provenance.copy()
    assert stage.annotation.time is None
    stage.session.settings.set_axes("TYX")
    stage.run()
    assert stage.annotation.time == 0
    assert (stage.annotation.labels == labels).all()
    assert (stage.annotation.provenance == provenance).all()
    assert why_not_follow(stage.state) == ""
    follow(stage)
    stage.session.settings.set_axes("ZYX")
    stage.run()
    assert stage.annotation.time is None
    assert not stage.state.following.shown
    stage.session.images.current.canvas.undo()
    assert (stage.annotation.labels == labels).all()


@pytest.mark.parametrize("spacing", [None, 0.0])
def test_sections_whose_distance_nobody_knows_are_as_far_as_pixels(
    stage, tmp_path, spacing
):
    path, metadata = tmp_path / "a.tif", {"axes": "TZYX", "unit": "um"}
    metadata |= {} if spacing is None else {"spacing": spacing}
    size = {"resolution": (4, 4)}
    tifffile.imwrite(path, planes(3, 2), imagej=True, metadata=metadata, **size)
    open_file(stage, path)
    labels = predict(stage)
    found = follow(stage)
    assert "how far sections are apart" in stage.state.message
    assert (found == nu.track(labels, axes="TZYX")[0]).all()


def test_frames_of_other_sizes_are_no_series_and_that_is_said(stage, tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for rows in (64, 60, 64):
            file.write(disks((64, 64), pitch=24)[:rows], contiguous=False)
    assert "the file holds 3 images" in str(read_image(path).note)
    open_file(stage, path)
    assert "The file holds 3 images and only the first was read" in stage.state.message
    predict(stage)
    assert "no time-lapse" in why_not_follow(stage.state)


@pytest.mark.parametrize(
    ("stated", "scale", "expected"),
    [
        ({}, (3.0, 1.0, 1.0), {"Z": 3.0, "Y": 1.0}),
        ({}, (-0.6, 0.2, 0.2), {"Z": 3.0, "Y": 1.0}),
        ({}, (1.0, 1.0, 1.0), {}),
        ({"resolution": (4, 4)}, (3.0, 1.0, 1.0), {"Z": 0.75, "Y": 0.25, "X": 0.25}),
        (
            {"resolution": (4, 4), "spacing": 2.0},
            (3.0, 1.0, 1.0),
            {"Z": 2.0, "Y": 0.25},
        ),
    ],
)
def test_the_scale_of_a_layer_tells_how_far_sections_are_apart(
    stage, tmp_path, stated, scale, expected
):
    path, metadata = tmp_path / "a.tif", {"axes": "ZYX", "unit": "um"}
    metadata |= {k: v for k, v in stated.items() if k == "spacing"}
    size = {k: v for k, v in stated.items() if k == "resolution"}
    tifffile.imwrite(path, planes(5), imagej=True, metadata=metadata, **size)
    pixels = tifffile.imread(path)
    stage.session.images.open(pixels, "a.tif", path=path, scale=scale)
    stage.run()
    image = stage.session.images.current
    found = image.voxel_size
    assert {axis: pytest.approx(found[axis]) for axis in expected} == expected
    assert ("Z" in found) == bool(expected)
    told = "as far apart as pixels are wide, as the scale of the layer says"
    assert (told in stage.state.message) == (bool(expected) and "spacing" not in stated)
    job = Predict.of(image, stage.session.models.active, None)
    assert job.voxel_size == found


def merged(stage: Stage) -> np.ndarray:
    """Predict four frames, of which the second has two objects as one."""
    stage.open(planes(4), axes="TYX")
    labels = predict(stage)
    one, other = np.unique(labels[1])[1:3]
    labels[1][labels[1] == other] = one
    image = stage.session.images.current
    stage.session.correcting.perform(image, TakeToCorrect(labels))
    return np.array(stage.annotation.labels)


def test_the_dock_cuts_as_the_command_does_and_takes_it_back(stage):
    labels = merged(stage)
    tracked, tracks = nu.track(labels, axes="TYX")
    found = follow(stage)
    assert len(np.unique(found[1])) > len(np.unique(labels[1]))
    assert "several before and afterwards, in frame 1" in stage.state.message
    pairs = {*zip(found.ravel().tolist(), tracked.ravel().tolist(), strict=True)}
    assert len(pairs) == len(tracks) + 1
    assert not (stage.annotation.provenance > 1).any()
    stage.session.images.current.canvas.undo()
    assert (stage.annotation.labels == labels).all()
    stage.annotation.redo()
    assert (stage.annotation.labels == found).all()
    assert (follow(stage) == found).all()


def test_what_a_person_stands_behind_is_not_cut(stage):
    labels = merged(stage)
    stage.session.correcting.do(AcceptView(Box((1, 0, 0), (2, 64, 64))))
    found = follow(stage)
    assert ((found[1] > 0) == (labels[1] > 0)).all()
    assert len(np.unique(found[1])) == len(np.unique(labels[1]))


def test_what_is_verified_in_a_frame_keeps_its_id_and_its_labels(stage):
    stage.open(planes(4), axes="TYX")
    predict(stage)
    stage.session.correcting.do(AcceptView(Box((2, 0, 0), (3, 64, 64))))
    verified, labels = stage.annotation.provenance > 1, stage.annotation.labels.copy()
    found = follow(stage)
    assert (found[verified] == labels[verified]).all()
    assert len(np.unique(found)) == len(np.unique(labels[2]))
    predict(stage)  # another prediction leaves ids alone
    assert (stage.annotation.labels == found).all()
