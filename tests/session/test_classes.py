"""Classes of pixels, from opening an image to a better model, without a window."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptObject, AcceptView
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.annotation.schema import LabelSchema
from napari_unet.geometry.box import Box
from napari_unet.session.finetune import snapshots_of
from napari_unet.weights.folder import save_model
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import classes_model, disks
from tests.session.conftest import Stage

UPPER_HALF = Box((0, 0), (64, 160))
WHOLE = Box((0, 0), (128, 160))


@pytest.fixture(scope="session")
def shades(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "shades"
    save_model(classes_model(), folder)
    return folder


@pytest.fixture(params=[InlineRunner, ManualRunner], ids=["inline", "manual"])
def stage(request, shades) -> Stage:
    stage = Stage.make(request.param())
    stage.session.models.choose(shades)
    stage.run()
    return stage


def test_predict_paint_accept(stage, image):
    stage.open(image)
    assert stage.state.image.task == "classes"
    stage.session.predict()
    stage.run()
    assert set(np.unique(stage.annotation.labels)) == {0, 1, 2}
    assert stage.state.message.startswith("Classes predicted in ")
    assert "bright 21 %, dim 3.7 %" in stage.state.message
    stage.paint(np.s_[100:110, 100:110], 2)
    assert (stage.annotation.provenance[100:110, 100:110] >= 2).any()
    assert not stage.annotation.open_objects
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    assert is_verified(stage.annotation.provenance[:64]).all()
    assert "of pixels are verified" in stage.state.message
    stage.session.predict()
    stage.run()
    assert (stage.annotation.labels[100:110, 100:110] == 2).all()


def test_the_model_tells_its_classes(stage):
    assert stage.state.model.task == "classes"
    assert [each.name for each in stage.state.model.classes] == [
        "dark",
        "dim",
        "bright",
    ]


def test_what_cannot_be_done_is_said(stage, image):
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptObject(1))
    assert "no objects" in stage.state.problems["correct"].text
    assert "paint some pixels of every class" in stage.state.why_not_finetune
    stage.session.correcting.do(AcceptView(Box((0, 0), (3, 3))))
    assert "Only one class" in stage.state.why_not_finetune
    stage.session.finetune(0.01)
    assert "Only one class" in stage.state.problems["finetune"].text
    stage.session.correcting.do(AcceptView(WHOLE))
    assert not stage.state.why_not_finetune


def test_fine_tuning_learns_from_verified_classes(stage, image):
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    (snapshot,) = snapshots_of(stage.session.images)
    sample = snapshot.as_sample()
    assert set(np.unique(sample.labels)) == {0, 1, 2}
    assert (sample.verified == is_verified(stage.annotation.provenance)).all()
    stage.session.finetune(0.02)
    stage.run()
    assert "finetune" not in stage.state.problems
    assert not stage.state.training


def test_objects_and_classes_have_separate_work(stage, image, bright, shades):
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[:10, :10], 2)
    classes = stage.annotation.labels.copy()
    stage.session.models.choose(bright)
    stage.run()
    assert stage.state.image.task == "instances"
    assert stage.state.image.open
    assert not stage.state.image.has_labels
    stage.session.predict()
    stage.run()
    assert stage.state.image.objects == 17
    stage.session.correcting.do(AcceptObject(3))
    stage.session.activate_version(1)
    stage.run()
    assert stage.state.image.task == "classes"
    assert "here again" in stage.state.message or stage.state.image.has_labels
    assert np.array_equal(stage.annotation.labels[:10, :10], classes[:10, :10])
    assert (stage.annotation.provenance[:10, :10] == Provenance.CORRECTED).all()
    stage.session.activate_version(2)
    stage.run()
    assert stage.state.image.objects == 17
    assert stage.state.image.verified_objects == 1


def test_a_class_more_keeps_the_work(stage, image, tmp_path):
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[:10, :10], 2)
    annotation = stage.annotation
    save_model(classes_model("blinding"), tmp_path / "more")
    stage.session.models.choose(tmp_path / "more")
    stage.run()
    assert stage.annotation is annotation
    schema = stage.session.images.current.schema
    assert schema == LabelSchema("classes", ("dark", "dim", "bright", "blinding"))


def test_an_image_opened_while_the_model_loads_gets_the_models_task(image, shades):
    stage = Stage.make(ManualRunner())
    stage.session.images.open(image, "disks")
    stage.session.models.choose(shades)
    stage.run()
    assert stage.state.image.open
    assert stage.state.image.task == "classes"
    assert len(list(stage.session.images)) == 1


def test_another_task_ends_the_training(image, bright, shades):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(shades)
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    stage.session.finetune(5)
    for _ in range(5):
        stage.runner.step()
    assert stage.state.training
    stage.session.models.choose(bright)
    while stage.state.model.task == "classes":
        for job in stage.runner.jobs:
            job.step()
    stage.run()
    assert not stage.state.training
    assert stage.state.model.task == "instances"
    assert stage.state.image.task == "instances"


def test_what_is_put_away_is_saved_before_other_work_is_opened(image, shades, bright):
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(shades)
    stage.open(image)
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[:10, :10], 2)
    (shown,) = stage.session.images
    gone = []
    stage.session.images.put_away.connect(gone.append)
    stage.session.models.choose(bright)
    stage.run()
    stage.session.activate_version(1)
    stage.session.activate_version(2)
    stage.session.activate_version(1)
    stage.run()
    assert gone[0] is shown
    assert len(list(stage.session.images)) == 1
    assert (stage.annotation.labels[:10, :10] == 2).all()


def test_other_images_are_put_away_too(stage, image, bright):
    stage.open(image)
    stage.open(disks((64, 64)), name="other")
    assert len(list(stage.session.images)) == 2
    stage.session.models.choose(bright)
    stage.run()
    (left,) = stage.session.images
    assert left.name == "other"
    assert left.schema.task == "instances"
