"""Rods, bent rods, filaments and branching cells, as several microscopes show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.optics import Camera, phase_contrast, uneven_light
from training.synthetic.scene import Field, Labels, Picture, largest_piece, tidy
from training.synthetic.shapes import beside
from training.synthetic.texture import band_noise, scattered_spots

_SHAPE = (384, 384)
_CAMERA = Camera(gain=0.1, offset=6, read_noise=6.0, bits=8)
_SEED = 384
_COUNT = 48
_SMALLEST = 40
_TRIES = 12
_OVERLAP = 0.06

Points = npt.NDArray[np.float64]
Curve = tuple[Points, Points]
"""Centres (n, 2), in pixels, and radii (n,) of the discs that make up a cell."""


@dataclass(frozen=True, slots=True)
class Form:
    """What the cells of a picture are like.

    Parameters
    ----------
    draw : callable
        Draws one cell around (0, 0), for a size that all cells of a picture share.
    most : int
        So many cells settle, if there is room.
    sociable : float
        Chance that a cell settles beside another one, in the same direction.
    """

    draw: Callable[[Generator, float], Curve]
    most: int
    sociable: float


def _walk(
    rng: Generator, length: float, *, bend: float, wander: float, step: float
) -> Points:
    """Return a curve that begins at (0, 0) and goes along x, bending as it goes."""
    count = max(3, int(length / step))
    heading = bend * np.linspace(0, 1, count)
    heading = heading + wander * np.cumsum(rng.normal(0, step**0.5, count))
    steps = step * np.stack([np.sin(heading), np.cos(heading)], axis=1)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


def _rod(rng: Generator, size: float) -> Curve:
    """Return a straight rod, now and then a short one."""
    width = size * rng.uniform(0.85, 1.15)
    centres = _walk(
        rng, width * rng.uniform(2, 8), bend=0, wander=0, step=max(1.0, width / 3)
    )
    return centres - centres.mean(axis=0), np.full(len(centres), width)


def _bent_rod(rng: Generator, size: float) -> Curve:
    """Return a rod that bends to one side, thinner towards its ends."""
    width = size * rng.uniform(0.8, 1.2)
    bend = float(rng.choice([-1, 1]) * rng.uniform(0.5, 2.6))
    length = width * rng.uniform(5, 14)
    centres = _walk(rng, length, bend=bend, wander=0, step=max(1.0, width / 3))
    radii = width * (1 - rng.uniform(0, 0.6) * np.linspace(-1, 1, len(centres)) ** 2)
    return centres - centres.mean(axis=0), radii


def _filament(rng: Generator, size: float) -> Curve:
    """Return a long thin curve that wanders."""
    width = 0.6 * size * rng.uniform(0.8, 1.2)
    length = rng.uniform(80, 280)
    centres = _walk(rng, length, bend=0, wander=0.06, step=max(1.0, width / 2))
    return centres - centres.mean(axis=0), np.full(len(centres), width)


def _branching(rng: Generator, size: float) -> Curve:
    """Return a body with two to five arms, some of which fork."""
    body = size * rng.uniform(1.4, 2.4)
    parts: list[Curve] = [(np.zeros((1, 2)), np.array([body]))]
    count = int(rng.integers(2, 6))
    for direction in (
        2 * np.pi * (np.arange(count) + rng.uniform(0, 0.7, count)) / count
    ):
        arm = _arm(rng, body, direction, rng.uniform(4, 11) * size)
        parts.append(arm)
        if rng.random() < 0.4:
            fork = int(len(arm[0]) * rng.uniform(0.3, 0.7))
            turn = direction + rng.choice([-1, 1]) * rng.uniform(0.5, 1.1)
            centres, radii = _arm(rng, arm[1][fork], turn, rng.uniform(2, 6) * size)
            parts.append((centres + arm[0][fork], radii))
    return np.concatenate([c for c, _ in parts]), np.concatenate([r for _, r in parts])


def _arm(rng: Generator, width: float, direction: float, length: float) -> Curve:
    """Return an arm that becomes thinner, in a direction in radians."""
    centres = _walk(rng, length, bend=rng.normal(0, 0.5), wander=0.04, step=2.0)
    along = np.linspace(0, 1, len(centres))
    radii = rng.uniform(1.3, 2.2) + 0.6 * width * (1 - along) ** 3
    return _turned(centres, direction), radii


FORMS = {
    "rods": Form(_rod, 70, 0.75),
    "bent": Form(_bent_rod, 40, 0.5),
    "filaments": Form(_filament, 14, 0.2),
    "branching": Form(_branching, 12, 0.2),
}


def _fluorescence(rng: Generator, height: Field, shade: Field) -> Field:
    """Return glowing cells, some brighter than others."""
    light = height * shade * (1 + 0.15 * band_noise(rng, _SHAPE, 1.0, 4.0))
    light += rng.uniform(0, 0.15) * ndi.gaussian_filter(light, 9)
    return rng.uniform(0.02, 0.15) + ndi.gaussian_filter(light, rng.uniform(0.6, 1.6))


def _phase(rng: Generator, height: Field, shade: Field) -> Field:
    """Return dark cells with bright halos, or bright ones where they are thick."""
    path = rng.uniform(0.5, 1.6) * height * (0.7 + 0.3 * shade)
    path += 0.03 * band_noise(rng, _SHAPE, 1.0, 6.0)
    path += scattered_spots(
        rng, _SHAPE, count=12, size=(0.7, 1.6), strength=(-0.2, 0.4)
    )
    light = phase_contrast(path, halo=rng.uniform(5, 10), absorption=0.45)
    return 0.5 * ndi.gaussian_filter(light, rng.uniform(0.6, 1.1))


def _bright_field(rng: Generator, height: Field, shade: Field) -> Field:
    """Return faint cells with an edge of the sign that the focus gives it."""
    blurred = ndi.gaussian_filter(height, rng.uniform(0.8, 1.6))
    edge = -ndi.gaussian_laplace(height, rng.uniform(1.0, 2.0))
    edge /= max(float(abs(edge).max()), 1e-6)
    light = 1 - rng.uniform(0.03, 0.35) * blurred * (0.6 + 0.4 * shade)
    light += rng.choice([-1, 1]) * rng.uniform(0.15, 0.35) * edge
    return 0.6 * (light + 0.015 * band_noise(rng, _SHAPE, 1.0, 5.0))


LOOKS = {
    "fluorescence": _fluorescence,
    "phase": _phase,
    "bright field": _bright_field,
}


def elongated_names() -> list[str]:
    """Return the names of all pictures: a number, which is the seed, and the form."""
    forms = list(FORMS)
    return [f"{n:02d} {forms[n % len(forms)]}" for n in range(_COUNT)]


def elongated_picture(name: str) -> Picture:
    """Draw the picture of a name, which depends on nothing else."""
    number, _, form = name.partition(" ")
    look = list(LOOKS)[int(number) // len(FORMS) % len(LOOKS)]
    return draw_elongated(np.random.default_rng([_SEED, int(number)]), form, look)


def draw_elongated(rng: Generator, form: str, look: str) -> Picture:
    """Draw cells of one form in one look, 384 x 384 pixels, 8 bit."""
    height, shade, labels = _culture(rng, FORMS[form])
    lamp = ndi.zoom(
        uneven_light(rng, (_SHAPE[0] // 8, _SHAPE[1] // 8), 0.2), 8, order=1
    )
    light = LOOKS[look](rng, height, shade) * lamp
    photons = rng.uniform(400, 2400)
    return Picture(
        Camera(240 / photons, 6, _CAMERA.read_noise, 8).expose(rng, photons * light),
        tidy(labels, _SMALLEST),
    )


def _culture(rng: Generator, form: Form) -> tuple[Field, Field, Labels]:
    """Settle cells where there is room: how thick, how bright, and whose it is."""
    height, shade = np.zeros(_SHAPE), np.ones(_SHAPE)
    labels = np.zeros(_SHAPE, np.int32)
    size = rng.uniform(3, 8)
    places: list[tuple[tuple[float, ...], float]] = []
    for id_ in range(1, int(form.most * rng.uniform(0.3, 1.0)) + 1):
        for _ in range(_TRIES):
            place, angle = _propose(rng, form, size, places)
            centres, radii = form.draw(rng, size)
            if _settle(height, labels, (_turned(centres, angle) + place, radii), id_):
                shade[labels == id_] = rng.uniform(0.4, 1.0)
                places.append((place, angle))
                break
    return height, shade, labels


def _propose(
    rng: Generator,
    form: Form,
    size: float,
    places: list[tuple[tuple[float, ...], float]],
) -> tuple[tuple[float, ...], float]:
    """Return a place and a direction, often those of a neighbour."""
    if not places or rng.random() > form.sociable:
        place = tuple(float(rng.uniform(-4, n + 4)) for n in _SHAPE)
        return place, float(rng.uniform(0, 2 * np.pi))
    host, angle = places[int(rng.integers(len(places)))]
    near = beside(rng, host, float(size * rng.uniform(1.9, 4)))
    return near, float(angle + rng.normal(0, 0.2))


def _turned(centres: Points, angle: float) -> Points:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(centres @ np.array([[cos, -sin], [sin, cos]]))


def _depth(centres: Points, radii: Points, shape: tuple[int, ...]) -> Field:
    """Return how deep every pixel lies in the discs of a cell, 0 outside, at most 1."""
    depth = np.zeros(shape)
    y, x = np.ogrid[: shape[0], : shape[1]]
    lows = np.maximum((centres - radii[:, None]).astype(int), 0)
    highs = np.maximum((centres + radii[:, None]).astype(int) + 2, 0)
    for (cy, cx), radius, (top, left), (bottom, right) in zip(
        centres.tolist(), radii.tolist(), lows.tolist(), highs.tolist(), strict=True
    ):
        part = depth[top:bottom, left:right]
        near = radius - np.hypot(y[top:bottom] - cy, x[:, left:right] - cx)
        np.maximum(part, near, out=part)
    return np.asarray(depth / radii.max())


def _settle(height: Field, labels: Labels, curve: Curve, id_: int) -> bool:
    """Add a cell in place unless much of it would lie on others."""
    centres, radii = curve
    low = np.maximum(np.floor((centres - radii[:, None]).min(axis=0)).astype(int), 0)
    high = np.ceil((centres + radii[:, None]).max(axis=0)).astype(int) + 1
    region = tuple(slice(a, b) for a, b in zip(low, np.maximum(low, high), strict=True))
    part = labels[region]
    if not part.size:
        return False
    depth = _depth(centres - low, radii, part.shape)
    inside = depth > 0
    taken = inside & (part > 0)
    if not inside.any() or taken.sum() > _OVERLAP * inside.sum():
        return False
    own = largest_piece(inside & ~taken)
    part[own] = id_
    rise = np.clip(depth[own], 0, 1)
    height[region][own] = 0.25 + 0.75 * np.sqrt(rise * (2 - rise))
    return True
