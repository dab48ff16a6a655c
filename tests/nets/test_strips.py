"""Strip by strip a network computes what it computes at once."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from napari_unet.nets import strips
from napari_unet.nets.network import Network
from napari_unet.nets.strips import iter_part, iter_strips
from napari_unet.nets.unet import UNet


def run(steps: Generator[float, None, Tensor]) -> tuple[list[float], Tensor]:
    shares = []
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as finished:
            return shares, finished.value


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "_STRIP_VALUES", 1)


NETS = [
    {},
    {"norm": "none", "activation": "tanh"},
    {"residual": True},
    {"attention": True},
    {"upsampling": "interpolate"},
    {"upsampling": "interpolate", "attention": True},
    {"dims": 3, "depth": 2},
]


@torch.no_grad()
@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("options", NETS)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_strips_give_what_the_whole_gives(options, batch: int, order) -> None:
    torch.manual_seed(0)
    net = UNet(1, 3, **{"depth": 3, "base_channels": 4, **options}).eval()
    shape = (80, 16, 16) if net.dims == 3 else (168, 48)
    image = torch.randn(batch, 1, *shape)
    if net.dims == 2:
        image = image.to(memory_format=order)
    shares, found = run(net.iter_forward(image))
    expected = net(image)
    tolerance = 1e-5 * max(1.0, expected.abs().max().item())
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)
    assert len(shares) > 2 * net.depth
    assert shares == sorted(shares)
    assert shares[-1] == 1


@torch.no_grad()
@pytest.mark.usefixtures("narrow")
def test_a_halo_that_is_too_small_would_be_noticed(monkeypatch) -> None:
    torch.manual_seed(0)
    net = UNet(1, 3, depth=2, base_channels=4, upsampling="interpolate").eval()
    image = torch.randn(1, 1, 128, 32)
    monkeypatch.setattr(net, "_halo", 2)
    _, found = run(net.iter_forward(image))
    assert (found - net(image)).abs().max() > 1e-4


@torch.no_grad()
@pytest.mark.usefixtures("narrow")
def test_groups_need_the_whole() -> None:
    net = UNet(1, 3, depth=2, base_channels=8, norm="group").eval()
    image = torch.randn(1, 1, 128, 32)
    shares, found = run(net.iter_forward(image))
    assert not net.in_strips
    assert not shares
    assert torch.equal(found, net(image))


@torch.no_grad()
def test_other_networks_take_one_step() -> None:
    net = UNet(1, 3, depth=2, base_channels=4).eval()
    image = torch.randn(1, 1, 32, 32)
    shares, found = run(Network.iter_forward(net, image))
    assert not shares
    assert torch.equal(found, net(image))


@torch.no_grad()
@given(st.integers(1, 90), st.integers(1, 30))
def test_any_number_of_rows(rows: int, half: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, 3, padding=1)
    image = torch.randn(1, 2, rows, 7)
    _, found = run(iter_strips(layer, (image,), rows, height=2 * half, halo=2))
    torch.testing.assert_close(found, layer(image), rtol=0, atol=1e-5)


@given(st.integers(1, 2**30))
def test_a_strip_is_even_and_fits(values: int) -> None:
    height = strips.strip_height(values)
    assert height % 2 == 0
    assert height * values <= max(strips._STRIP_VALUES, 16 * values)


def test_parts_count_as_parts() -> None:
    def steps() -> Generator[float, None, str]:
        yield 0.5
        yield 1.0
        return "end"

    shares, result = run(iter_part(steps(), 1, 2))
    assert shares == [0.75, 1.0]
    assert result == "end"
