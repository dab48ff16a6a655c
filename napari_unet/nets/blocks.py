"""Parts that the networks are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Norm: TypeAlias = Literal["batch", "group", "none"]
Activation: TypeAlias = Literal["relu", "leaky_relu", "elu", "silu", "tanh"]

_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(0.01, inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
    "silu": lambda: nn.SiLU(inplace=True),
    "tanh": nn.Tanh,
}


def make_norm(norm: Norm, channels: int) -> nn.Module:
    """Return a normalisation layer; groups hold about eight channels each."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "group":
        return nn.GroupNorm(math.gcd(channels, max(1, channels // 8)), channels)
    return nn.Identity()


class ConvBlock(nn.Sequential):
    """Twice: 3x3 convolution that keeps the size, normalisation, activation.

    Shape: (N, `in_channels`, Y, X) to (N, `out_channels`, Y, X).
    """

    def __init__(
        self, in_channels: int, out_channels: int, norm: Norm, activation: Activation
    ) -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [
                nn.Conv2d(channels, out_channels, 3, padding=1, bias=norm == "none"),
                make_norm(norm, out_channels),
                _ACTIVATIONS[activation](),
            ]
        super().__init__(*layers)


class UpBlock(nn.Module):
    """Up-convolution that halves the channels, skip connection, convolutions.

    Shape: (N, 2c, Y, X) and skip (N, c, 2Y, 2X) to (N, c, 2Y, 2X).
    """

    def __init__(self, channels: int, norm: Norm, activation: Activation) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * channels, channels, 2, stride=2)
        self.convs = ConvBlock(2 * channels, channels, norm, activation)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Join the upsampled features with the skip, skip first."""
        joined: Tensor = self.convs(torch.cat([skip, self.up(x)], dim=1))
        return joined


def initialize(net: nn.Module, activation: Activation) -> None:
    """Initialise convolutions for the activation, in place.

    He's normal initialisation (He et al. 2015) for the rectifiers, Xavier's (Glorot
    and Bengio 2010) for saturating activations; biases start at 0.
    """
    for module in net.modules():
        if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            continue
        if activation == "tanh":
            nn.init.xavier_normal_(module.weight, nn.init.calculate_gain("tanh"))
        else:
            slope = 0.01 if activation == "leaky_relu" else 0.0
            nn.init.kaiming_normal_(module.weight, a=slope)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
