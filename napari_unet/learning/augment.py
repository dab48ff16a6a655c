"""Random crops: geometry by one resampling, then grey values.

Targets are resampled together with the image, or else the labels that they are drawn
from: those nearest to each pixel, since there is nothing between two ids.

What chance decides is drawn first, and applied later or never: who needs some crops of
a batch alone draws all numbers, which costs little, and makes the pixels of these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    warp = draw_warp(augmentation, rng)
    return warp.resample(stack, centre, zoom, size, mirrored, nearest)


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """How a crop is turned, mirrored and bent: a matrix, and knots if it is bent."""

    turn: npt.NDArray[np.float64]
    knots: npt.NDArray[np.float64] | None

    def resample(
        self,
        stack: Tensor,
        centre: tuple[float, float],
        zoom: float,
        size: int,
        mirrored: int = 0,
        nearest: slice | None = None,
    ) -> Tensor:
        """Cut a square out of a stack of maps; see `resample`."""
        steps = np.arange(size) - (size - 1) / 2
        grid = np.stack(np.meshgrid(steps, steps, indexing="ij"))
        if self.knots is not None:
            grid = grid + _smooth(self.knots, size)
        offset = np.asarray(centre).reshape(2, 1, 1)
        positions = np.tensordot(self.turn / zoom, grid, axes=1) + offset
        return _sample(stack, positions, mirrored, nearest or slice(mirrored, mirrored))


def draw_warp(augmentation: Augmentation, rng: np.random.Generator) -> Warp:
    """Draw how a crop is turned, mirrored and bent."""
    turn = _random_rotation(augmentation, rng)
    if not augmentation.elastic:
        return Warp(turn, None)
    knots = (2, augmentation.elastic_grid, augmentation.elastic_grid)
    return Warp(turn, rng.normal(0, augmentation.elastic, knots))


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


def _smooth(knots: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    """Interpolate knots (n, k, k) bicubically, along one axis after the other."""
    spread = _bicubic(knots.shape[-1], size)
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
    return draw_grey_change(tuple(image.shape), augmentation, rng).apply(image)


@dataclass(frozen=True, slots=True, eq=False)
class GreyChange:
    """How the light, the focus and the camera of a crop differ; None where alike.

    Fields are those of `Augmentation`, with the values that were drawn.
    """

    gamma: float
    gain: float
    offset: float
    illumination: npt.NDArray[np.float64] | None = None
    blur: float | None = None
    haze: float | None = None
    highest: float | None = None
    noise: npt.NDArray[np.float32] | None = None
    spread: float = 0.0
    inverted: bool = False

    def apply(self, image: Tensor) -> Tensor:
        """Change the grey values of an image (C, Y, X)."""
        bent = torch.where(image > 0, image.clamp_min(1e-6) ** self.gamma, image)
        image = bent * self.gain + self.offset
        if self.illumination is not None:
            field = _smooth(self.illumination, image.shape[-1])
            image = image * torch.from_numpy(np.exp(field)).to(image.dtype)
        if self.blur is not None:
            image = gaussian_blur(image, self.blur)
        if self.haze is not None:
            image = _mix_haze(image, self.haze)
        if self.highest is not None:
            image = image.clamp_max(self.highest) / self.highest
        if self.noise is not None:
            noise = torch.from_numpy(self.noise).to(image.dtype)
            image = image + self.spread * noise
        return 1 - image if self.inverted else image


def draw_grey_change(
    shape: tuple[int, ...], augmentation: Augmentation, rng: np.random.Generator
) -> GreyChange:
    """Draw how the grey values of an image (C, Y, X) of that shape change."""
    gamma = math.exp(rng.normal(0, augmentation.gamma))
    gain = math.exp(rng.normal(0, augmentation.contrast))
    offset = rng.normal(0, augmentation.offset)
    illumination = blur = haze = highest = noise = None
    spread = 0.0
    if augmentation.illumination:
        amplitude = augmentation.illumination * rng.uniform()
        illumination = rng.normal(0, amplitude, (1, 3, 3))
    if augmentation.blur and rng.uniform() < 0.5:
        blur = rng.uniform(0, augmentation.blur)
    if augmentation.haze and rng.uniform() < 0.5:
        haze = rng.uniform(0, augmentation.haze)
    if augmentation.clip and rng.uniform() < 0.5:
        highest = 1 - rng.uniform(0, augmentation.clip)
    if augmentation.noise and rng.uniform() < 0.7:
        noise = rng.standard_normal(shape, np.float32)
        spread = rng.uniform(0, augmentation.noise)
    inverted = bool(augmentation.invert and rng.uniform() < augmentation.invert)
    return GreyChange(
        gamma, gain, offset, illumination, blur, haze, highest, noise, spread, inverted
    )


def _mix_haze(image: Tensor, share: float) -> Tensor:
    """Mix in what lies out of focus, blurred by about an eighth of the crop."""
    height, width = image.shape[-2:]
    coarse = F.adaptive_avg_pool2d(image, (8, 8))[None]
    haze = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
    return (1 - share) * image + share * haze[0]


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
