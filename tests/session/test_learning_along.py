"""Where a person wants it, corrections start a training by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptObject
from napari_unet.session.finetune import TrainRound
from napari_unet.session.learning_along import ENOUGH
from tests.runners import ManualRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage


@pytest.fixture
def stage(bright):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(bright)
    stage.run()
    stage.open(disks((128, 160), pitch=24))
    stage.session.predict()
    stage.run()
    return stage


def accept(stage, number):
    """Accept so many objects that were not yet."""
    verified = stage.annotation.provenance > 1
    labels = np.where(verified, 0, stage.annotation.labels)
    for each in np.unique(labels)[1:][:number].tolist():
        stage.session.correcting.do(AcceptObject(each))
    stage.session.tick()


def trainings(stage):
    return sum(job.does(TrainRound) for job in stage.runner.jobs)


def test_enough_corrections_start_a_training(stage):
    stage.session.learning_along.want(True)
    accept(stage, ENOUGH - 1)
    assert not stage.state.training
    accept(stage, 1)
    assert stage.state.training
    assert trainings(stage) == 1
    # Those of its time are learned from by it.
    accept(stage, 4)
    assert trainings(stage) == 1
    stage.session.training.stop()
    while stage.state.training:
        stage.runner.step()
    accept(stage, ENOUGH - 1)
    assert not stage.state.training


def test_nobody_is_surprised_by_a_training(stage):
    accept(stage, ENOUGH + 1)
    assert not stage.state.training
    # What is in the way is no error where nobody has asked for anything.
    stage.session.learning_along.want(True)
    stage.session.images.select(None)
    stage.session.tick()
    assert not stage.state.training
    assert not stage.state.problems
