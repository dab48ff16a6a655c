"""An image whose labels do not fit into memory, which here is small."""

from __future__ import annotations

import pickle
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import scipy
import zarr

from napari_unet.annotation.edits import Settle
from napari_unet.geometry.box import Box
from napari_unet.images.lazy import LazyImage
from napari_unet.inference import tile_maps
from napari_unet.session.finetune import snapshots_of
from napari_unet.session.live import rest
from napari_unet.session.live.live import REST_SECONDS
from tests.runners import InlineRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage

SHAPE = 600, 700


@pytest.fixture(autouse=True)
def small_parts(monkeypatch) -> None:
    monkeypatch.setattr(tile_maps, "TILE", 64)
    monkeypatch.setattr(rest, "_SIDE", 256)
    monkeypatch.setattr("napari_unet.inference.live.LARGE_PLANE", 2**16)


@pytest.fixture
def slide(tmp_path: Path):
    pixels = disks(SHAPE, pitch=40, radius=9)
    array = zarr.create_array(
        tmp_path / "slide.zarr", shape=SHAPE, chunks=(128, 128), dtype=pixels.dtype
    )
    array[:] = pixels
    return array


class Large(Stage):
    view: Box | None = Box((100, 100), (200, 220))

    def open_slide(self, array, path: Path) -> None:
        self.session.images.most_bytes = 10_000
        self.session.images.open(da.from_zarr(array), "slide", "YX", path)
        self.run()

    def stroke(self, box: Box, label: int) -> None:
        image = self.session.images.current
        live = image.annotation.live
        live[box.slices] = label
        image.annotation.notice_change(box)
        self.session.note_edit(image)

    def until_rested(self) -> None:
        for _ in range(3000):
            self.clock.now += REST_SECONDS
            self.session.tick()
            if not self.state.live.busy and not self.state.predicting:
                return
        raise AssertionError("it does not come to an end")


@pytest.fixture
def large(bright, slide, tmp_path) -> Large:
    stage = Large.make(InlineRunner(), view=lambda: Large.view)
    stage.session.models.choose(bright)
    stage.run()
    stage.open_slide(slide, tmp_path / "slide.zarr")
    return stage


def test_is_read_by_regions(large) -> None:
    image = large.session.images.current
    assert image.large
    assert large.state.image.large
    assert isinstance(image.pixels, LazyImage)


def test_the_view_is_predicted_first_and_then_the_rest(large, slide) -> None:
    large.session.predict()
    assert "rest" in large.state.message
    for _ in range(8):
        large.clock.now += REST_SECONDS
        large.session.tick()
    assert large.state.predicting
    assert not large.annotation.unseen(Large.view).any()
    large.until_rested()
    labels = large.annotation.pixels.labels[0:600, 0:700]
    assert not large.annotation.unseen(Box.whole(SHAPE)).any()
    wanted = np.asarray(slide[:]) > 0.5 * slide[:].max()
    assert ((labels > 0) == wanted).mean() > 0.995
    # Objects across blocks are one.
    assert large.annotation.counts().objects == scipy.ndimage.label(wanted)[1]
    assert "All of slide is predicted" in large.state.message


def test_what_was_painted_stays_and_comes_back(large, slide, bright, tmp_path) -> None:
    painted = Box((110, 110), (140, 150))
    large.stroke(painted, 77)
    large.session.predict()
    large.until_rested()
    assert (large.annotation.pixels.labels[painted.slices] == 77).all()
    before = large.annotation.counts()
    large.session.close()
    assert (tmp_path / "slide.unet/chunks").is_dir()
    again = Large.make(InlineRunner())
    again.session.models.choose(bright)
    again.run()
    again.open_slide(slide, tmp_path / "slide.zarr")
    assert again.state.image.large
    assert again.annotation.counts() == before
    assert again.session.images.current.has_labels
    assert (again.annotation.pixels.labels[painted.slices] == 77).all()
    again.annotation.undo()
    assert not (again.annotation.pixels.labels[painted.slices] == 77).any()


