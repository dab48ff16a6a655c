from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.blocks import ConvBlock
from napari_unet.nets.build import build
from napari_unet.nets.unet import UNet
from tests.nets.reach import measured_reach


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("norm", ["batch", "group", "none"])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_output_has_the_size_of_the_input(
    depth: int, norm: str, in_channels: int
) -> None:
    net = UNet(in_channels, 2, depth=depth, base_channels=4, norm=norm).eval()
    assert net(torch.zeros(2, in_channels, 16, 24)).shape == (2, 2, 16, 24)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "silu", "tanh"])
def test_every_parameter_gets_a_finite_gradient(activation: str) -> None:
    torch.manual_seed(0)
    net = UNet(1, 3, depth=2, base_channels=4, activation=activation)
    net(torch.randn(2, 1, 16, 16)).square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_channels_double_on_the_way_down() -> None:
    net = UNet(1, 3, depth=4, base_channels=16)
    assert [block[0].out_channels for block in net.down] == [32, 64, 128, 256]
    assert sum(p.numel() for p in net.parameters()) == 1_942_323


@pytest.mark.parametrize(
    ("activation", "gain"), [("relu", math.sqrt(2)), ("tanh", 5 / 3)]
)
def test_initialisation_follows_the_activation(activation: str, gain: float) -> None:
    torch.manual_seed(0)
    net = UNet(1, 3, depth=2, base_channels=32, activation=activation)
    weight = net.down[1][3].weight
    # As many channels in as out, so that both initialisations divide by one number.
    fan = weight[0].numel()
    assert weight.std().item() == pytest.approx(gain / math.sqrt(fan), rel=0.05)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"upsampling": "interpolate"},
        {"residual": True},
        {"attention": True},
        {"attention": True, "upsampling": "interpolate"},
        {"dims": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_receptive_radius_covers_the_true_one_and_is_nearly_tight(
    depth: int, options: dict[str, Any]
) -> None:
    if options.get("dims") == 3 and depth > 2:
        pytest.skip("takes long, and only the kind of convolution differs")
    torch.manual_seed(0)
    net = UNet(
        1, 1, depth=depth, base_channels=2, norm="none", activation="elu", **options
    )
    reach = measured_reach(net, noise=1.0)
    assert reach <= net.receptive_radius
    assert net.receptive_radius - reach <= net.stride


def test_a_description_builds_the_same_network_after_a_round_trip() -> None:
    spec = ModelSpec(
        name="x",
        in_channels=2,
        architecture=UNetConfig(depth=2, base_channels=4, norm="group"),
    )
    again = ModelSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    net = build(again)
    assert (net.depth, net.exact_tiling) == (2, False)
    assert isinstance(net.first, ConvBlock)
    assert net.first[0].in_channels == 2


def test_up_convolutions_count_the_inputs_of_a_pixel() -> None:
    net = UNet(1, 2, depth=2, base_channels=64)
    for up in (net.up[0].up, net.up[1].up):
        he = math.sqrt(2 / up.in_channels)
        assert up.weight.std().item() == pytest.approx(he, rel=0.05)
