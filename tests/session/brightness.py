"""A model that calls bright pixels objects, made by hand: small, quick, predictable."""

from __future__ import annotations

import numpy as np
import torch

from napari_unet.core.normalize import PercentileNormalization
from napari_unet.engine.model import Model, new_model
from napari_unet.nets.spec import ModelSpec, UNetConfig


def brightness_model(threshold: float = 0.5, name: str = "bright") -> Model:
    """Return a model that finds what is brighter than a share of the brightest."""
    architecture = UNetConfig(depth=2, base_channels=4, norm="none")
    spec = ModelSpec(
        name=name,
        architecture=architecture,
        normalization=PercentileNormalization(low=0, high=100),
    )
    torch.manual_seed(0)
    model = new_model(spec)
    net = model.net
    last = net.up[-1].convs
    with torch.no_grad():
        for conv in (net.first[0], net.first[3], last[0], last[3]):
            conv.weight[0] = 0
            conv.weight[0, 0, 1, 1] = 1
            conv.bias[0] = 0
        net.head.weight[:] *= 0.01
        net.head.weight[:, 0] = 20
        net.head.bias[:] = -20 * threshold
    return model


def disks(shape=(128, 160), pitch=32, radius=9, dim=()) -> np.ndarray:
    """Return bright disks on a dark ground; those counted in `dim` are much darker.

    Disks are counted from 1 in reading order.
    """
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = (y % pitch - pitch // 2) ** 2 + (x % pitch - pitch // 2) ** 2 <= radius**2
    number = (y // pitch) * (shape[1] // pitch) + x // pitch + 1
    height = np.where(np.isin(number, dim), 60, 200)
    noise = np.random.default_rng(0).integers(0, 8, shape)
    return (20 + inside * height + noise).astype(np.uint16)
