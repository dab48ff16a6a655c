"""The command line in this process, a tiny model, an image; long fuzzing on request."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.folder import save_model
from napari_unet.weights.model import new_model
from tests.cli.conftest import run

_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_LONG = os.environ.get("NAPARI_UNET_TORTURE") == "1"

FUZZ = settings(
    deadline=None, max_examples=3000 if _LONG else 60, suppress_health_check=_CHECKS
)
"""How much is tried of what no list can hold."""


__all__ = ["run"]


@pytest.fixture(scope="session")
def good_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model; not to be changed."""
    torch.manual_seed(2)
    network = UNetConfig(depth=1, base_channels=2)
    folder = tmp_path_factory.mktemp("models") / "good"
    save_model(new_model(ModelSpec(name="good", architecture=network)), folder)
    return folder


@pytest.fixture
def make_model(good_model: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copy the tiny model to a folder of the test, to be spoilt."""
    return lambda name: Path(shutil.copytree(good_model, tmp_path / name))
