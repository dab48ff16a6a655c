from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.learning.sampling import Plane, make_plane
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.objectives import Objective
from napari_unet.tasks.objectives.instances import InstancesObjective
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, new_model


def make_model(in_channels: int = 1, depth: int = 2, norm: str = "batch") -> Model:
    """Return a tiny model with reproducible random weights."""
    torch.manual_seed(0)
    architecture = UNetConfig(depth=depth, base_channels=4, norm=norm)
    spec = ModelSpec(name="tiny", in_channels=in_channels, architecture=architecture)
    model = new_model(spec)
    for module in model.net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


@pytest.fixture
def model() -> Model:
    return make_model()


def make_disks(size: int = 96, pitch: int = 24, radius: int = 7) -> Sample:
    """Return bright disks on a dark, noisy ground."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    inside = (y % pitch - pitch // 2) ** 2 + (x % pitch - pitch // 2) ** 2 <= radius**2
    ids = (y // pitch) * (size // pitch) + x // pitch + 1
    labels = np.where(inside, ids, 0).astype(np.int32)
    image = 100.0 * inside + rng.normal(20, 10, labels.shape)
    return Sample(image.astype(np.float32), labels)


@pytest.fixture
def disks() -> Sample:
    return make_disks()


def make_training_plane(
    image: np.ndarray,
    values: np.ndarray,
    verified: np.ndarray | None = None,
    objective: Objective | None = None,
) -> Plane:
    """Return a plane to draw crops from, of objects where nothing else is said."""
    objective = objective or InstancesObjective()
    if verified is None:
        verified = np.ones(image.shape[1:], bool)
    targets = objective.targets(values, verified)
    return make_plane(image, targets, objective.sampling_strata(values, verified))
