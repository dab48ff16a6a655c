"""The U-Net with same-size convolutions, in 2D and 3D, and its variants."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from itertools import pairwise

from torch import Tensor, nn

from napari_unet.models.architecture import Activation, Norm, Upsampling
from napari_unet.nets.blocks import CONV, POOL, Style, UpBlock, initialize, make_block
from napari_unet.nets.network import Network
from napari_unet.nets.strips import iter_part, iter_strips, strip_height


class UNet(Network):
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
        Number of poolings; the image's extents must be multiples of
        ``2 ** depth`` (see `stride`).
    base_channels : int
        Channels of the first block.
    norm : {"batch", "group", "none"}
        Normalisation after every 3x3 convolution.
    activation : {"relu", "leaky_relu", "elu", "silu", "tanh"}
        Activation after every 3x3 convolution. It chooses the initialisation too:
        Xavier for tanh, He for the others.
    upsampling : {"transpose", "interpolate"}
        Up-convolutions, or linear interpolation and a 3x3 convolution (Odena et al.
        2016).
    residual : bool
        Add the input of every block before its last activation (He et al. 2016).
    attention : bool
        Put an attention gate on every skip connection (Oktay et al. 2018).
    dims : {2, 3}
        Planes (Y, X), or volumes (Z, Y, X) with 3x3x3 convolutions as in the 3D U-Net
        (Çiçek et al. 2016).

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
        upsampling: Upsampling = "transpose",
        residual: bool = False,
        attention: bool = False,
        dims: int = 2,
    ) -> None:
        style = Style(norm, activation, upsampling, residual, attention, dims)
        super().__init__(
            in_channels,
            out_channels,
            dims=dims,
            stride=2**depth,
            receptive_radius=_receptive_radius(depth, style),
            exact_tiling=norm != "group",
        )
        self.depth = depth
        self._width = base_channels
        self._halo = _decoder_halo(style)
        widths = [base_channels * 2**level for level in range(depth + 1)]
        self.first = make_block(in_channels, widths[0], style)
        self.down = nn.ModuleList(
            make_block(narrow, wide, style) for narrow, wide in pairwise(widths)
        )
        self.up = nn.ModuleList(
            UpBlock(2 * width, width, width, style) for width in reversed(widths[:-1])
        )
        self.pool = POOL[dims](2)
        self.head = CONV[dims](base_channels, out_channels, 1)
        initialize(self, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, [Z,] Y, X) to (N, out_channels, [Z,] Y, X)."""
        skips = [self.first(x)]
        for block in self.down:
            skips.append(block(self.pool(skips[-1])))
        x = skips.pop()
        for block in self.up:
            x = block(x, skips.pop())
        maps: Tensor = self.head(x)
        return maps

    @property
    def in_strips(self) -> bool:
        """Whether every layer needs its surroundings only; groups need the whole."""
        return self.exact_tiling

    def iter_forward(self, x: Tensor) -> Generator[float, None, Tensor]:
        """Do as `forward`, one strip of one block after the other."""
        if not self.in_strips:
            return (yield from super().iter_forward(x))
        rows = x.shape[2]
        # Channels double where pixels are pooled, so rows are as long on all levels.
        height = strip_height(x[:, 0, 0].numel() * self._width)
        block = partial(self._iter_block, height)
        skips = [(yield from block(0, self.first, (x,), rows))]
        for level, down in enumerate(self.down, start=1):
            rows //= 2
            pooled = nn.Sequential(self.pool, down)
            skips.append((yield from block(level, pooled, (skips[-1],), rows)))
        x = skips.pop()
        for number, up in enumerate(self.up, start=1):
            rows *= 2
            # The last block's features are the largest: its strips end as maps.
            layer = self._end if number == self.depth else up
            parts = (x, skips.pop())
            x = yield from block(self.depth + number, layer, parts, rows)
        return x

    def _end(self, x: Tensor, skip: Tensor) -> Tensor:
        maps: Tensor = self.head(self.up[-1](x, skip))
        return maps

    def _iter_block(
        self,
        height: int,
        number: int,
        layer: Callable[..., Tensor],
        inputs: tuple[Tensor, ...],
        rows: int,
    ) -> Generator[float, None, Tensor]:
        """Compute a block strip by strip; progress is that of the network."""
        halo = 2 if number <= self.depth else self._halo
        steps = iter_strips(layer, inputs, rows, height=height, halo=halo)
        return iter_part(steps, number, 2 * self.depth + 1)


def _decoder_halo(style: Style) -> int:
    """Return the rows that a block of the expansive path needs on each side.

    Two for its convolutions; an interpolation reads one coarse row, that is two, and
    the convolution after it one more, rounded up to an even number.
    """
    if style.upsampling == "interpolate":
        return 6
    return 4 if style.attention else 2


def _receptive_radius(depth: int, style: Style) -> int:
    """Return the farthest pixel that any output pixel can depend on.

    It depends on where the pixel lies in the grid of pooled pixels.
    """
    return max(_reach(place, depth, style) for place in range(2**depth))


def _reach(place: int, depth: int, style: Style) -> int:
    """Follow one output pixel back to the image, as a span that grows.

    Two 3x3 convolutions add 2 px at their level; a linear interpolation reads one
    coarse pixel on each side; a pooled pixel stands for the two beneath it.
    """
    first = last = place
    interpolates = style.upsampling == "interpolate"
    widening = 3 if interpolates else 2
    blending = 1 if interpolates or style.attention else 0
    for _ in range(depth):
        first = (first - widening - blending) // 2
        last = (last + widening + blending) // 2
    first, last = first - 2, last + 2
    for _ in range(depth):
        first, last = 2 * first - 2, 2 * last + 1 + 2
    return max(place - first, last - place)
