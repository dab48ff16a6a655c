"""Labels that another program made, taken to be corrected and learned from."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.labels import as_labels
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.geometry.box import Box
from napari_unet.models.record import new_record
from napari_unet.session.finetune import Improved
from tests.runners import InlineRunner
from tests.session.brightness import brightness_model, classes_model, disks
from tests.session.conftest import Stage

SHAPE = (128, 128)
UPPER = Box((0, 0), (64, 128))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "disks.tif"
    tifffile.imwrite(path, disks(SHAPE))
    return path


def sitting(path, model, task="instances"):
    """Open the image as a program does that has just started."""
    stage = Stage.make(InlineRunner())
    if task == "instances":
        stage.session.models.choose(model)
    else:
        stage.session.models.timeline.publish(classes_model())
    stage.open(tifffile.imread(path), path.name, path=path)
    return stage


@pytest.fixture
def theirs():
    """Four squares, of which only the first is where a disk is."""
    labels = np.zeros(SHAPE, np.int32)
    for number, (y, x) in enumerate([(8, 8), (32, 60), (80, 60), (110, 100)], 1):
        labels[y : y + 16, x : x + 16] = number
    return as_labels(labels)


def work_of(stage):
    stage.session.images.current.canvas.settle()
    return stage.annotation.labels.copy(), stage.annotation.provenance.copy()


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_they_are_a_prediction_that_nobody_has_verified(path, bright, theirs):
    stage = sitting(path, bright)
    stage.session.correcting.take(theirs, "theirs")
    labels, provenance = work_of(stage)
    assert np.array_equal(labels, theirs.array)
    assert (provenance == Provenance.PREDICTED).all()
    assert stage.state.image.has_labels
    assert stage.state.image.verified_objects == 0
    assert "'theirs'" in stage.state.message
    assert "Nothing is verified yet" in stage.state.why_not_finetune
    stage.session.correcting.do(AcceptView(UPPER))
    assert not stage.state.why_not_finetune
    stage.session.close()


def test_they_can_be_right_as_they_are(path, bright, theirs):
    stage = sitting(path, bright)
    stage.session.correcting.take(theirs, "theirs", right=True)
    labels, provenance = work_of(stage)
    assert np.array_equal(labels, theirs.array)
    assert is_verified(provenance[theirs.array > 0]).all()
    assert stage.state.image.verified_objects == 4
    stage.session.close()


@pytest.mark.parametrize("task", ["instances", "classes"])
def test_what_is_verified_stays_and_all_is_undone_after_a_restart(
    path, bright, theirs, task
):
    theirs.array[theirs.array > 2] = 1
    stage = sitting(path, bright, task)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(UPPER))
    before = work_of(stage)
    stage.session.correcting.take(theirs, "theirs")
    after = work_of(stage)
    kept = is_verified(before[1])
    assert same([a[kept] for a in after], [b[kept] for b in before])
    assert np.array_equal(after[0][64:] > 0, theirs.array[64:] > 0)
    assert (after[1][~kept] == Provenance.PREDICTED).all()
    stage.session.correcting.do(AcceptView(Box((64, 0), SHAPE)))
    accepted = work_of(stage)
    stage.session.close()
    again = sitting(path, bright, task)
    assert same(work_of(again), accepted)
    for expected in (after, before):
        assert again.annotation.undo()
        assert same(work_of(again), expected)
    for expected in (after, accepted):
        assert again.annotation.redo()
        assert same(work_of(again), expected)
    again.session.close()


def test_objects_keep_the_ids_of_those_that_they_follow(path, bright, theirs):
    stage = sitting(path, bright)
    stage.session.predict()
    stage.run()
    found = stage.annotation.labels[16, 16]
    most = stage.annotation.labels.max()
    stage.session.correcting.take(theirs, "theirs")
    assert stage.annotation.labels[16, 16] == found
    assert stage.annotation.labels[85, 65] > most
    stage.session.close()


def test_values_take_no_labels(path, bright, theirs):
    from napari_unet.tasks import find_task

    with pytest.raises(ValueError, match="or as predicted values"):
        find_task("regression").labels.take_over(
            lambda: theirs.array, ("light",), "YX", "theirs"
        )


def test_a_training_does_not_replace_them_unasked(path, bright, theirs):
    stage = sitting(path, bright)
    stage.session.predict()
    stage.run()
    stage.session.correcting.take(theirs, "theirs")
    taken = work_of(stage)
    better = Improved(brightness_model(0.25), new_record(), 1)
    stage.session.training.improved.emit(better)
    stage.clock.now += 100
    stage.run()
    assert stage.state.version == stage.state.versions[-1].number
    assert same(work_of(stage), taken)
    assert "until you press Predict" in stage.state.notice
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects == 16
    stage.session.close()


def test_who_goes_to_a_version_sees_it(path, bright, theirs):
    stage = sitting(path, bright)
    stage.session.training.improved.emit(Improved(brightness_model(), new_record(), 1))
    stage.session.correcting.take(theirs, "theirs")
    stage.session.activate_version(1)
    stage.clock.now += 100
    stage.run()
    assert stage.state.image.objects == 16
    stage.session.close()
