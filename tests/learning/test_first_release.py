"""A checkpoint that the first release wrote can be gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch

from napari_unet.core.events import Notice, TrainStep
from napari_unet.core.jobs import drain
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.learning.checkpoint import read_best_model
from napari_unet.learning.config import Checkpointing, FitConfig
from napari_unet.learning.train import iter_fit
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model

WRITTEN = Path(__file__).with_name("first_release.safetensors")
CONFIG = FitConfig(
    steps=3,
    crop=32,
    batch_size=2,
    validate_every=2,
    learning_rate=1e-3,
    device="cpu",
)


def start() -> Model:
    """Return a model whose weights no library draws."""
    architecture = UNetConfig(depth=1, base_channels=2)
    decoding = DistancesDecoding()
    spec = ModelSpec(name="tiny", architecture=architecture, decoding=decoding)
    model = new_model(spec)
    with torch.no_grad():
        for name, value in model.net.state_dict().items():
            if value.is_floating_point():
                steps = torch.arange(value.numel()) % 7 - 3
                shift = 1.0 if "var" in name else 0.0
                value.copy_((steps / 16 + shift).reshape(value.shape))
    return model


def squares() -> Sample:
    y, x = np.mgrid[:64, :64]
    inside = (y % 16 < 9) & (x % 16 < 9)
    labels = np.where(inside, y // 16 * 4 + x // 16 + 1, 0).astype(np.int32)
    return Sample((100 * inside + y + x).astype(np.float32), labels)


def test_a_checkpoint_of_the_first_release_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / WRITTEN.name
    shutil.copyfile(WRITTEN, path)
    assert read_best_model(path).spec.name == "tiny"
    seen: list[object] = []
    checkpoint = Checkpointing(path, resume="always")
    steps = iter_fit(start(), [squares()], CONFIG, checkpoint=checkpoint)
    result = drain(steps, seen.append)
    told = [event.message for event in seen if isinstance(event, Notice)]
    assert told == ["The training goes on after step 2."]
    assert [event.step for event in seen if isinstance(event, TrainStep)] == [3]
    assert result.steps == 3
