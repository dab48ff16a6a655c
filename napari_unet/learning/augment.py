"""Random crops: geometry by one resampling, then grey values.

Targets are resampled together with the image, or else the labels that they are drawn
from: those nearest to each pixel, since there is nothing between two ids.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.learning.config import Augmentation


def resample(
    stack: Tensor,
    centre: tuple[float, float],
    zoom: float,
    size: int,
    augmentation: Augmentation,
    rng: np.random.Generator,
    mirrored: int = 0,
    nearest: slice | None = None,
) -> Tensor:
    """Cut a square out of a stack of maps (C, Y, X), rotated, mirrored, zoomed, bent.

    Its centre is (y, x), in pixels. The first `mirrored` maps go on as their mirror
    image beyond the plane: the image does, as in prediction. The others are 0 there.
    Of the maps `nearest`, each pixel gets the value of a single pixel.
    """
    linear = _random_rotation(augmentation, rng) / zoom
    steps = np.arange(size) - (size - 1) / 2
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"))
    if augmentation.elastic:
        knots = (2, augmentation.elastic_grid, augmentation.elastic_grid)
        grid = grid + _smooth_field(knots, size, augmentation.elastic, rng)
    offset = np.asarray(centre).reshape(2, 1, 1)
    positions = np.tensordot(linear, grid, axes=1) + offset
    return _sample(stack, positions, mirrored, nearest or slice(mirrored, mirrored))


def _random_rotation(
    augmentation: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    if not augmentation.rotate:
        return np.eye(2)
    angle = rng.uniform(0, 2 * math.pi)
    turn = np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    mirror = np.diag([1.0, float(rng.choice([-1, 1]))])
    return np.asarray(turn @ mirror)


def _sample(
    stack: Tensor, positions: npt.NDArray[np.float64], mirrored: int, nearest: slice
) -> Tensor:
    """Sample at (y, x) positions in pixels, reading only the window around them."""
    shape = np.array(stack.shape[1:]).reshape(2, 1, 1)
    low = np.clip(np.floor(positions.min(axis=(1, 2))).astype(int) - 1, 0, None)
    high = np.ceil(positions.max(axis=(1, 2))).astype(int) + 2
    low = np.minimum(low, shape.ravel() - 1)
    window = stack[:, low[0] : max(high[0], low[0] + 1), low[1] : max(high[1], 1)]
    extent = np.array(window.shape[1:]).reshape(2, 1, 1)
    relative = (2 * (positions - low.reshape(2, 1, 1)) + 1) / extent - 1
    grid = torch.from_numpy(np.ascontiguousarray(relative[::-1].transpose(1, 2, 0)))
    grid = grid[None].to(window.dtype)
    parts = [
        F.grid_sample(
            maps[None], grid, mode=mode, padding_mode=padding, align_corners=False
        )[0]
        for maps, mode, padding in (
            (window[:mirrored], "bilinear", "reflection"),
            (window[mirrored : nearest.start], "bilinear", "zeros"),
            (window[nearest], "nearest", "zeros"),
            (window[nearest.stop :], "bilinear", "zeros"),
        )
        if len(maps)
    ]
    return torch.cat(parts)


def _smooth_field(
    coarse: tuple[int, int, int], size: int, amplitude: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Interpolate random knots bicubically, along one axis after the other."""
    knots = rng.normal(0, amplitude, coarse)
    spread = _bicubic(coarse[-1], size)
    return np.asarray(spread @ knots @ spread.T)


@lru_cache
def _bicubic(knots: int, size: int) -> npt.NDArray[np.float64]:
    """Return the matrix that interpolates `knots` values along a line of `size`."""
    each = torch.eye(knots, dtype=torch.float64)[None, None]
    lines = F.interpolate(each, (size, knots), mode="bicubic", align_corners=True)
    return np.asarray(lines[0, 0].numpy())


def change_grey_values(
    image: Tensor, augmentation: Augmentation, rng: np.random.Generator
) -> Tensor:
    """Vary what differs between microscopes: light, focus and camera, of (C, Y, X)."""
    image = _curve(image, augmentation, rng)
    if augmentation.illumination:
        amplitude = augmentation.illumination * rng.uniform()
        field = _smooth_field((1, 3, 3), image.shape[-1], amplitude, rng)
        image = image * torch.from_numpy(np.exp(field)).to(image.dtype)
    if augmentation.blur and rng.uniform() < 0.5:
        image = gaussian_blur(image, rng.uniform(0, augmentation.blur))
    if augmentation.haze and rng.uniform() < 0.5:
        image = _mix_haze(image, rng.uniform(0, augmentation.haze))
    if augmentation.clip and rng.uniform() < 0.5:
        highest = 1 - rng.uniform(0, augmentation.clip)
        image = image.clamp_max(highest) / highest
    if augmentation.noise and rng.uniform() < 0.7:
        noise = rng.standard_normal(tuple(image.shape), np.float32)
        spread = rng.uniform(0, augmentation.noise)
        image = image + spread * torch.from_numpy(noise).to(image.dtype)
    if augmentation.invert and rng.uniform() < augmentation.invert:
        image = 1 - image
    return image


def _mix_haze(image: Tensor, share: float) -> Tensor:
    """Mix in what lies out of focus, blurred by about an eighth of the crop."""
    height, width = image.shape[-2:]
    coarse = F.adaptive_avg_pool2d(image, (8, 8))[None]
    haze = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return (1 - share) * image + share * haze[0]


def _curve(
    image: Tensor, augmentation: Augmentation, rng: np.random.Generator
) -> Tensor:
    gamma = math.exp(rng.normal(0, augmentation.gamma))
    gain = math.exp(rng.normal(0, augmentation.contrast))
    offset = rng.normal(0, augmentation.offset)
    bent = torch.where(image > 0, image.clamp_min(1e-6) ** gamma, image)
    return bent * gain + offset


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Blur (C, Y, X) with a Gaussian of `sigma` pixels."""
    if sigma < 0.1:
        return image
    radius = max(1, math.ceil(3 * sigma))
    steps = torch.arange(-radius, radius + 1, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    rows = F.pad(image[:, None], (radius, radius, radius, radius), mode="replicate")
    return F.conv2d(F.conv2d(rows, kernel), kernel.transpose(2, 3))[:, 0]
