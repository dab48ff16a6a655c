"""No trained model, two painted cells, and a network with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.annotation.edits import AcceptView
from napari_unet.geometry.box import Box
from napari_unet.learning.train import iter_fit
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.session.models.request import ModelRequest, NetworkRequest
from tests.runners import InlineRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage

SHAPE = (128, 128)
TINY = NetworkRequest("unet", UNetConfig(depth=2, base_channels=8))
STEPS = 40
DISKS = disks(SHAPE) > disks(SHAPE).mean()


@pytest.fixture
def nothing(monkeypatch):
    """A session in which no model was ever chosen, and trainings have few steps."""

    def few_steps(model, samples, config, **options):
        small = {"minutes": None, "steps": STEPS, "crop": 64}
        config = config.model_copy(update=small)
        return (yield from iter_fit(model, samples, config, **options))

    monkeypatch.setattr("napari_unet.learning.iter_fit", few_steps)
    stage = Stage.make(InlineRunner())
    stage.open(disks(SHAPE))
    torch.manual_seed(0)
    stage.session.models.make(ModelRequest("instances", network=TINY))
    stage.run()
    return stage


def paint_two_cells(stage):
    cells = DISKS.copy()
    cells[32:], cells[:, 64:] = False, False
    for number, columns in enumerate([slice(0, 32), slice(32, 64)], 1):
        cell = np.zeros(SHAPE, bool)
        cell[:, columns] = cells[:, columns]
        assert cell.any()
        stage.paint(cell, number)


def found(stage):
    """Return how many of the sixteen disks are found, with half of their pixels."""
    labels = stage.annotation.labels
    hits = 0
    for y in range(0, 128, 32):
        for x in range(0, 128, 32):
            own = np.zeros(SHAPE, bool)
            own[y : y + 32, x : x + 32] = DISKS[y : y + 32, x : x + 32]
            likely = np.bincount(labels[own])[1:]
            if likely.any():
                one = labels == likely.argmax() + 1
                hits += (own & one).sum() > (own | one).sum() / 2
    return hits


@pytest.mark.parametrize("background", ["rings", "view"])
def test_two_painted_cells_are_enough_to_begin(nothing, background):
    session = nothing.session
    assert not nothing.state.why_not_paint
    session.correcting.start_empty()
    assert "Nothing is verified yet" in nothing.state.why_not_finetune
    paint_two_cells(nothing)
    session.images.current.canvas.settle()
    if background == "view":
        session.correcting.do(AcceptView(Box((0, 0), (32, 64))))
    assert not nothing.state.why_not_finetune
    assert nothing.state.image.verified_objects == 2
    session.finetune(2)
    nothing.run()
    assert not nothing.state.problems
    assert len(nothing.state.versions) == 2
    assert "none is held out" in nothing.state.notice
    session.predict()
    nothing.run()
    assert not nothing.state.problems
    assert found(nothing) >= 8
    assert nothing.state.image.verified_objects >= 2
    session.close()
