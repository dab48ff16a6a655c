"""Accept, un-verify, start over: each a step, and copies that stay."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.edits import AcceptView, UnverifyObject, UnverifyView
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from napari_unet.session.just_changed import LOOK_SECONDS
from tests.runners import InlineRunner
from tests.session.brightness import classes_model, disks, values_model
from tests.session.conftest import Stage

WHOLE = Box.whole((128, 128))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "disks.tif"
    tifffile.imwrite(path, disks((128, 128)))
    return path


def sitting(path, model, task="instances"):
    """Open the image as a program does that has just started."""
    stage = Stage.make(InlineRunner())
    if task == "instances":
        stage.session.models.choose(model)
    else:
        made = {"classes": classes_model, "regression": values_model}[task]()
        stage.session.models.timeline.publish(made)
    stage.open(tifffile.imread(path), path.name, path=path)
    return stage


def state(stage):
    stage.session.images.current.canvas.settle()
    work = stage.annotation
    return [work.snapshot().labels, work.provenance.copy()]


def same(one, other):
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("task", ["instances", "classes", "regression"])
def test_steps_are_undone_after_a_restart(path, bright, task):
    stage = sitting(path, bright, task)
    session = stage.session
    session.predict()
    stage.run()
    label = 1
    if task == "regression":
        label = stage.annotation.mark_for(0, 2.5)
    states = [state(stage)]
    for step in (
        lambda: stage.paint(np.s_[:9, :9], label),
        lambda: session.correcting.do(AcceptView(Box((0, 0), (64, 128)))),
        lambda: session.correcting.do(UnverifyView(Box((0, 0), (32, 128)))),
        lambda: session.correcting.do(AcceptView(WHOLE)),
        session.correcting.start_over,
    ):
        step()
        states.append(state(stage))
        assert not same(states[-1], states[-2])
    session.close()
    again = sitting(path, bright, task)
    assert same(state(again), states[-1])
    for number, expected in reversed(tuple(enumerate(states[:-1]))):
        assert again.annotation.undo()
        assert same(state(again), expected), number
    assert again.annotation.undo() is None
    for expected in states[1:]:
        assert again.annotation.redo()
        assert same(state(again), expected)
    again.session.close()


@pytest.mark.parametrize("task", ["instances", "classes", "regression"])
def test_what_was_left_behind_comes_back_from_its_copy(path, bright, task):
    stage = sitting(path, bright, task)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 128))))
    label = stage.annotation.mark_for(0, 2.5) if task == "regression" else 1
    stage.paint(np.s_[70:79, :9], label)
    stage.session.images.current.canvas.settle()
    work = state(stage)
    stage.session.correcting.start_over()
    stage.paint(np.s_[:3, :3], label)
    painted = state(stage)
    stage.session.close()
    again = sitting(path, bright, task)
    ((number, words),) = again.state.image.snapshots
    assert words.startswith("the work of ")
    again.session.correcting.bring_back(number)
    assert same(state(again), work)
    again.annotation.undo()
    assert same(state(again), painted)
    again.session.close()


def test_a_copy_that_is_gone_is_told(path, bright):
    stage = sitting(path, bright)
    stage.session.predict()
    stage.run()
    stage.session.correcting.start_over()
    for copy in path.parent.glob("*/snapshots/*.labels.tif"):
        copy.unlink()
    before = state(stage)
    stage.session.correcting.bring_back(1)
    assert "missing" in stage.state.problems["correct"].text
    assert same(state(stage), before)
    stage.session.close()


def test_a_copy_that_cannot_be_written_is_told_and_undo_is_left(path, bright):
    stage = sitting(path, bright)
    stage.session.predict()
    stage.run()
    work = state(stage)
    stage.session.images.current.saving.start()
    (folder,) = path.parent.glob("*.unet")
    (folder / "snapshots").write_text("in the way")
    stage.session.correcting.start_over()
    assert "Ctrl+Z" in stage.state.problems["correct"].text
    assert not stage.state.image.snapshots
    stage.annotation.undo()
    assert same(state(stage), work)
    stage.session.close()


def test_what_cannot_be_done_is_refused_in_words(stage, image):
    stage.open(image)
    for command in (
        lambda: stage.session.correcting.do(UnverifyView(WHOLE)),
        lambda: stage.session.correcting.do(UnverifyObject(3)),
        stage.session.correcting.start_over,
        lambda: stage.session.correcting.bring_back(1),
    ):
        command()
        assert stage.state.problems["correct"].text
    assert not stage.annotation.history.done


def test_a_refreshed_prediction_may_change_what_was_unverified(path, bright):
    stage = sitting(path, bright)
    stage.session.predict()
    stage.run()
    found = stage.annotation.labels.copy()
    stage.paint(np.s_[:9, :9], stage.annotation.new_id())
    stage.session.correcting.do(UnverifyView(WHOLE))
    assert (stage.annotation.provenance <= Provenance.PREDICTED).all()
    stage.session.predict()
    stage.run()
    assert np.array_equal(stage.annotation.labels > 0, found > 0)
    stage.session.close()


def test_what_a_better_model_has_just_changed_is_not_accepted_unseen(path, bright):
    stage = sitting(path, bright)
    session = stage.session
    model, image = session.models.active, session.images.current
    session.predicting.start(image, model, refreshing=True)
    stage.run()
    session.correcting.do(AcceptView(WHOLE))
    assert stage.annotation.counts().verified_pixels == 0
    assert "look at it" in session.state.problems["correct"].text
    stage.clock.now += LOOK_SECONDS
    session.correcting.do(AcceptView(WHOLE))
    assert stage.annotation.counts().verified_pixels == 128 * 128
    assert "correct" not in session.state.problems


def test_what_a_better_model_changed_elsewhere_keeps_nobody_waiting(path, bright):
    stage = sitting(path, bright)
    session = stage.session
    session.predict()
    stage.run()
    stage.paint(np.s_[100:110, 100:110], 0)
    stage.paint(np.s_[100:110, 100:110], 99)
    session.correcting.do(UnverifyView(WHOLE))
    session.predicting.start(
        session.images.current, session.models.active, refreshing=True
    )
    stage.run()
    session.correcting.do(AcceptView(Box((90, 90), (120, 120))))
    assert "look at it" in session.state.problems["correct"].text
    session.correcting.do(AcceptView(Box((0, 0), (40, 40))))
    assert stage.annotation.counts().verified_pixels > 1500


def test_a_prediction_that_was_asked_for_may_be_accepted_at_once(path, bright):
    stage = sitting(path, bright)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(WHOLE))
    assert stage.annotation.counts().verified_pixels == 128 * 128
