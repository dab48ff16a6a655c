"""Gates that let a skip connection pass only where the coarser features call for it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AttentionGate(nn.Module):
    """Additive attention gate on a skip connection (Oktay et al. 2018).

    ``skip * sigmoid(psi(relu(theta(skip) + phi(gating))))``: coarse features of the
    expansive path, the gating signal, decide pixel by pixel how much of the skip
    passes. The weights are computed at the coarse resolution and interpolated.

    Shape: skip (N, `skip_channels`, 2Y, 2X) and gating (N, `gating_channels`, Y, X)
    to (N, `skip_channels`, 2Y, 2X); with Z in front of Y where `dims` is 3.
    """

    def __init__(self, skip_channels: int, gating_channels: int, dims: int = 2) -> None:
        super().__init__()
        conv = nn.Conv2d if dims == 2 else nn.Conv3d
        between = max(1, skip_channels // 2)
        self.theta = conv(skip_channels, between, 2, stride=2, bias=False)
        self.phi = conv(gating_channels, between, 1)
        self.psi = conv(between, 1, 1)
        self.resize = nn.Upsample(
            scale_factor=2,
            mode="bilinear" if dims == 2 else "trilinear",
            align_corners=False,
        )

    def forward(self, skip: Tensor, gating: Tensor) -> Tensor:
        """Weigh every pixel of the skip by a number between 0 and 1."""
        questions = torch.relu(self.theta(skip) + self.phi(gating))
        passed: Tensor = skip * self.resize(torch.sigmoid(self.psi(questions)))
        return passed
