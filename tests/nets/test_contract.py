"""What the rest of the program may expect of every registered architecture."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import safetensors.torch
import torch
from pydantic import TypeAdapter

from napari_unet.geometry.tiling import padded_shape, plan_tiles
from napari_unet.models.architectures import ARCHITECTURES, Architecture
from napari_unet.nets.network import Network, same_size
from tests.nets.conftest import IN_CHANNELS, OUT_CHANNELS
from tests.nets.reach import measured_reach


def _image(net: Network, wanted: tuple[int, ...], batch: int = 1) -> torch.Tensor:
    shape = [net.input_size(extent) for extent in wanted[: net.dims]]
    generator = torch.Generator().manual_seed(2)
    return torch.randn(batch, net.in_channels, *shape, generator=generator)


@torch.no_grad()
def test_the_output_is_smaller_by_the_margin_alone(net: Network) -> None:
    image = _image(net, (40, 64, 48))
    expected = [extent - 2 * net.margin for extent in image.shape[2:]]
    assert net(image).shape == (1, OUT_CHANNELS, *expected)
    assert (net.in_channels, net.out_channels) == (IN_CHANNELS, OUT_CHANNELS)


def test_input_sizes_are_the_smallest_that_suffice(net: Network) -> None:
    for wanted in (1, 7, net.stride, net.stride + 1, 100):
        size = net.input_size(wanted)
        assert size - 2 * net.margin >= wanted
        assert size - net.stride - 2 * net.margin < wanted
        assert net.input_size(size - 2 * net.margin) == size


@torch.no_grad()
@pytest.mark.parametrize("shape", [(37, 51, 33), (1, 5, 3)])
def test_odd_sizes_come_back_after_padding(
    net: Network, shape: tuple[int, ...]
) -> None:
    net = same_size(net)
    shape = shape[: net.dims]
    image = torch.randn(1, IN_CHANNELS, *padded_shape(shape, net.stride))
    maps = net(image)[(..., *(slice(extent) for extent in shape))]
    assert maps.shape == (1, OUT_CHANNELS, *shape)
    assert torch.isfinite(maps).all()


def test_every_parameter_gets_a_finite_gradient(net: Network) -> None:
    net.train()(_image(net, (64,) * net.dims, batch=2)).square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@torch.no_grad()
def test_weights_come_back_bit_for_bit(
    net: Network, rebuild: Callable[[int], Network]
) -> None:
    state = {k: v.contiguous() for k, v in net.state_dict().items()}
    other = rebuild(OUT_CHANNELS)
    other.load_state_dict(safetensors.torch.load(safetensors.torch.save(state)))
    for name, value in other.state_dict().items():
        assert torch.equal(value, state[name]), name
    image = _image(net, (32,) * net.dims)
    assert torch.equal(net(image), other(image))


@torch.no_grad()
def test_evaluation_is_deterministic(net: Network) -> None:
    image = _image(net, (32,) * net.dims)
    assert torch.equal(net(image), net(image))


def test_the_declared_reach_covers_the_true_one(net: Network) -> None:
    if not net.exact_tiling:
        assert net.receptive_radius % net.stride == 0
        return
    assert measured_reach(net, noise=1.0) <= net.receptive_radius


@torch.no_grad()
def test_tiles_give_what_the_whole_gives(net: Network) -> None:
    if not net.exact_tiling:
        pytest.skip("declares that tiles give nearly the same")
    net = same_size(net)
    shape = (160, 110) if net.dims == 2 else (160, 16, 16)
    image = torch.randn(IN_CHANNELS, *padded_shape(shape, net.stride))
    whole = net(image[None])[0]
    # Maps of a network without training may be large; rounding is relative.
    tolerance = 1e-5 * max(1.0, whole.abs().max().item())
    tiles = plan_tiles(shape, window=1, halo=net.receptive_radius, stride=net.stride)
    assert len(tiles) > 4
    for tile in tiles:
        found = net(image[:, *tile.window.slices][None])[0]
        found = found[:, *tile.core.relative_to(tile.window).slices]
        expected = whole[:, *tile.core.slices]
        torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)


@torch.no_grad()
def test_a_new_head_leaves_the_rest(
    net: Network, rebuild: Callable[[int], Network]
) -> None:
    old = copy.deepcopy(net)
    net.replace_head(5)
    image = _image(net, (32,) * net.dims)
    assert (net.out_channels, net(image).shape[1]) == (5, 5)
    before, after = old.state_dict(), net.state_dict()
    assert before.keys() == after.keys()
    for name, value in before.items():
        if not name.startswith("head."):
            assert torch.equal(after[name], value), name
    rebuild(5).load_state_dict(after)


def test_options_survive_json(architecture: str) -> None:
    adapter: TypeAdapter[Architecture] = TypeAdapter(Architecture)
    config = ARCHITECTURES[architecture]
    assert adapter.validate_json(adapter.dump_json(config)) == config
    assert config.dims == (3 if architecture.endswith("_3d") else 2)
