"""The whole story without a window."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label

from napari_unet.annotation.edits import AcceptObject, AcceptView
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.core.events import TilesDone
from napari_unet.geometry.box import Box
from napari_unet.inference.events import ViewPredicted
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import brightness_model, disks
from tests.session.conftest import Stage

UPPER_HALF = Box((0, 0), (64, 160))


def test_open_predict_accept(stage, image):
    stage.open(image)
    assert stage.state.image.open
    assert not stage.state.image.has_labels
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects == 17
    assert stage.state.message.startswith("Found 17 objects")
    assert (stage.annotation.provenance == Provenance.PREDICTED).all()
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    assert stage.state.image.verified_objects == 8
    assert is_verified(stage.annotation.provenance[:64]).all()
    assert stage.state.message == "8 of 17 objects are verified."


def test_what_cannot_be_done_is_said(bright, image):
    stage = Stage.make(InlineRunner())
    session = stage.session
    session.predict()
    assert "Choose an image" in stage.state.problems["predict"].text
    stage.open(image)
    session.predict()
    assert "loaded" in stage.state.problems["predict"].text
    session.models.choose(bright)
    session.correcting.do(AcceptView(UPPER_HALF))
    assert "press Predict" in stage.state.problems["correct"].text
    session.finetune(1)
    assert "Nothing is verified" in stage.state.problems["finetune"].text
    session.predict()
    stage.run()
    assert "predict" not in stage.state.problems
    session.correcting.do(AcceptObject(0))
    assert "Choose an object" in stage.state.problems["correct"].text
    session.correcting.do(AcceptObject(1))
    assert "correct" not in stage.state.problems
    assert stage.state.image.verified_objects == 1


@pytest.mark.parametrize(
    ("array", "axes", "words"),
    [
        (np.zeros((4, 4), complex), None, "real numbers"),
        (np.zeros((4, 0)), None, "no pixels"),
        (np.zeros(9), None, "2 to 5 axes"),
        (np.zeros((2,) * 6), None, "2 to 5 axes"),
        (np.zeros((9, 9)), "YQ", "unknown letter"),
        (
            np.arange(4800, dtype=np.uint16).reshape(40, 40, 3),
            None,
            "expects 1 channel",
        ),
        (np.array([["a"]]), None, "real numbers"),
    ],
)
def test_images_that_do_not_fit_are_refused_in_words(stage, array, axes, words):
    stage.open(array, axes=axes)
    assert words in stage.state.problems["image"].text
    assert words in stage.state.why_not_predict
    stage.session.predict()
    stage.run()
    assert not stage.state.predicting


def test_axes_can_be_corrected(stage, image):
    stage.open(np.stack([image, image[::-1], image]))
    assert stage.state.image.axes == "ZYX"
    stage.session.settings.set_axes("CYX")
    stage.run()
    assert stage.state.image.axes == "CYX"
    assert "expects 1 channel" in stage.state.problems["image"].text
    stage.session.settings.set_axes("tyx")
    stage.run()
    assert stage.state.image.axes == "TYX"
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects == 3 * 17


def test_a_prediction_can_be_cancelled_at_any_step(bright, image):
    for steps in range(0, 12, 2):
        stage = Stage.make(ManualRunner())
        stage.session.models.choose(bright)
        stage.open(image, name=f"image {steps}")
        stage.session.predict()
        for _ in range(steps):
            stage.runner.step()
        before = stage.state.predicting
        stage.session.predicting.cancel()
        stage.run()
        assert stage.state.predicting is None
        assert not stage.state.cancelling
        if before:
            assert stage.state.message == "Prediction cancelled."


def test_a_failed_prediction_is_told_and_changes_nothing(stage, image, monkeypatch):
    def fail(*arguments, **options):
        yield from ()
        raise RuntimeError("cannot")

    stage.open(image)
    stage.session.predict()
    stage.run()
    labels = stage.annotation.labels.copy()
    monkeypatch.setattr("napari_unet.inference.iter_predict", fail)
    stage.session.predict()
    stage.run()
    problem = stage.state.problems["predict"]
    assert "RuntimeError: cannot" in problem.text
    assert "Traceback" in problem.details
    assert (stage.annotation.labels == labels).all()
    assert not stage.state.why_not_predict


def test_nothing_is_applied_during_a_stroke(bright, image):
    class Busy:
        busy = True

        def flush(self):
            pass

        def settle(self):
            pass

        def refresh(self, box):
            pass

    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.open(image)
    stage.session.images.current.canvas = canvas = Busy()
    stage.session.predict()
    stage.runner.run()
    for _ in range(5):
        stage.session.tick()
    assert stage.state.predicting
    assert not stage.annotation.labels.any()
    canvas.busy = False
    stage.run()
    assert stage.state.image.objects == 17


def test_an_edit_while_predictions_are_merged_is_respected(bright, image):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.open(image)
    stage.session.predict()
    while "Predicting… " not in stage.state.message:
        stage.runner.step()
    stage.paint(np.s_[10:22, 10:22], 5)
    stage.run()
    assert (stage.annotation.labels[10:22, 10:22] == 5).all()


def test_work_is_here_again_after_reopening(stage, image, tmp_path):
    path = tmp_path / "cells.tif"
    stage.open(image, path=path)
    assert list(tmp_path.glob("*.unet")) == []
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[0:5, 0:5], 40)
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    labels = stage.annotation.labels.copy()
    provenance = stage.annotation.provenance.copy()
    assert stage.session.close() == []
    assert (tmp_path / "cells.unet" / "project.json").exists()

    again = Stage.make(InlineRunner())
    shown = []
    again.session.images.labels_shown.connect(shown.append)
    again.open(image.copy(), path=path)
    assert shown == [again.session.images.current]
    assert again.state.image.has_labels
    assert "here again" in again.state.message
    assert (again.annotation.labels == labels).all()
    assert (again.annotation.provenance == provenance).all()
    assert again.annotation.next_id > 40


def test_changes_are_saved_by_themselves_within_ten_seconds(stage, image, tmp_path):
    stage.open(image, path=tmp_path / "cells.tif")
    stage.session.predict()
    stage.run()
    changed = stage.clock.now
    while not list((tmp_path / "cells.unet" / "labels").glob("*.tif")):
        stage.clock.now += 0.5
        stage.run()
        assert stage.clock.now < changed + 10
    stage.clock.now += 3
    stage.session.tick()
    assert stage.state.save.text.startswith("Saved 3 s ago in cells.unet")


def test_a_failed_save_is_told_and_can_be_moved(stage, image, tmp_path):
    stage.open(image, path=tmp_path / "gone" / "cells.tif")
    stage.session.predict()
    stage.run()
    stage.session.images.current.saving.start()
    stage.run()
    assert stage.state.save.failed
    assert "Not saved" in stage.state.save.text
    stage.session.save_to(tmp_path / "elsewhere.unet")
    stage.run()
    stage.clock.now += 1.5
    stage.session.tick()
    assert not stage.state.save.failed
    assert (tmp_path / "elsewhere.unet" / "project.json").exists()


def test_unreadable_work_is_told_and_not_overwritten(stage, image, tmp_path):
    folder = tmp_path / "cells.unet"
    folder.mkdir()
    (folder / "project.json").write_text("{")
    stage.open(image, path=tmp_path / "cells.tif")
    assert "cannot be opened" in stage.state.problems["correct"].text
    stage.session.predict()
    stage.run()
    stage.session.images.current.saving.start()
    stage.run()
    assert stage.state.save.failed
    assert (folder / "project.json").read_text() == "{"


def test_images_keep_their_own_labels(stage, image):
    stage.open(image)
    stage.session.predict()
    stage.run()
    first = stage.session.images.current
    stage.open(disks(pitch=40), name="other")
    assert not stage.state.image.has_labels
    stage.session.images.select(first)
    assert stage.state.image.objects == 17
    assert stage.session.images.find(image) is first


def test_a_broken_model_folder_is_told_and_the_old_model_stays(stage, tmp_path):
    stage.session.models.choose(tmp_path / "none")
    stage.run()
    assert "neither a built-in model" in stage.state.problems["model"].text
    assert stage.state.model.name == "bright"
    assert not stage.state.loading


def test_a_model_can_be_saved(stage, tmp_path):
    stage.session.models.save(tmp_path / "mine")
    stage.run()
    stage.session.models.choose(tmp_path / "mine")
    stage.run()
    assert stage.state.model.name == "mine"
    stage.session.models.save(tmp_path / "mine")
    stage.run()
    assert "mine" in stage.state.problems["model"].text


def test_the_engine_is_loaded_in_the_background():
    stage = Stage.make(ManualRunner())
    stage.session.start()
    assert not stage.state.ready
    assert stage.state.message == "Getting ready…"
    stage.run()
    assert stage.state.ready
    assert stage.state.device


def test_empty_labels_can_be_painted(stage, image):
    shown = []
    stage.session.images.labels_shown.connect(shown.append)
    stage.open(image)
    stage.session.correcting.start_empty()
    stage.session.correcting.start_empty()
    assert len(shown) == 1
    assert stage.state.image.has_labels


edits = st.lists(
    st.tuples(
        st.sampled_from(["paint", "erase", "settle", "accept", "step", "predict"]),
        st.integers(0, 100),
        st.integers(0, 130),
    ),
    max_size=12,
)


def bright_pieces(image, model, *, axes, view, **_):
    """Predict as quickly as can be."""
    yield TilesDone(0, 1)
    if view:
        yield ViewPredicted(view, label(image[view.slices] > 100)[0].astype(np.int32))
    yield TilesDone(1, 1)
    return label(image > 100)[0].astype(np.int32)


@given(edits)
def test_predictions_never_change_a_verified_pixel(actions):
    with patch("napari_unet.inference.iter_predict", bright_pieces):
        _edit_and_predict(actions)


def _edit_and_predict(actions):
    stage = Stage.make(ManualRunner(), view=lambda: Box((20, 30), (90, 120)))
    session = stage.session
    session.models.timeline.publish(brightness_model())
    stage.open(disks())
    session.predict()
    kept = None
    for action, y, x in actions:
        kept = _verified(stage.annotation)
        if action in ("paint", "erase"):
            value = stage.annotation.new_id() if action == "paint" else 0
            stage.paint(np.s_[y : y + 12, x : x + 15], value)
            continue
        _act(stage, action, Box((y, x), (y + 30, x + 30)))
        _check_kept(stage.annotation, kept)
    kept = _verified(stage.annotation)
    stage.run()
    session.predict()
    stage.run()
    _check_kept(stage.annotation, kept)


def _act(stage, action, box):
    if action == "settle":
        stage.session.images.current.canvas.settle()
    elif action == "accept":
        stage.annotation.do(AcceptView(box))
    elif action == "step":
        stage.runner.step()
        stage.session.tick()
    else:
        stage.session.predict()


def _verified(annotation):
    mask = is_verified(annotation.provenance)
    return mask, annotation.labels.copy(), annotation.provenance.copy()


def _check_kept(annotation, kept):
    mask, labels, provenance = kept
    assert (annotation.labels[mask] == labels[mask]).all()
    assert (annotation.provenance[mask] == provenance[mask]).all()
