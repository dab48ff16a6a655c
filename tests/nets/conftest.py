"""Every registered architecture, small enough for tests."""

from __future__ import annotations

import copy
import functools
import importlib.util
from collections.abc import Callable

import pytest
import torch

from napari_unet.models.architecture import ArchitectureConfig
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.architectures.backbone import BackboneConfig
from napari_unet.models.architectures.original import OriginalConfig
from napari_unet.nets.build import build_network
from napari_unet.nets.network import Network

IN_CHANNELS, OUT_CHANNELS = 2, 3


def small_config(name: str) -> ArchitectureConfig:
    config = ARCHITECTURES[name]
    if isinstance(config, OriginalConfig):
        return config.model_copy(update={"blocks": 3, "base_channels": 4})
    if isinstance(config, BackboneConfig):
        return config.model_copy(update={"decoder_channels": (16, 12, 8, 8, 4)})
    return config.model_copy(update={"depth": 2, "base_channels": 4})


def needs_timm() -> None:
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm, which backbones are taken from, is not installed")


@functools.cache
def _built(name: str) -> Network:
    torch.manual_seed(0)
    return build_network(small_config(name), IN_CHANNELS, OUT_CHANNELS).eval()


@pytest.fixture(params=list(ARCHITECTURES))
def architecture(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if isinstance(ARCHITECTURES[name], BackboneConfig):
        needs_timm()
    return name


@pytest.fixture
def net(architecture: str) -> Network:
    """A private copy of a small network, in evaluation mode."""
    return copy.deepcopy(_built(architecture))


@pytest.fixture
def rebuild(architecture: str) -> Callable[[int], Network]:
    """Build the same architecture once more, for so many outputs, with a new seed."""

    def build(out_channels: int) -> Network:
        torch.manual_seed(1)
        return build_network(
            small_config(architecture), IN_CHANNELS, out_channels
        ).eval()

    return build
