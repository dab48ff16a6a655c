"""Turning a model to another task."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.core.box import Box
from napari_unet.session.heads import HeadWish


def test_a_model_gets_other_classes_and_learns_them(stage, image):
    stage.open(image)
    stage.session.models.new_head(HeadWish("classes", ("dark", "bright")))
    stage.run()
    assert stage.state.model.predicts == "Classes: dark, bright"
    assert stage.state.model.name == "bright classes"
    assert stage.state.versions[-1].text == "new head: dark, bright"
    assert "knows nothing yet" in stage.state.message or stage.state.image.open
    assert stage.state.image.task == "classes"
    stage.session.start_empty()
    stage.paint(np.s_[8:24, 8:24], 1)
    stage.session.accept(Box((0, 0), (3, 160)))
    stage.session.finetune(0.05)
    stage.run()
    assert "finetune" not in stage.state.problems
    stage.session.activate_version(1)
    stage.run()
    assert stage.state.image.task == "instances"


def test_a_model_learns_values(stage, image):
    stage.open(image)
    wish = HeadWish("regression", ("calcium",), "nM", 100, 500)
    stage.session.models.new_head(wish)
    stage.run()
    assert stage.state.model.predicts == "Values: calcium (nM)"
    stage.session.predict()
    stage.run()
    # A fresh head says the middle everywhere.
    assert np.allclose(stage.annotation.predicted, 300, atol=1)


def test_values_can_become_objects_again(stage, image):
    stage.open(image)
    stage.session.models.new_head(HeadWish("regression", ("calcium",)))
    stage.run()
    stage.session.models.new_head(HeadWish("instances"))
    stage.run()
    assert stage.state.model.predicts == "Objects"
    stage.session.predict()
    stage.run()
    assert not stage.state.problems


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (HeadWish("classes", ("one",)), "two classes"),
        (HeadWish("regression"), "one variable"),
        (HeadWish("classes", ("a", "a")), "every name once"),
        (HeadWish("classes", ("a", "b" * 61)), "cannot be used"),
        (HeadWish("regression", ("a",), "", 2, 2), "above the lowest"),
    ],
)
def test_what_makes_no_sense_is_refused(stage, wish, words):
    stage.session.models.new_head(wish)
    stage.run()
    assert words in stage.state.problems["model"].text
    assert len(stage.state.versions) == 1
