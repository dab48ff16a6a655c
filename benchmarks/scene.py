"""A field of nuclei of any size, drawn with numpy alone, the same for every machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_PITCH = 46
_DARK = 110.0


@dataclass(frozen=True, slots=True)
class Scene:
    """An image (Y, X) of camera counts and the ids of its nuclei."""

    image: npt.NDArray[np.uint16]
    labels: npt.NDArray[np.int32]


def draw_nuclei(size: int = 2048, seed: int = 0) -> Scene:
    """Draw a square field; 2048 px hold 2,025 nuclei, half of them touching.

    Parameters
    ----------
    size : int
        Extent of the field, in pixels.
    seed : int
        Seed of everything random.
    """
    rng = np.random.default_rng(seed)
    light = np.zeros((size, size))
    labels = np.zeros((size, size), np.int32)
    for index, centre in enumerate(_places(size, rng), start=1):
        _draw_nucleus(light, labels, centre, index, rng)
    expected = (30 + light) * _uneven(size)
    counts = _DARK + 2 * rng.poisson(expected) + rng.normal(0, 4, (size, size))
    return Scene(np.clip(counts, 0, 4095).astype(np.uint16), labels)


def _places(size: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the knots of a grid, shifted at random."""
    knots = np.arange(_PITCH / 2, size, _PITCH)
    grid = np.stack(np.meshgrid(knots, knots, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(grid + rng.uniform(-10, 10, grid.shape))


def _draw_nucleus(
    light: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int32],
    centre: npt.NDArray[np.float64],
    index: int,
    rng: np.random.Generator,
) -> None:
    long, angle = rng.uniform(14, 26), rng.uniform(0, math.pi)
    short = long * rng.uniform(0.65, 0.95)
    top, left = (max(0, int(c - long) - 1) for c in centre)
    region = np.s_[top : int(centre[0] + long) + 2, left : int(centre[1] + long) + 2]
    y, x = np.mgrid[region][:, : light.shape[0] - top, : light.shape[1] - left]
    y, x = y - centre[0], x - centre[1]
    along = (x * math.cos(angle) + y * math.sin(angle)) / long
    across = (y * math.cos(angle) - x * math.sin(angle)) / short
    level = along**2 + across**2
    inside = (level <= 1) & (labels[region] == 0)
    # A flat dome with a steep edge: what widefield light makes of a nucleus.
    dome = 0.4 + 0.6 * np.maximum(1 - level, 0) ** 0.5
    light[region][inside] = (rng.uniform(100, 350) * dome)[inside]
    labels[region][inside] = index


def _uneven(size: int) -> npt.NDArray[np.float64]:
    axis = np.linspace(-1, 1, size)
    return np.asarray(1 - 0.15 * (axis[:, None] ** 2 + axis[None] ** 2))
