from __future__ import annotations

from argparse import Namespace

import pytest

from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.tasks.sample import Sample
from napari_unet.weights.folder import save_model
from napari_unet.weights.model import new_model
from tests.tiny import make_disks
from training import few
from training.recipe import Recipe


@pytest.mark.parametrize("trained", [True, False])
def test_one_draw_is_a_line_and_a_row(tmp_path, monkeypatch, trained):
    disks = make_disks(size=160, pitch=32, radius=10)
    samples = [Sample(disks.image, disks.labels) for _ in range(3)]
    monkeypatch.setattr(few, "read_kind", lambda *_: samples)
    small = Recipe(architecture=UNetConfig(depth=2, base_channels=4))
    save_model(new_model(small.spec()), tmp_path / "mine")
    monkeypatch.setattr(few, "RECIPES", {"cells": small})
    args = Namespace(data=tmp_path, objects=6, steps=1, pictures=1)
    start = str(tmp_path / "mine") if trained else few.RANDOM
    line = few.run("disks", start, 3, args)
    assert line["kind"] == "disks"
    assert line["start"] == ("mine" if trained else few.RANDOM)
    assert {"before", "after", "before, mSA", "after, mSA"} <= line.keys()
    *_, row, mean = few.table([line, line | {"seed": 4, "after": 1.0}])
    assert row.startswith("| disks | 2 | ")
    assert mean.startswith("| mean of kinds ")
