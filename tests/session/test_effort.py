"""What a person's work took is written down, comes back, and is told."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.edits import AcceptObject, AcceptView
from napari_unet.geometry.box import Box
from napari_unet.project.finished import read_finished
from tests.runners import InlineRunner
from tests.session.brightness import classes_model, disks
from tests.session.conftest import Stage

LEFT, RIGHT = Box((0, 0), (128, 64)), Box((0, 64), (128, 128))
WHOLE = Box.whole((128, 128))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "disks.tif"
    tifffile.imwrite(path, disks((128, 128)))
    return path


@pytest.fixture
def sitting(path, bright):
    """Return a function that opens the image as a program does that has just begun."""

    def begin(model=bright) -> Stage:
        stage = Stage.make(InlineRunner())
        if model is bright:
            stage.session.models.choose(model)
        else:
            stage.session.models.timeline.publish(model)
        stage.open(tifffile.imread(path), path.name, path=path)
        return stage

    return begin


def accept(stage, box, seconds=5.0):
    stage.clock.now += seconds
    stage.session.correcting.do(AcceptView(box))


def lines(stage):
    return read_finished(stage.session.images.current.project.folder)


def test_a_view_that_is_accepted_is_written_down(sitting):
    stage = sitting()
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[0:9, 0:9], 77)
    stage.clock.now += 4
    stage.paint(np.s_[60:64, 0:9], 78)
    stage.paint(np.s_[60:64, 100:109], 79)
    accept(stage, LEFT)
    accept(stage, RIGHT, seconds=100)
    left, right = lines(stage)
    assert (left.corrections, right.corrections) == (2, 1)
    assert left.seconds == pytest.approx(9, abs=0.1)
    assert right.seconds == 0  # nobody was there
    assert left.objects > 4
    version = stage.session.models.timeline.active
    assert {each.model for each in (left, right)} == {str(version.uuid)}
    assert stage.state.effort.views == 2
    assert "finish 1 more view" in stage.state.effort.advice


def test_nothing_counts_twice_and_an_object_is_no_view(sitting):
    stage = sitting()
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptObject(1))
    accept(stage, LEFT)
    accept(stage, LEFT)
    assert len(lines(stage)) == 1


def test_what_was_taken_back_does_not_count(sitting):
    stage = sitting()
    stage.session.predict()
    stage.run()
    accept(stage, LEFT)
    stage.annotation.undo()
    assert lines(stage) == ()
    assert stage.state.effort.views == 0
    stage.annotation.redo()
    assert stage.state.effort.views == len(lines(stage)) == 1


def test_it_is_here_again_the_next_day(sitting):
    stage = sitting()
    stage.session.predict()
    stage.run()
    for box in (LEFT, RIGHT):
        stage.paint((slice(0, 5), slice(box.start[1], box.start[1] + 5)), 90)
        accept(stage, box)
    told = stage.state.effort
    stage.session.close()
    again = sitting()
    assert again.state.effort.views == told.views == 2
    assert again.state.effort.advice == told.advice


def test_it_goes_where_the_work_goes(sitting, tmp_path):
    stage = sitting()
    stage.session.predict()
    stage.run()
    accept(stage, LEFT)
    stage.session.save_to(tmp_path / "elsewhere.unet")
    for _ in range(5):
        stage.clock.now += 20
        stage.run()
    image = stage.session.images.current
    assert image.project.folder.name == "elsewhere.unet"
    accept(stage, RIGHT)
    assert len(lines(stage)) == 2
    assert stage.state.effort.views == 2


def test_where_there_are_no_objects_strokes_count(sitting):
    stage = sitting(classes_model())
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[0:4, 0:4], 2)
    stage.paint(np.s_[10:14, 0:4], 2)
    accept(stage, WHOLE)
    (view,) = lines(stage)
    assert (view.corrections, view.objects, view.task) == (2, None, "classes")


def test_another_task_is_another_story(sitting):
    stage = sitting()
    stage.session.predict()
    stage.run()
    accept(stage, LEFT)
    stage.session.models.timeline.publish(classes_model())
    stage.run()
    assert stage.state.effort.views == 0
