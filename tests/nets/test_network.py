from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_unet.nets.network import MirrorPadded, centre_crop, same_size
from napari_unet.nets.original import OriginalUNet
from napari_unet.nets.unet import UNet


@pytest.mark.parametrize("extent", [1, 2, 3, 7, 30])
@torch.no_grad()
def test_borders_are_mirrored_as_often_as_it_takes(extent: int) -> None:
    net = OriginalUNet(blocks=3, base_channels=2).eval()
    image = torch.randn(1, 1, extent, 9)
    rows, columns = net.input_size(extent), net.input_size(9)
    margins = [
        (net.margin, rows - extent - net.margin),
        (net.margin, columns - 9 - net.margin),
    ]
    padded = np.pad(image.numpy(), [(0, 0), (0, 0), *margins], mode="reflect")
    expected = net(torch.from_numpy(padded))[..., :extent, :9]
    assert torch.equal(MirrorPadded(net)(image), expected)


def test_only_networks_with_a_margin_are_wrapped() -> None:
    plain = UNet(depth=1, base_channels=2)
    assert same_size(plain) is plain
    wrapped = same_size(OriginalUNet(base_channels=2))
    assert (wrapped.margin, wrapped.stride, wrapped.input_size(17)) == (0, 16, 32)


def test_the_wrapped_head_can_be_replaced() -> None:
    inner = OriginalUNet(blocks=2, base_channels=2)
    net = MirrorPadded(inner)
    net.replace_head(4)
    assert net.head is inner.head
    assert net(torch.zeros(1, 1, 8, 8)).shape == (1, 4, 8, 8)
    assert net.out_channels == inner.out_channels == 4


def test_a_head_keeps_type_and_precision() -> None:
    net = UNet(depth=1, base_channels=4, dims=3).double()
    net.replace_head(2)
    assert isinstance(net.head, nn.Conv3d)
    assert net.head.weight.dtype == torch.float64


def test_the_crop_is_centred() -> None:
    image = torch.arange(7 * 6).reshape(1, 7, 6)
    cropped = centre_crop(image, (3, 4))
    assert torch.equal(cropped, image[:, 2:5, 1:5])