def test_a_prediction_of_the_rest_can_be_cancelled(large) -> None:
    large.session.predict()
    for _ in range(6):
        large.clock.now += REST_SECONDS
        large.session.tick()
    large.session.cancel_prediction()
    assert not large.state.predicting
    assert large.annotation.unseen(Box.whole(SHAPE)).any()


def test_what_needs_all_of_it_is_refused_in_words(large) -> None:
    large.stroke(Box((110, 110), (140, 150)), 1)
    state = large.state
    reasons = [
        state.why_not_measure,
        state.why_not_start_over,
        state.why_not_compare(1),
        state.why_not_go_on,
    ]
    for reason in reasons:
        assert "larger than memory" in reason, reasons


def test_learns_from_the_parts_that_are_verified(large, slide) -> None:
    """And no more of the image is read than lies around them."""
    large.stroke(Box((20, 20), (40, 40)), 1)
    large.annotation.do(Settle())
    large.stroke(Box((510, 620), (530, 640)), 2)  # is being worked on
    large.session.images.current.saving.finish()
    (lesson,) = snapshots_of(large.session.images)
    sample = pickle.loads(pickle.dumps(lesson)).as_sample()
    assert sample is not None
    height, width = sample.image.shape
    assert sample.labels.shape == sample.verified.shape == (height, width)
    np.testing.assert_array_equal(sample.image, slide[:height, :width])
    assert set(np.unique(sample.labels[sample.verified])) == {0, 1}
    assert not sample.verified[510:530, 620:640].any()


def test_work_that_was_saved_as_a_whole_is_here_again(bright, slide, tmp_path) -> None:
    """Saved where there was more memory, it is opened as it was."""
    path = tmp_path / "slide.zarr"
    first = Stage.make(InlineRunner())
    first.session.models.choose(bright)
    first.run()
    first.open(slide, "slide", "YX", path)
    first.paint(np.s_[110:140, 110:150], 7)
    first.session.close()
    again = Large.make(InlineRunner())
    again.session.models.choose(bright)
    again.run()
    again.open_slide(slide, path)
    assert not again.state.image.large
    assert (again.annotation.labels[110:140, 110:150] == 7).all()


def test_a_damaged_part_of_the_image_stops_neither_opening_nor_prediction(
    large, slide, bright, tmp_path
) -> None:
    """The work on it is found by its file, and the rest is predicted."""
    path = tmp_path / "slide.zarr"
    large.stroke(Box((300, 300), (330, 340)), 7)
    large.session.close()
    (path / "c/0/0").write_bytes(b"damaged")
    again = Large.make(InlineRunner(), view=lambda: Box((300, 300), (400, 420)))
    again.session.models.choose(bright)
    again.run()
    again.open_slide(slide, path)
    assert again.session.images.current.has_labels
    assert (again.annotation.pixels.labels[300:330, 300:340] == 7).all()
    assert "could not be read" in again.state.message
    again.session.predict()
    again.until_rested()
    assert "stays empty" in again.state.message
    assert not again.annotation.unseen(Box((300, 300), (600, 700))).any()
    assert again.annotation.unseen(Box((0, 0), (100, 100))).any()


@pytest.mark.parametrize("predicted", [False, True])
def test_a_new_project_makes_no_prediction_of_what_has_none(
    large, slide, bright, tmp_path, predicted
) -> None:
    if predicted:
        large.session.predict()
        large.until_rested()
    large.session.projects.create(tmp_path / "study")
    for _ in range(15):
        large.clock.now += 1
        large.run()
    large.session.close()
    again = Large.make(InlineRunner(), view=lambda: Large.view)
    again.session.models.choose(bright)
    again.run()
    again.session.projects.open(tmp_path / "study.unet")
    again.run()
    again.open_slide(slide, tmp_path / "slide.zarr")
    assert again.session.images.current.project.folder == tmp_path / "study.unet"
    assert again.session.images.current.has_labels is predicted
    assert ("here again" in again.state.message) is predicted
    if not predicted:
        assert again.state.message == "slide is open."
