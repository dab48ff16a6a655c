"""The numbers of Ronneberger, Fischer and Brox (2015)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from napari_unet.errors import InputError
from napari_unet.nets.original import OriginalUNet, copy_and_crop
from napari_unet.nets.unpadded import UnpaddedSizes


@pytest.fixture(scope="module")
def paper() -> OriginalUNet:
    with torch.device("meta"):
        return OriginalUNet()


def _convolutions(net: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    return [module for module in net.modules() if isinstance(module, kinds)]


def test_it_has_23_convolutional_layers(paper: OriginalUNet) -> None:
    layers = _convolutions(paper)
    kernels = [layer.kernel_size[0] for layer in layers]
    assert len(layers) == 23
    assert [kernels.count(size) for size in (3, 2, 1)] == [18, 4, 1]
    assert not any(isinstance(m, nn.BatchNorm2d) for m in paper.modules())


@pytest.mark.parametrize(
    ("in_channels", "classes", "parameters"),
    [(1, 2, 31_030_658), (1, 1, 31_030_593), (3, 2, 31_031_810)],
)
def test_it_has_31_million_parameters(
    in_channels: int, classes: int, parameters: int
) -> None:
    with torch.device("meta"):
        net = OriginalUNet(in_channels, classes)
    assert sum(p.numel() for p in net.parameters()) == parameters


def test_572_px_give_388_px(paper: OriginalUNet) -> None:
    features = paper.contracting_path(torch.zeros(1, 1, 572, 572, device="meta"))
    sizes = [(f.shape[1], f.shape[2]) for f in features]
    assert sizes == [(64, 568), (128, 280), (256, 136), (512, 64), (1024, 28)]
    maps = paper(torch.zeros(1, 1, 572, 572, device="meta"))
    assert maps.shape == (1, 2, 388, 388)
    assert (paper.margin, paper.stride) == (92, 16)


def test_valid_sizes_are_188_plus_16_k() -> None:
    sizes = UnpaddedSizes(5)
    assert [n for n in range(400) if sizes.fits(n)] == list(range(188, 400, 16))
    assert [sizes.output(188 + 16 * k) for k in range(3)] == [4, 20, 36]
    assert sizes.holding(388) == 572
    assert sizes.holding(389) == 588


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_the_rule_for_any_number_of_blocks_is_what_convolutions_do(
    blocks: int,
) -> None:
    with torch.device("meta"):
        net = OriginalUNet(blocks=blocks, base_channels=1)
    for extent in range(1, 110):
        assert net.sizes.fits(extent) == _passes(net, extent)


def _passes(net: OriginalUNet, extent: int) -> bool:
    """Follow the extent through the layers; pooling must not meet an odd one."""
    skips = []
    for block in range(len(net.contracting_path.blocks)):
        if block:
            if extent % 2:
                return False
            extent //= 2
        extent -= 4
        skips.append(extent)
    for skip in reversed(skips[:-1]):
        extent = 2 * extent
        if extent > skip or (skip - extent) % 2:
            return False
        extent -= 4
    return extent > 0


def test_a_misfit_is_told_the_nearest_sizes() -> None:
    net = OriginalUNet(base_channels=1)
    with pytest.raises(InputError, match="556 or 572 px high and 188 px wide"):
        net(torch.zeros(1, 1, 570, 100))


@pytest.mark.parametrize(
    "options", [{"blocks": 0}, {"base_channels": 0}, {"dropout": 1.0}]
)
def test_impossible_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        OriginalUNet(**options)


def test_skips_are_cropped_and_come_first() -> None:
    skip = torch.arange(36.0).reshape(1, 1, 6, 6)
    joined = copy_and_crop(skip, torch.zeros(1, 1, 2, 2))
    assert torch.equal(joined[0, 0], skip[0, 0, 2:4, 2:4])
    assert not joined[0, 1].any()


def test_weights_have_the_standard_deviation_of_he() -> None:
    torch.manual_seed(0)
    net = OriginalUNet(blocks=3, base_channels=32)
    for layer in _convolutions(net)[1:-1]:
        inputs = layer.in_channels
        if isinstance(layer, nn.Conv2d):
            inputs *= 9
        expected = math.sqrt(2 / inputs)
        assert layer.weight.std().item() == pytest.approx(expected, rel=0.05)
        assert not layer.bias.any()


def test_dropout_acts_at_the_end_of_the_contracting_path_in_training() -> None:
    torch.manual_seed(0)
    net = OriginalUNet(blocks=4, base_channels=2, dropout=0.999)
    image = torch.rand(1, 1, 92, 92)
    dropped = [not f.any() for f in net.train().contracting_path(image)]
    assert dropped[:2] == [False, False]
    assert dropped[3]
    assert all(f.any() for f in net.eval().contracting_path(image))


@torch.no_grad()
def test_a_shift_by_16_px_shifts_the_maps_by_16_px() -> None:
    torch.manual_seed(0)
    net = OriginalUNet(base_channels=2).eval()
    image = torch.randn(1, 1, 220 + 16, 220 + 32)
    still = net(image[..., :220, :220])
    shifted = net(image[..., 16:, 32:])
    torch.testing.assert_close(
        still[..., 16:, 32:], shifted[..., :-16, :-32], rtol=0, atol=1e-5
    )
