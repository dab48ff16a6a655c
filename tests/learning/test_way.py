"""The way of a stroke to the weights of a network stays short enough to be read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

import napari_unet
from napari_unet.annotation.edits import AcceptView
from napari_unet.core.events import TrainStep
from napari_unet.geometry.box import Box
from napari_unet.learning.config import FitConfig
from napari_unet.learning.train import iter_fit
from napari_unet.session.finetune import TrainingSnapshot, snapshots_of
from tests.runners import InlineRunner
from tests.session.conftest import Stage, _no_user_folder  # noqa: F401
from tests.tiny import make_disks, make_model

PACKAGE = str(Path(napari_unet.__file__).parent)
# Regions, axes, channels, grey values, ids and loops: what any array needs.
BELOW = {"core", "geometry", "images", "errors.py"}
# A network is one stop, whatever its layers; which one it is, its model says.
AS_ONE = {"nets"}


def carries_pixels(value: Any, depth: int = 3) -> bool:
    """Whether a value is an image, labels or maps, or holds some."""
    if isinstance(value, np.ndarray | torch.Tensor):
        return value.ndim > 1
    if not depth:
        return False
    if is_dataclass(value):
        held = [getattr(value, field.name, None) for field in fields(value)]
    else:
        held = list(value) if isinstance(value, list | tuple) else []
    return any(carries_pixels(each, depth - 1) for each in held)


def stops_of(run: Callable[[], object]) -> list[str]:
    """Return the files that pixels pass while something runs, in their order."""
    found: dict[str, None] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event != "call" or not file.startswith(PACKAGE):
            return
        where = file.removeprefix(PACKAGE).lstrip(os.sep).replace(os.sep, "/")
        room = where.split("/")[0]
        stop = room if room in AS_ONE else where
        if room in BELOW or stop in found:
            return
        if any(carries_pixels(each) for each in frame.f_locals.values()):
            found[stop] = None

    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(None)
    return list(found)


def painted() -> list[TrainingSnapshot]:
    """Return what training gets when somebody has painted and accepted everything."""
    stage, disks = Stage.make(InlineRunner()), make_disks()
    stage.open(disks.image)
    for label in range(1, 9):
        stage.paint(disks.labels == label, label)
    stage.annotation.do(AcceptView(Box.whole(disks.labels.shape)))
    return snapshots_of(stage.session.images)


def test_a_stroke_passes_fifteen_files_on_its_way_to_weights() -> None:
    model, snapshots = make_model(), painted()
    config = FitConfig(steps=1, crop=32, batch_size=2, device="cpu")
    trained = []

    def train() -> None:
        samples = [each.as_sample() for each in snapshots]
        events = iter_fit(model, samples, config)
        trained.append(next(e for e in events if isinstance(e, TrainStep)))

    stops = stops_of(train)
    assert len(trained) == 1
    assert stops[0] == "session/finetune.py"
    assert "learning/train.py" in stops
    assert stops[-1] == "tasks/objectives/losses.py"
    assert len(stops) <= 15, stops
    assert sum(stop.startswith("learning/") for stop in stops) <= 5, stops
