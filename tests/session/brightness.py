"""Models that see how bright pixels are, made by hand: small, quick, predictable."""

from __future__ import annotations

import numpy as np
import torch

from napari_unet.images.normalize import PercentileNormalization
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.outputs import PixelClass, Variable
from napari_unet.weights.model import Model, new_model

_COMMON = {
    "architecture": UNetConfig(depth=2, base_channels=4, norm="none"),
    "normalization": PercentileNormalization(low=0, high=100),
    "decoding": ReachDecoding(min_size=12),
}


def brightness_model(threshold: float = 0.5, name: str = "bright") -> Model:
    """Return a model that finds what is brighter than a share of the brightest."""
    model = _seeing_brightness(ModelSpec(name=name, **_COMMON))
    net = model.net
    with torch.no_grad():
        net.head.weight[:] *= 0.01
        net.head.weight[:, 0] = 20
        net.head.bias[:] = -20 * threshold
    return model


def classes_model(*more: str, dim: float = 0.2, name: str = "shades") -> Model:
    """Return a model that calls pixels dark, dim or bright; `more` it never finds."""
    names = ("dark", "dim", "bright", *more)
    classes = tuple(PixelClass(name=each) for each in names)
    spec = ModelSpec(name=name, task="classes", classes=classes, **_COMMON)
    model = _seeing_brightness(spec)
    with torch.no_grad():
        model.net.head.weight[:] = 0
        model.net.head.bias[:] = -100
        model.net.head.weight[:3, 0, 0, 0] = torch.tensor([0.0, 20.0, 40.0])
        model.net.head.bias[:3] = torch.tensor([0.0, -20 * dim, -20 * dim - 12])
    return model


def values_model(*names: str, name: str = "values") -> Model:
    """Return a model that says how bright pixels are: 10 in the dark, 20 at most.

    Every further variable is ten times as large as the one before.
    """
    variables = tuple(
        Variable(name=each, unit="nM", mean=10.0 * 10**i, scale=10.0 * 10**i)
        for i, each in enumerate(names or ("light",))
    )
    spec = ModelSpec(name=name, task="regression", variables=variables, **_COMMON)
    model = _seeing_brightness(spec)
    with torch.no_grad():
        model.net.head.weight[:] = 0
        model.net.head.bias[:] = 0
        model.net.head.weight[:, 0] = 1
    return model


def _seeing_brightness(spec: ModelSpec) -> Model:
    """Return a model whose first feature is the brightness, from 0 to 1."""
    torch.manual_seed(0)
    model = new_model(spec)
    net = model.net
    last = net.up[-1].convs
    with torch.no_grad():
        for conv in (net.first[0], net.first[3], last[0], last[3]):
            conv.weight[0] = 0
            conv.weight[0, 0, 1, 1] = 1
            conv.bias[0] = 0
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
