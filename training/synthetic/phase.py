"""Adherent cells in phase contrast: dark bodies, bright halos, protrusions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.optics import Camera, phase_contrast, uneven_light
from training.synthetic.scene import Field, Labels, Picture, largest_piece, tidy
from training.synthetic.shapes import Point, beside, offsets, window
from training.synthetic.texture import (
    add_spot,
    band_noise,
    scattered_spots,
    smooth_noise,
)

_SHAPE = (448, 448)
_CAMERA = Camera(gain=0.075, offset=6, read_noise=8.0, bits=8)
_SMALLEST = 60
_REACH = 52
_SOCIABLE = 0.45  # chance that a cell settles beside another one
_ROUNDED = 0.04  # share of cells that rounded up to divide
_RADIANS = 0.36  # phase delay of a usual cell

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Body:
    """A cell's body: a union of discs along curved lines.

    Parameters
    ----------
    centres : ndarray of float, shape (n, 2)
        Centres (y, x) relative to the cell, in pixels.
    radii : ndarray of float, shape (n,)
        Radius of every disc, in pixels.
    rounded : bool
        Whether the cell rounded up to divide: it is thick then.
    """

    centres: Points
    radii: Points
    rounded: bool

    def depth(self, y: Field, x: Field) -> Field:
        """Return how deep inside the body every pixel lies; negative outside."""
        depths = [
            r - np.hypot(y - cy, x - cx)
            for (cy, cx), r in zip(self.centres, self.radii, strict=True)
        ]
        return np.asarray(np.max(depths, axis=0))


def draw_phase(rng: Generator) -> Picture:
    """Draw a field of about sixty cells, 448 x 448 pixels, 8 bit."""
    path, labels = _culture(rng, int(rng.integers(54, 72)))
    path += _debris(rng) + 0.008 * band_noise(rng, _SHAPE, 2.0, 8.0)
    light = phase_contrast(_RADIANS * path, halo=9.0, absorption=0.45)
    light *= uneven_light(rng, _SHAPE, 0.15)
    light = ndi.gaussian_filter(light, 0.7, mode="nearest")
    return Picture(_CAMERA.expose(rng, 1450 * light), tidy(labels, _SMALLEST))


def _culture(rng: Generator, count: int) -> tuple[Field, Labels]:
    """Settle cells one after the other where there is room; neighbours may touch."""
    path, labels = np.zeros(_SHAPE), np.zeros(_SHAPE, np.int32)
    # Neighbours lie side by side, as fibroblasts do.
    flow = 1.2 * smooth_noise(rng, _SHAPE, 70)
    places: list[Point] = []
    for id_ in range(1, count + 1):
        for _ in range(40):
            place = _propose(rng, places)
            body = _random_body(rng, float(flow[_pixel(place)]))
            if _settle(rng, path, labels, place, body, id_):
                places.append(place)
                break
    return path, labels


def _propose(rng: Generator, places: list[Point]) -> Point:
    """Return a place anywhere or, often, beside a cell that has settled."""
    if not places or rng.random() > _SOCIABLE:
        return tuple(float(rng.uniform(-4, n + 4)) for n in _SHAPE)
    host = places[int(rng.integers(len(places)))]
    return beside(rng, host, float(rng.uniform(16, 34)))


def _pixel(place: Point) -> tuple[int, ...]:
    """Return the pixel of the image that is nearest to a place."""
    return tuple(min(max(int(c), 0), n - 1) for c, n in zip(place, _SHAPE, strict=True))


def _settle(
    rng: Generator, path: Field, labels: Labels, place: Point, body: Body, id_: int
) -> bool:
    """Add a cell in place unless much of it would lie on others."""
    region = window(place, _REACH, _SHAPE)
    y, x = offsets(region, place)
    ruffle = band_noise(rng, (2 * _REACH + 2,) * 2, 3.0, 9.0)[: y.size, : x.size]
    depth = body.depth(y, x) + (0.4 if body.rounded else 0.9) * ruffle
    taken = (depth > 0) & (labels[region] > 0)
    if not (depth > 0).any() or taken.sum() > 0.06 * (depth > 0).sum():
        return False
    inside = largest_piece((depth > 0) & ~taken)
    labels[region][inside] = id_
    path[region] += _thickness(rng, depth, body) * inside
    path[region] += _interior(rng, inside, y, x)
    return True


def _random_body(rng: Generator, flow: float) -> Body:
    if rng.random() < _ROUNDED:
        return Body(np.zeros((1, 2)), rng.uniform(8.0, 10.5, 1), rounded=True)
    arms = [_protrusion(rng) for _ in range(rng.choice([0, 0, 1, 1, 2]))]
    parts = [_spindle(rng), *arms]
    angle = flow + rng.normal(0, 0.35)
    cos, sin = np.cos(angle), np.sin(angle)
    centres = np.concatenate([c for c, _ in parts]) @ np.array(
        [[cos, sin], [-sin, cos]]
    )
    return Body(centres, np.concatenate([r for _, r in parts]), rounded=False)


def _spindle(rng: Generator) -> tuple[Points, Points]:
    """Return an elongated body, bent, thicker towards one end."""
    length, width = rng.uniform(13, 34), rng.uniform(6.5, 11.5)
    bend, skew = rng.normal(0, 0.2), rng.uniform(-0.35, 0.35)
    t = np.linspace(-1, 1, 23)
    centres = np.stack([length * bend * (t**2 - 0.4), length * t], axis=1)
    profile = 1 - np.abs(t + skew * (1 - t**2)) ** rng.uniform(1.0, 3.2)
    return centres, rng.uniform(1.2, 2.6) + width * np.clip(profile, 0, 1)


def _protrusion(rng: Generator) -> tuple[Points, Points]:
    """Return a tapering arm that leaves the body sideways."""
    angle = rng.choice([-1, 1]) * rng.uniform(0.7, 1.9)
    reach, width = rng.uniform(12, 27), rng.uniform(4.5, 8.0)
    t = np.linspace(0, 1, 12)
    centres = np.outer(reach * t, [np.sin(angle), np.cos(angle)])
    return centres, np.asarray(1.2 + width * (1 - t) ** 1.4)


def _thickness(rng: Generator, depth: Field, body: Body) -> Field:
    """Return the optical path of a cell, 1 where a usual cell is thick."""
    rise = float(body.radii.max()) if body.rounded else 7.0
    edge = np.clip(depth, 0, rise) / rise
    if body.rounded:
        return np.asarray(rng.uniform(7.2, 9.2) * (edge * (2 - edge)) ** 0.75)
    return np.asarray(rng.uniform(0.7, 1.25) * (0.22 + 0.78 * edge * (2 - edge)))


def _interior(rng: Generator, inside: Mask, y: Field, x: Field) -> Field:
    """Return nucleus, nucleoli, granules and mottled cytoplasm of one cell."""
    middle = [float(-y.min()), float(-x.min())]
    away = rng.normal(0, 1.5, 2)
    nucleus = np.hypot(y - away[0], x - away[1]) / rng.uniform(4.4, 5.8)
    path = 0.16 * np.clip((1 - nucleus) * 4, 0, 1)
    path += 0.22 * np.exp(-((nucleus - 1) ** 2) / 0.02)
    _add_grains(rng, path, middle, int(rng.integers(1, 4)), 1.9, (0.4, 0.8))
    _add_grains(rng, path, middle, int(rng.integers(8, 22)), 8.0, (-0.5, 0.8))
    path += 0.09 * band_noise(rng, inside.shape, 0.9, 3.0)
    # Nothing of the interior reaches beyond the edge.
    return np.asarray(path * ndi.gaussian_filter(inside.astype(float), 0.8) * inside)


def _add_grains(
    rng: Generator,
    path: Field,
    middle: list[float],
    count: int,
    spread: float,
    height: tuple[float, float],
) -> None:
    for _ in range(count):
        place = [m + float(rng.normal(0, spread)) for m in middle]
        size = float(rng.uniform(0.6, 1.2))
        add_spot(path, place, size, float(rng.uniform(*height)))


def _debris(rng: Generator) -> Field:
    """Return dust, fragments and out-of-focus blobs in the medium."""
    fragments = scattered_spots(
        rng, _SHAPE, count=45, size=(0.7, 1.6), strength=(-0.5, 0.9)
    )
    return fragments + scattered_spots(
        rng, _SHAPE, count=3, size=(6, 10), strength=(-0.25, 0.25)
    )
