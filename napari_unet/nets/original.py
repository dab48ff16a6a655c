"""The U-Net exactly as published: Ronneberger, Fischer and Brox, MICCAI 2015.

::

    image ─ block ──────────── copy and crop ────────────┐ block ─ 1x1 ─ maps
              └ pool ─ block ── copy and crop ──┐ block ─ up-convolution
                         └ pool ─ block ─ up-convolution
            contracting path                      expansive path
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from napari_unet.errors import InputError
from napari_unet.nets.blocks import initialize
from napari_unet.nets.network import Network, centre_crop
from napari_unet.nets.unpadded import UnpaddedSizes


class ConvolutionalBlock(nn.Sequential):
    """Two unpadded 3x3 convolutions, each followed by a rectifier (ReLU).

    Shape: (N, `in_channels`, Y, X) to (N, `out_channels`, Y - 4, X - 4).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3),
            nn.ReLU(inplace=True),
        )


class UpConvolution(nn.ConvTranspose2d):
    """2x2 up-convolution that doubles the size and halves the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels // 2, kernel_size=2, stride=2)


class ContractingPath(nn.Module):
    """Blocks with doubling channels, 2x2 max pooling with stride 2 between them.

    Dropout at its end, after the last two blocks, as in the network that the authors
    published beside the paper.
    """

    def __init__(self, in_channels: int, widths: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            ConvolutionalBlock(narrow, wide)
            for narrow, wide in pairwise((in_channels, *widths))
        )
        self.max_pooling = nn.MaxPool2d(kernel_size=2, stride=2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of every block, the finest first."""
        features: list[Tensor] = []
        for block in self.blocks:
            if features:
                x = self.max_pooling(features[-1])
            x = block(x)
            if len(features) >= len(self.blocks) - 2:
                x = self.dropout(x)
            features.append(x)
        return features


def copy_and_crop(skip: Tensor, upsampled: Tensor) -> Tensor:
    """Crop the skip to the middle that matches, and put it before the upsampled."""
    return torch.cat([centre_crop(skip, upsampled.shape[2:]), upsampled], dim=1)


class ExpansivePath(nn.Module):
    """Up-convolution, copy and crop, convolutional block; once for every skip."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        wide = list(reversed(widths))
        self.up_convolutions = nn.ModuleList(UpConvolution(w) for w in wide[:-1])
        self.blocks = nn.ModuleList(
            ConvolutionalBlock(w, narrow) for w, narrow in pairwise(wide)
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Join the features of the contracting path, from coarse to fine."""
        *skips, x = features
        steps = zip(self.up_convolutions, self.blocks, reversed(skips), strict=True)
        for up_convolution, block, skip in steps:
            x = block(copy_and_crop(skip, up_convolution(x)))
        return x


class OriginalUNet(Network):
    """U-Net of Ronneberger, Fischer and Brox (2015).

    With the defaults 23 convolutional layers and 31,030,658 parameters; 572 x 572 px
    in, 388 x 388 px out. To predict images of any size wrap it in
    `napari_unet.nets.network.MirrorPadded`.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    classes : int
        Maps to predict.
    blocks : int
        Blocks of the contracting path, the last one included, which gives no skip.
    base_channels : int
        Channels of the first block; they double from block to block.
    dropout : float
        Share of features set to 0 at the end of the contracting path, in training.

    Raises
    ------
    InputError
        If an option is out of range; by `forward`, if the image has a size that does
        not fit.

    Examples
    --------
    >>> net = OriginalUNet(in_channels=1, classes=2, base_channels=2)
    >>> net(torch.zeros(1, 1, 188, 204)).shape
    torch.Size([1, 2, 4, 20])
    """

    def __init__(
        self,
        in_channels: int = 1,
        classes: int = 2,
        blocks: int = 5,
        base_channels: int = 64,
        dropout: float = 0.0,
    ) -> None:
        _check_options(blocks, base_channels, dropout)
        sizes = UnpaddedSizes(blocks)
        super().__init__(
            in_channels,
            classes,
            stride=sizes.stride,
            # Where a pixel lies in the grid of pooled pixels shifts what it sees.
            receptive_radius=sizes.margin + sizes.stride - 1,
            exact_tiling=True,
            margin=sizes.margin,
        )
        self.sizes = sizes
        widths = [base_channels * 2**block for block in range(blocks)]
        self.contracting_path = ContractingPath(in_channels, widths, dropout)
        self.expansive_path = ExpansivePath(widths)
        self.head = nn.Conv2d(base_channels, classes, kernel_size=1)
        initialize(self, "relu")

    def input_size(self, wanted: int) -> int:
        """Return the smallest valid extent whose output is at least `wanted`."""
        return self.sizes.holding(wanted)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, Y, X) to (N, classes, Y - 2 margin, X - 2 margin)."""
        if not all(self.sizes.fits(extent) for extent in x.shape[2:]):
            raise InputError(self.sizes.misfit(tuple(x.shape[2:])))
        maps: Tensor = self.head(self.expansive_path(self.contracting_path(x)))
        return maps


def _check_options(blocks: int, base_channels: int, dropout: float) -> None:
    if blocks < 1 or base_channels < 1:
        raise InputError(
            f"The original U-Net needs at least 1 block and 1 channel, found {blocks} "
            f"and {base_channels}; the paper has 5 and 64."
        )
    if not 0 <= dropout < 1:
        raise InputError(
            f"Dropout is a share from 0 to below 1, found {dropout}; 0.5 is usual."
        )
