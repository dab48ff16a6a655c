"""Parts that the networks are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from napari_unet.models.architecture import Activation, Norm, Upsampling

Convolution = nn.Conv2d | nn.Conv3d
Weighted = nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d

CONV = MappingProxyType({2: nn.Conv2d, 3: nn.Conv3d})
POOL = MappingProxyType({2: nn.MaxPool2d, 3: nn.MaxPool3d})
_TRANSPOSED = MappingProxyType({2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d})
_BATCH_NORM = MappingProxyType({2: nn.BatchNorm2d, 3: nn.BatchNorm3d})

_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(0.01, inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
    "silu": lambda: nn.SiLU(inplace=True),
    "tanh": nn.Tanh,
}


@dataclass(frozen=True, slots=True)
class Style:
    """What all blocks of a network have in common; the options of `UNet`."""

    norm: Norm = "batch"
    activation: Activation = "relu"
    upsampling: Upsampling = "transpose"
    residual: bool = False
    attention: bool = False
    dims: int = 2


def make_norm(channels: int, style: Style) -> nn.Module:
    """Return a normalisation layer; groups hold about eight channels each."""
    if style.norm == "batch":
        return _BATCH_NORM[style.dims](channels)
    if style.norm == "group":
        return nn.GroupNorm(math.gcd(channels, max(1, channels // 8)), channels)
    return nn.Identity()


class ConvBlock(nn.Sequential):
    """Twice: 3x3 convolution that keeps the size, normalisation, activation.

    Shape: (N, `in_channels`, Y, X) to (N, `out_channels`, Y, X); 3x3x3 and (Z, Y, X)
    where the style has 3 dimensions.
    """

    def __init__(self, in_channels: int, out_channels: int, style: Style) -> None:
        conv, bias = CONV[style.dims], style.norm == "none"
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [
                conv(channels, out_channels, 3, padding=1, bias=bias),
                make_norm(out_channels, style),
                _ACTIVATIONS[style.activation](),
            ]
        super().__init__(*layers)


class ResidualBlock(nn.Module):
    """A `ConvBlock` whose input is added before its last activation.

    Where the number of channels changes, a 1x1 convolution with normalisation
    projects the input (He et al. 2016, "Deep residual learning", option B).
    """

    def __init__(self, in_channels: int, out_channels: int, style: Style) -> None:
        super().__init__()
        self.convs = ConvBlock(in_channels, out_channels, style)
        self.activation = self.convs.pop(-1)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            conv, bias = CONV[style.dims], style.norm == "none"
            self.shortcut = nn.Sequential(
                conv(in_channels, out_channels, 1, bias=bias),
                make_norm(out_channels, style),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, Y, X) to (N, out_channels, Y, X)."""
        features: Tensor = self.activation(self.convs(x) + self.shortcut(x))
        return features


def make_block(
    in_channels: int, out_channels: int, style: Style
) -> ConvBlock | ResidualBlock:
    """Return a block of two convolutions, residual or plain."""
    block = ResidualBlock if style.residual else ConvBlock
    return block(in_channels, out_channels, style)


def make_upsampling(in_channels: int, out_channels: int, style: Style) -> nn.Module:
    """Return what doubles the size.

    The up-convolution of Ronneberger et al. (2015), that is a transposed 2x2
    convolution; or linear interpolation with a 3x3 convolution after it, which leaves
    no checkerboard (Odena, Dumoulin and Olah 2016).
    """
    if style.upsampling == "transpose":
        return _TRANSPOSED[style.dims](in_channels, out_channels, 2, stride=2)
    conv = CONV[style.dims](in_channels, out_channels, 3, padding=1)
    return nn.Sequential(_interpolation(style.dims), conv)


def _interpolation(dims: int) -> nn.Module:
    mode = "bilinear" if dims == 2 else "trilinear"
    return nn.Upsample(scale_factor=2, mode=mode, align_corners=False)


class AttentionGate(nn.Module):
    """Additive attention gate on a skip connection (Oktay et al. 2018).

    ``skip * sigmoid(psi(relu(theta(skip) + phi(gating))))``: coarse features of the
    expansive path, the gating signal, decide pixel by pixel how much of the skip
    passes. The weights are computed at the coarse resolution and interpolated.

    Shape: skip (N, `skip_channels`, 2Y, 2X) and gating (N, `gating_channels`, Y, X)
    to (N, `skip_channels`, 2Y, 2X); with Z in front of Y where `dims` is 3.
    """

    def __init__(self, skip_channels: int, gating_channels: int, dims: int) -> None:
        super().__init__()
        between = max(1, skip_channels // 2)
        self.theta = CONV[dims](skip_channels, between, 2, stride=2, bias=False)
        self.phi = CONV[dims](gating_channels, between, 1)
        self.psi = CONV[dims](between, 1, 1)
        self.resize = _interpolation(dims)

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Weigh every pixel of the skip by a number between 0 and 1."""
        questions = torch.relu(self.theta(skip) + self.phi(gating))
        passed: Tensor = skip * self.resize(torch.sigmoid(self.psi(questions)))
        return passed


class UpBlock(nn.Module):
    """Upsampling, skip connection, convolutions.

    Shape: (N, `in_channels`, Y, X) and skip (N, `skip_channels`, 2Y, 2X) to
    (N, `out_channels`, 2Y, 2X). Without skip channels there is no skip.
    """

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, style: Style
    ) -> None:
        super().__init__()
        self.up = make_upsampling(in_channels, out_channels, style)
        self.convs = make_block(out_channels + skip_channels, out_channels, style)
        self.gate: AttentionGate | None = None
        if style.attention:
            self.gate = AttentionGate(skip_channels, in_channels, style.dims)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Join the upsampled features with the skip, skip first."""
        parts = [self.up(x)]
        if skip is not None:
            parts.insert(0, skip if self.gate is None else self.gate(skip, x))
        joined: Tensor = self.convs(torch.cat(parts, dim=1))
        return joined


def initialize(net: nn.Module, activation: Activation) -> None:
    """Initialise convolutions for the activation, in place.

    He's normal initialisation (He et al. 2015) for the rectifiers, Xavier's (Glorot
    and Bengio 2010) for saturating activations; biases start at 0. What counts is from
    how many numbers an output is computed, and how many an input takes part in: an
    up-convolution whose windows do not overlap computes every pixel from one.
    """
    for module in net.modules():
        if not isinstance(module, Weighted):
            continue
        inputs, outputs = _fans(module)
        if activation == "tanh":
            gain = nn.init.calculate_gain("tanh")
            spread = gain * math.sqrt(2 / (inputs + outputs))
        else:
            slope = 0.01 if activation == "leaky_relu" else 0.0
            spread = math.sqrt(2 / (1 + slope**2) / inputs)
        nn.init.normal_(module.weight, std=spread)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _fans(module: Weighted) -> tuple[int, int]:
    """Return from how many numbers an output comes, and into how many an input goes."""
    weight = module.weight
    window = math.prod(module.kernel_size)
    if isinstance(module, nn.ConvTranspose2d | nn.ConvTranspose3d):
        steps = math.prod(module.stride)
        return weight.shape[0] * window // steps, weight.shape[1] * window
    return weight.shape[1] * window, weight.shape[0] * window
