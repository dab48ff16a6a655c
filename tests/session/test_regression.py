"""Regression without a window: predict, mark, accept, fine-tune, come back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.box import Box
from napari_unet.session.finetune import snapshots_of
from napari_unet.weights.folder import save_model
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import values_model
from tests.session.conftest import Stage

UPPER_HALF = Box((0, 0), (64, 160))


@pytest.fixture(scope="session", params=[("light",), ("light", "heat")], ids=len)
def values(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "values"
    save_model(values_model(*request.param), folder)
    return folder


@pytest.fixture(params=[InlineRunner, ManualRunner], ids=["inline", "manual"])
def stage(request, values) -> Stage:
    stage = Stage.make(request.param())
    stage.session.models.choose(values)
    stage.run()
    return stage


def predicted(stage, image):
    stage.open(image)
    stage.session.predict()
    stage.run()
    return stage.annotation


def test_predict_mark_accept_and_learn(stage, image):
    annotation = predicted(stage, image)
    assert isinstance(annotation, ValueAnnotation)
    assert np.allclose(annotation.predicted[0].min(), 10, atol=0.5)
    assert np.allclose(annotation.predicted[0].max(), 20, atol=0.5)
    assert stage.state.message.startswith("Values predicted in ")
    assert "light 10" in stage.state.message
    assert stage.state.image.has_labels
    assert "marks with values" in stage.state.why_not_finetune
    stage.paint(np.s_[100:110, 100:110], annotation.mark_for(0, 12.5))
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    assert "% of pixels are verified" in stage.state.message
    (snapshot,) = snapshots_of(stage.session.images)
    sample = snapshot.as_sample()
    assert (sample.labels[0, 100:110, 100:110] == 12.5).all()
    assert np.array_equal(sample.labels[:, :64], annotation.predicted[:, :64])
    assert np.isnan(sample.labels[:, 64:100]).all()
    stage.session.finetune(0.02)
    stage.run()
    assert "finetune" not in stage.state.problems


def test_nothing_can_be_accepted_before_a_prediction(stage, image):
    stage.open(image)
    stage.session.correcting.start_empty()
    stage.run()
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    assert "press Predict" in stage.state.problems["correct"].text


def test_verified_values_are_here_again(stage, image, values):
    annotation = predicted(stage, image)
    stage.paint(np.s_[100:110, 100:110], annotation.mark_for(0, 12.5))
    stage.session.correcting.do(AcceptView(UPPER_HALF))
    before = annotation.snapshot()
    assert stage.session.close() == []
    again = Stage.make(InlineRunner())
    again.session.models.choose(values)
    again.open(image)
    assert "here again" in again.state.message
    after = again.annotation.snapshot()
    assert np.array_equal(after.labels, before.labels, equal_nan=True)
    assert np.array_equal(after.provenance, before.provenance)
    again.session.predict()
    again.run()
    assert np.array_equal(again.annotation.predicted, annotation.predicted)


def test_stacks_have_values_too(stage, image):
    annotation = predicted(stage, np.stack([image, image]))
    assert annotation.predicted.shape[1:] == (2, *image.shape)
