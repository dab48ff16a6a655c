"""Measure what an output pixel depends on."""

from __future__ import annotations

import torch

from napari_unet.nets.network import Network, same_size


def measured_reach(net: Network, noise: float = 0.0) -> int:
    """Return the farthest pixel with a gradient, over all places in the pooled grid.

    The other axes are as short as the network allows.
    """
    net = same_size(net.double())
    half = (net.receptive_radius // net.stride + 2) * net.stride
    shape = [2 * half] + [net.stride * 2] * (net.dims - 1)
    generator = torch.Generator().manual_seed(0)
    reach = 0
    for at in range(half, half + net.stride):
        image = noise * torch.randn(
            1, net.in_channels, *shape, dtype=torch.double, generator=generator
        )
        image.requires_grad_()
        net(image)[0, :, at].sum().backward()
        assert image.grad is not None
        seen = image.grad[0].abs().movedim(1, 0).flatten(1).sum(1).nonzero()
        reach = max(reach, at - int(seen.min()), int(seen.max()) - at)
    return reach
