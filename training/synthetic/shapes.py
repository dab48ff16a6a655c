"""Outlines of cells, their places, and who owns which pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from training.synthetic.scene import Field, Labels

Region = tuple[slice, ...]
Point = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed outline that every ray from its centre crosses once.

    Parameters
    ----------
    radius : float
        Radius of the circle of about the same area, in pixels.
    elongation : float
        Long axis divided by short axis.
    angle : float
        Direction of the long axis, in radians.
    waves : tuple of (float, float)
        Amplitude, relative to the radius, and phase of the harmonics 2, 3, 4 ...
    """

    radius: float
    elongation: float = 1.0
    angle: float = 0.0
    waves: tuple[tuple[float, float], ...] = ()

    @property
    def reach(self) -> float:
        """Distance from the centre within which the outline lies, in pixels."""
        swing = 1 + sum(abs(amplitude) for amplitude, _ in self.waves)
        return float(self.radius * self.elongation**0.5 * swing + 2)

    def local(self, y: Field, x: Field) -> tuple[Field, Field]:
        """Turn coordinates relative to the centre into (along, across) the cell."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return y * sin + x * cos, y * cos - x * sin

    def level(self, y: Field, x: Field) -> Field:
        """Return 0 at the centre, 1 on the outline, more outside."""
        along, across = self.local(y, x)
        stretch = self.elongation**0.5
        along, across = along / stretch, across * stretch
        theta = np.arctan2(across, along)
        edge = np.ones_like(theta)
        for order, (amplitude, phase) in enumerate(self.waves, start=2):
            edge = edge + amplitude * np.cos(order * theta + phase)
        return np.asarray(np.hypot(along, across) / (self.radius * edge))

    def coverage(self, level: Field) -> Field:
        """Return how much of a pixel at `level` lies inside, 0 to 1."""
        return np.clip((1 - level) * self.radius + 0.5, 0, 1)


def random_outline(
    rng: Generator,
    radius: tuple[float, float],
    *,
    elongation: tuple[float, float] = (1.0, 1.6),
    waviness: float = 0.05,
) -> Outline:
    """Draw an outline whose radius and elongation lie in the given ranges."""
    waves = tuple(
        (float(rng.normal(0, waviness / (order - 1))), float(rng.uniform(0, 2 * np.pi)))
        for order in range(2, 6)
    )
    return Outline(
        radius=float(rng.uniform(*radius)),
        elongation=float(rng.uniform(*elongation)),
        angle=float(rng.uniform(0, np.pi)),
        waves=waves,
    )


def clustered_places(
    rng: Generator,
    shape: tuple[int, ...],
    radii: Sequence[float],
    *,
    sociable: float,
    gap: float = 0.8,
    margin: float = 8.0,
) -> list[Point]:
    """Find places for round objects, many of them beside another one.

    Works along any number of axes; `shape` and the places are in pixels.

    Parameters
    ----------
    radii : sequence of float
        One radius per object, in pixels.
    sociable : float
        Chance that an object settles beside one that is there, 0 to 1.
    gap : float
        Smallest distance of two centres over the sum of their radii; below 1 objects
        may overlap.
    margin : float
        How far outside the image centres may lie, in pixels.
    """
    places: list[Point] = []
    for radius in radii:
        for _ in range(400):
            place = _propose(rng, shape, radius, places, radii, sociable, margin)
            if _fits(place, radius, places, radii, gap):
                break
        places.append(place)
    return places


def _propose(
    rng: Generator,
    shape: tuple[int, ...],
    radius: float,
    places: list[Point],
    radii: Sequence[float],
    sociable: float,
    margin: float,
) -> Point:
    if not places or rng.random() > sociable:
        return tuple(float(rng.uniform(-margin, n + margin)) for n in shape)
    host = int(rng.integers(len(places)))
    distance = (radius + radii[host]) * rng.uniform(0.82, 1.08)
    return beside(rng, places[host], distance)


def beside(rng: Generator, place: Point, distance: float) -> Point:
    """Return a place at `distance` pixels from another one, in any direction."""
    step = rng.standard_normal(len(place))
    step *= distance / np.linalg.norm(step)
    return tuple(float(c + s) for c, s in zip(place, step, strict=True))


def _fits(
    place: Point,
    radius: float,
    places: list[Point],
    radii: Sequence[float],
    gap: float,
) -> bool:
    return all(
        np.linalg.norm(np.subtract(place, there)) >= gap * (radius + other)
        for there, other in zip(places, radii, strict=False)
    )


def window(centre: Sequence[float], reach: float, shape: tuple[int, ...]) -> Region:
    """Return the part of the image within `reach` of a centre; it may be empty."""
    return tuple(
        slice(min(n, max(0, int(c - reach))), max(0, min(n, int(c + reach) + 2)))
        for c, n in zip(centre, shape, strict=True)
    )


def offsets(region: Region, centre: Sequence[float]) -> list[Field]:
    """Return coordinates relative to a centre, one broadcastable array per axis."""
    grid = np.ogrid[region]
    return [np.asarray(g - c, float) for g, c in zip(grid, centre, strict=True)]


def claim(
    labels: Labels, levels: Field, region: Region, level: Field, id_: int
) -> None:
    """Give pixels inside an outline to `id_` where it is the nearest one, in place."""
    nearest = (level < 1) & (level < levels[region])
    labels[region][nearest] = id_
    levels[region][nearest] = level[nearest]
