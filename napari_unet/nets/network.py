"""What every network tells the rest of the program about itself."""

from __future__ import annotations

import abc
import math
from collections.abc import Generator, Sequence

import torch
from torch import Tensor, nn

from napari_unet.nets.blocks import Convolution, initialize


class Network(nn.Module, abc.ABC):
    """A fully convolutional network with a 1x1 convolution, `head`, at its end.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    out_channels : int
        Maps that are predicted, as logits or linear values.
    dims : {2, 3}
        Spatial axes: (Y, X) or (Z, Y, X).
    stride : int
        Total stride, the same along all axes: windows that begin at multiples of it
        see the same grid of pooled pixels.
    receptive_radius : int
        Pixels on every side that an output pixel can depend on; where `exact_tiling`
        is False, the context that tiles are to have all the same.
    exact_tiling : bool
        Whether tiles with that context give what the whole image gives.
    margin : int
        Pixels that the output is smaller than the input, on every side. 0 for
        networks that keep the size; their input is a multiple of `stride`.
    """

    head: nn.Module

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dims: int = 2,
        stride: int,
        receptive_radius: int,
        exact_tiling: bool,
        margin: int = 0,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.dims = dims
        self.stride = stride
        self.receptive_radius = receptive_radius
        self.exact_tiling = exact_tiling
        self.margin = margin

    @abc.abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, [Z,] Y, X) to (N, out_channels, [Z,] Y, X)."""

    @property
    def in_strips(self) -> bool:
        """Whether `iter_forward` goes strip by strip."""
        return False

    def iter_forward(self, x: Tensor) -> Generator[float, None, Tensor]:
        """Compute what `forward` does in steps, where the network can.

        Yields the share that is done. The modes of torch (inference, autocast) are
        those in which the generator is resumed.
        """
        yield from ()
        maps: Tensor = self(x)
        return maps

    def input_size(self, wanted: int) -> int:
        """Return the smallest valid input extent with an output of at least `wanted`.

        Both in pixels, along any axis.
        """
        return max(1, math.ceil(wanted / self.stride)) * self.stride

    def replace_head(self, out_channels: int) -> None:
        """Put a fresh head in the place of the old one; keep everything else."""
        old = self.head
        if not isinstance(old, Convolution):
            raise TypeError(f"the head is a {type(old).__name__}, not a convolution")
        head = type(old)(old.in_channels, out_channels, 1)
        initialize(head, "relu")
        self.head = head.to(old.weight)
        self.out_channels = out_channels


class MirrorPadded(Network):
    """A network with a margin, fed with mirrored borders so that it keeps the size.

    The overlap-tile strategy of Ronneberger, Fischer and Brox (2015): where context
    is missing, the image goes on as its mirror image. Every axis gets `margin` pixels
    at its start, and at its end as many more as a valid size needs. What lies before
    the first pixel never varies, so windows that begin at multiples of `stride` agree.

    Parameters
    ----------
    net : Network
        Shared, not copied.
    """

    def __init__(self, net: Network) -> None:
        super().__init__(
            net.in_channels,
            net.out_channels,
            dims=net.dims,
            stride=net.stride,
            receptive_radius=net.receptive_radius,
            exact_tiling=net.exact_tiling,
        )
        self.net = net
        self._padding = net.margin

    @property
    def head(self) -> nn.Module:  # type: ignore[override]
        """Head of the network inside."""
        return self.net.head

    def replace_head(self, out_channels: int) -> None:
        """Replace the head of the network inside."""
        self.net.replace_head(out_channels)
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, Y, X) of any size to (N, out_channels, Y, X)."""
        shape = x.shape[2:]
        for axis, extent in enumerate(shape, start=2):
            stop = self.net.input_size(extent) - self._padding
            places = torch.arange(-self._padding, stop, device=x.device)
            x = x.index_select(axis, _mirrored(places, extent))
        maps: Tensor = self.net(x)
        for axis, extent in enumerate(shape, start=2):
            maps = maps.narrow(axis, 0, extent)
        return maps


def same_size(net: Network) -> Network:
    """Return the network itself, or wrapped so that its output has the input's size."""
    return MirrorPadded(net) if net.margin else net


def centre_crop(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the middle of the last axes, a view whose extents there are `shape`.

    Where the difference is odd, one pixel more is cut at the end.
    """
    for axis, extent in enumerate(shape, start=x.ndim - len(shape)):
        x = x.narrow(axis, (x.shape[axis] - extent) // 2, extent)
    return x


def _mirrored(places: Tensor, extent: int) -> Tensor:
    """Bring places outside of 0 ... extent - 1 inside, mirrored at border pixels.

    As often as it takes: an image may be smaller than what it is padded with.
    """
    period = max(1, 2 * (extent - 1))
    places = places.remainder(period)
    return torch.minimum(places, period - places)
