"""A U-Net on folded images: fewer and wider pixels, and maps as fine as the image."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from napari_unet.nets.network import Network
from napari_unet.nets.unet import UNet


class SubpixelUNet(UNet):
    """A `UNet` whose pixels are squares of pixels of the image.

    ::

        image ── fold ── U-Net at 1/f ── 1x1 convolution to f x f maps each ── unfold

    What a square of `factor` x `factor` pixels holds becomes channels of one pixel, and
    so do the maps of that square. So the finest and dearest level of a U-Net is saved,
    and no pixel is lost: unfolding is the sub-pixel convolution of Shi et al. (2016),
    "Real-time single image and video super-resolution". The head begins with equal
    weights for all pixels of a square, so that no checkerboard has to be unlearned
    (Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution").

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the image, and maps to predict.
    factor : int
        Side of a square, in pixels.
    **options
        Those of `UNet`. Volumes are folded plane by plane: voxels are mostly longer
        along Z, so folding brings them nearer to cubes.

    Examples
    --------
    >>> net = SubpixelUNet(in_channels=1, out_channels=3, depth=1, base_channels=4)
    >>> net(torch.zeros(1, 1, 32, 48)).shape
    torch.Size([1, 3, 32, 48])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 3,
        *,
        factor: int = 2,
        **options: Any,
    ) -> None:
        super().__init__(in_channels * factor**2, out_channels * factor**2, **options)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride *= factor
        self.receptive_radius = factor * self.receptive_radius + factor - 1
        self.factor = factor
        self._smooth_head()

    def replace_head(self, out_channels: int) -> None:
        """Put a fresh head in the place of the old one; keep everything else."""
        super().replace_head(out_channels * self.factor**2)
        self.out_channels = out_channels
        self._smooth_head()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, [Z,] Y, X) to (N, out_channels, [Z,] Y, X)."""
        return self._unfold(super().forward(self._fold(x)))

    def iter_forward(self, x: Tensor) -> Generator[float, None, Tensor]:
        """Do as `forward`, one strip of one block after the other."""
        if not self.in_strips:
            return (yield from Network.iter_forward(self, x))
        return self._unfold((yield from super().iter_forward(self._fold(x))))

    def _fold(self, x: Tensor) -> Tensor:
        """Make channels of the squares of every plane."""
        return self._plane_by_plane(pixel_unshuffle, x)

    def _unfold(self, x: Tensor) -> Tensor:
        """Make squares of channels, in every plane."""
        return self._plane_by_plane(pixel_shuffle, x)

    def _plane_by_plane(self, do: Callable[[Tensor, int], Tensor], x: Tensor) -> Tensor:
        if self.dims == 2:
            return do(x, self.factor)
        # As a batch of planes: other programs know these steps for planes alone.
        planes = do(x.transpose(1, 2).flatten(0, 1), self.factor)
        volumes = planes.reshape(x.shape[0], x.shape[2], *planes.shape[1:])
        return volumes.transpose(1, 2)

    def _smooth_head(self) -> None:
        """Give all pixels of a square the weights of the first."""
        with torch.no_grad():
            for parameter in self.head.parameters():
                of_first = parameter[:: self.factor**2].clone()
                parameter.copy_(of_first.repeat_interleave(self.factor**2, dim=0))
