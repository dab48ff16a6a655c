"""Turning a model to another task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.geometry.box import Box
from napari_unet.session.models.request import ModelRequest, NetworkRequest


def teach(stage):
    """Paint two classes without a prediction, and train on them."""
    stage.session.correcting.start_empty()
    stage.paint(np.s_[8:24, 8:24], 1)
    stage.session.correcting.do(AcceptView(Box((0, 0), (3, 160))))
    stage.session.finetune(0.05)
    stage.run()
    assert "finetune" not in stage.state.problems


def test_a_model_gets_other_classes_and_learns_them(stage, image):
    stage.open(image)
    stage.session.models.make(ModelRequest("classes", ("dark", "bright")))
    stage.run()
    assert stage.state.model.predicts == "Classes: dark, bright"
    assert stage.state.model.name == "bright classes"
    assert stage.state.versions[-1].text == "new head: dark, bright"
    assert "knows nothing yet" in stage.state.message or stage.state.image.open
    assert stage.state.image.task == "classes"
    teach(stage)
    stage.session.activate_version(1)
    stage.run()
    assert stage.state.image.task == "instances"


def test_a_model_learns_values(stage, image):
    stage.open(image)
    asked = ModelRequest("regression", ("calcium",), "nM", 100, 500)
    stage.session.models.make(asked)
    stage.run()
    assert stage.state.model.predicts == "Values: calcium (nM)"
    stage.session.predict()
    stage.run()
    # A fresh head says the middle everywhere.
    assert np.allclose(stage.annotation.predicted, 300, atol=1)


def test_values_can_become_objects_again(stage, image):
    stage.open(image)
    stage.session.models.make(ModelRequest("regression", ("calcium",)))
    stage.run()
    stage.session.models.make(ModelRequest("instances"))
    stage.run()
    assert stage.state.model.predicts == "Finds objects"
    stage.session.predict()
    stage.run()
    assert not stage.state.problems


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (ModelRequest("classes", ("one",)), "two classes"),
        (ModelRequest("regression"), "one variable"),
        (ModelRequest("classes", ("a", "a")), "every name once"),
        (ModelRequest("classes", ("a", "b" * 61)), "cannot be used"),
        (ModelRequest("regression", ("a",), "", 2, 2), "above the lowest"),
    ],
)
def test_what_makes_no_sense_is_refused(stage, asked, words):
    stage.session.models.make(asked)
    stage.run()
    assert words in stage.state.problems["model"].text
    assert len(stage.state.versions) == 1


def network(name="unet", **options):
    from napari_unet.models.architectures.unet import UNetConfig

    config = UNetConfig(depth=2, base_channels=4, **options)
    return NetworkRequest(name, config, in_channels=1, pixel_size=0.5)


def test_a_new_network_is_trained_as_one_that_knows_nothing(stage, image):
    from napari_unet.learning.config import PRESETS

    stage.open(image)
    assert stage.session.models.timeline.active.preset == "fine-tune"
    asked = ModelRequest("classes", ("dark", "bright"), network=network())
    stage.session.models.make(asked)
    stage.run()
    model = stage.session.models.active
    assert model.spec.architecture == network().architecture
    assert model.spec.pixel_size == 0.5
    assert stage.state.versions[-1].text == "new unet: dark, bright"
    assert stage.session.models.timeline.active.preset == "from-scratch"
    assert stage.session.models.timeline.active.preset in PRESETS
    teach(stage)
    assert stage.session.models.timeline.active.preset == "from-scratch"
    stage.session.activate_version(1)
    assert stage.session.models.timeline.active.preset == "fine-tune"


def test_a_network_without_pretrained_weights_is_refused_in_words(stage, image):
    stage.open(image)
    asked = replace(network(), pretrained=True)
    stage.session.models.make(ModelRequest("instances", network=asked))
    stage.run()
    assert "no pretrained weights" in stage.state.problems["model"].text
