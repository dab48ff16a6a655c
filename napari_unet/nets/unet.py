"""The U-Net with same-size convolutions."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from napari_unet.nets.blocks import (
    Activation,
    ConvBlock,
    Norm,
    UpBlock,
    initialize,
)


class UNet(nn.Module):
    """U-Net after Ronneberger, Fischer and Brox (2015), with padded convolutions.

    A contracting path of convolution blocks joined by 2x2 max pooling, an expansive
    path of up-convolutions, and skip connections between equal sizes. Channels
    double with every level. The output has the size of the input.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    out_channels : int
        Maps to predict, as logits or linear values.
    depth : int
        Number of poolings; the image's height and width must be multiples of
        ``2 ** depth`` (see `stride`).
    base_channels : int
        Channels of the first block.
    norm : {"batch", "group", "none"}
        Normalisation after every 3x3 convolution.
    activation : {"relu", "leaky_relu", "elu", "silu", "tanh"}
        Activation after every 3x3 convolution. It chooses the initialisation too:
        Xavier for tanh, He for the others.

    Examples
    --------
    >>> import torch
    >>> net = UNet(in_channels=2, out_channels=3, depth=2, base_channels=4)
    >>> net(torch.zeros(1, 2, 32, 48)).shape
    torch.Size([1, 3, 32, 48])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 3,
        *,
        depth: int = 4,
        base_channels: int = 16,
        norm: Norm = "batch",
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(depth + 1)]
        self.depth = depth
        self.exact_tiling = norm != "group"
        self.first = ConvBlock(in_channels, widths[0], norm, activation)
        self.down = nn.ModuleList(
            ConvBlock(narrow, wide, norm, activation)
            for narrow, wide in pairwise(widths)
        )
        self.up = nn.ModuleList(
            UpBlock(width, norm, activation) for width in reversed(widths[:-1])
        )
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(base_channels, out_channels, 1)
        initialize(self, activation)

    @property
    def stride(self) -> int:
        """Total stride: height and width of the input must be multiples of it."""
        return int(2**self.depth)

    @property
    def receptive_radius(self) -> int:
        """Pixels on every side that an output pixel can depend on.

        Two 3x3 convolutions add 2 px of their level on each side, in both paths, and
        a pooled pixel shares its fate with all the `stride` pixels beneath it.
        """
        contracting = sum(2 * 2**level for level in range(self.depth + 1))
        expansive = sum(2 * 2**level for level in range(self.depth))
        return int(contracting + expansive + self.stride - 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, Y, X) to (N, out_channels, Y, X)."""
        skips = [self.first(x)]
        for block in self.down:
            skips.append(block(self.pool(skips[-1])))
        x = skips.pop()
        for block in self.up:
            x = block(x, skips.pop())
        maps: Tensor = self.head(x)
        return maps
