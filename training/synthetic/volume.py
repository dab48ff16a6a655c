"""A confocal z-stack of nuclei: blurred along z and dimmer with depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.optics import Camera, uneven_light
from training.synthetic.scene import Field, Labels, Picture, tidy
from training.synthetic.shapes import (
    Outline,
    Point,
    claim,
    clustered_places,
    offsets,
    random_outline,
    window,
)
from training.synthetic.texture import band_noise, look_up, smooth_noise

_SHAPE = (16, 160, 160)
STEP = 3.0  # distance of two slices, in pixels
_CAMERA = Camera(gain=3.4, offset=60, read_noise=2.0, bits=12)
_SMALLEST = 80
_SEED, _COUNT = 4444, 3  # of stacks beside the sample, which has another seed
_TILE = (32, 64, 64)


@dataclass(frozen=True, slots=True)
class Ball:
    """A nucleus in three dimensions; its outline changes in size from slice to slice.

    Parameters
    ----------
    place : tuple of float
        Centre (z, y, x), in voxels.
    outline : Outline
        Shape of its middle slice.
    height : float
        Half its extent along z, in slices.
    brightness : float
        In units of the scene's usual nucleus.
    """

    place: Point
    outline: Outline
    height: float
    brightness: float


def stack_names() -> list[str]:
    """Return the names of stacks like the sample, which no model has seen."""
    return [f"stack {number}" for number in range(_COUNT)]


def drawn_stack(name: str) -> Picture:
    """Draw the stack of a name; the same each time."""
    return draw_volume(np.random.default_rng([_SEED, int(name.split()[-1])]))


def draw_volume(rng: Generator) -> Picture:
    """Draw about fifty nuclei in 16 x 160 x 160 voxels, 12 bit."""
    balls = _population(rng, int(rng.integers(64, 76)))
    light, labels = _paint(rng, balls)
    # Out-of-focus light, the oblong point spread, and what lies above absorbs.
    scene = light + 0.14 * ndi.gaussian_filter(light, (3, 12, 12), mode="nearest")
    scene = ndi.gaussian_filter(150 * scene, (0.75, 1.0, 1.0), mode="nearest")
    depth = np.arange(_SHAPE[0])[:, None, None] / _SHAPE[0]
    scene *= (1 - 0.5 * depth) * uneven_light(rng, (_SHAPE[1], _SHAPE[2]), 0.25)
    scene += 5 + 1.5 * np.exp(0.5 * smooth_noise(rng, _SHAPE, 8))
    return Picture(_CAMERA.expose(rng, scene), tidy(labels, _SMALLEST))


def _population(rng: Generator, count: int) -> list[Ball]:
    outlines = [
        random_outline(rng, (9.5, 13.5), elongation=(1.0, 1.4)) for _ in range(count)
    ]
    isotropic = (int(_SHAPE[0] * STEP), *_SHAPE[1:])
    places = clustered_places(
        rng, isotropic, [o.radius for o in outlines], sociable=0.8, gap=0.85, margin=4
    )
    return [
        Ball(
            place=(z / STEP, y, x),
            outline=outline,
            height=outline.radius * float(rng.uniform(0.75, 1.0)) / STEP,
            brightness=float(rng.lognormal(0, 0.22)),
        )
        for (z, y, x), outline in zip(places, outlines, strict=True)
    ]


def _paint(rng: Generator, balls: list[Ball]) -> tuple[Field, Labels]:
    light = np.zeros(_SHAPE)
    labels, levels = np.zeros(_SHAPE, np.int32), np.full(_SHAPE, np.inf)
    chromatin = band_noise(rng, _TILE, 1.0, 3.0) + 0.5 * band_noise(rng, _TILE, 1.8, 4)
    for id_, ball in enumerate(balls, start=1):
        reach = ball.outline.reach
        region = window(ball.place, reach, _SHAPE)
        z, y, x = offsets(region, ball.place)
        level = np.hypot(ball.outline.level(y, x), z / ball.height)
        origin = rng.uniform(0, min(_TILE), 3)
        grain = look_up(chromatin, z + origin[0], y + origin[1], x + origin[2])
        glow = ball.outline.coverage(level) * np.maximum(1 + 0.2 * grain, 0)
        light[region] = np.maximum(light[region], ball.brightness * glow)
        claim(labels, levels, region, level, id_)
    return light, labels
