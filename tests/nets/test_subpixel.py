from __future__ import annotations

import torch

from napari_unet.core.jobs import drain
from napari_unet.nets.subpixel import SubpixelUNet

SMALL = {"depth": 2, "base_channels": 4}


@torch.no_grad()
def test_every_pixel_of_the_image_counts() -> None:
    net = SubpixelUNet(1, 2, **SMALL).eval()
    image = torch.randn(1, 1, 32, 32)
    maps = net(image)
    for y, x in [(12, 12), (12, 13), (13, 12), (13, 13)]:
        changed = image.clone()
        changed[..., y, x] += 1
        assert (net(changed) - maps).abs().max() > 1e-6


@torch.no_grad()
def test_a_fresh_head_draws_no_checkerboard() -> None:
    net = SubpixelUNet(1, 2, factor=4, **SMALL).eval()
    for count in (2, 5):
        squares = net(torch.randn(1, 1, 64, 48)).unfold(2, 4, 4).unfold(3, 4, 4)
        assert squares.shape[1] == count
        assert torch.equal(squares, squares[..., :1, :1].expand_as(squares))
        net.replace_head(5)
    assert squares.std() > 0
    assert net.out_channels == 5


def test_pixels_of_a_square_learn_apart() -> None:
    torch.manual_seed(0)
    net = SubpixelUNet(1, 1, depth=1, base_channels=16)
    image = torch.randn(2, 1, 32, 32)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    errors = []
    for _ in range(80):
        error = (net(image) - image).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    # A map that is equal in every square of white noise explains a quarter at most.
    assert errors[-1] < 0.5 < errors[0]


@torch.no_grad()
def test_strips_give_what_the_whole_gives(monkeypatch) -> None:
    monkeypatch.setattr("napari_unet.nets.strips._STRIP_VALUES", 1)
    for norm in ("batch", "group"):
        net = SubpixelUNet(2, 3, norm=norm, **SMALL).eval()
        image = torch.randn(1, 2, 160, 48)
        torch.testing.assert_close(
            drain(net.iter_forward(image)), net(image), rtol=0, atol=1e-5
        )
