"""Nuclei in thick specimens, as many microscopes show them: sparse, crowded, deep, dim.

The planes of a volume are up to five times as far apart as its pixels, the light
spreads along Z most of all, and what lies deep is dim. No two volumes are alike in
any of that, so that a network learns none of it by heart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import ndimage as ndi
from scipy.spatial.transform import Rotation

from training.synthetic.optics import Camera
from training.synthetic.scene import Field, Labels, Picture, tidy
from training.synthetic.shapes import Point, claim, clustered_places, offsets, window
from training.synthetic.texture import add_spot, band_noise, look_up, smooth_noise

_SEED = 3333
_COUNT = 200
_SIDE = 112
_TILE = (48, 48, 48)
_SMALLEST = 40


@dataclass(frozen=True, slots=True)
class Specimen:
    """What all nuclei of a volume have in common.

    Parameters
    ----------
    spacing : float
        Distance of two planes, in pixels.
    planes : int
        How many there are.
    radius : float
        Of a usual nucleus, in pixels.
    crowding : float
        Share of the volume that nuclei would fill if none overlapped.
    sociable : float
        Chance that a nucleus settles beside another one.
    grain : float
        How much the texture changes the light of a nucleus.
    wave : float
        How uneven the surfaces are, relative to the radius.
    uneven : float
        Standard deviation of the logarithm of brightness, from nucleus to nucleus.
    """

    spacing: float
    planes: int
    radius: float
    crowding: float
    sociable: float
    grain: float
    wave: float
    uneven: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the volume, in voxels."""
        return (self.planes, _SIDE, _SIDE)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A nucleus: an ellipsoid with an uneven surface.

    Parameters
    ----------
    place : tuple of float
        Centre (z, y, x), in voxels.
    radii : ndarray of float, shape (3,)
        Half axes, in pixels.
    turn : ndarray of float, shape (3, 3)
        From (z, y, x) to its own axes.
    brightness : float
        In units of the usual nucleus.
    origin : tuple of float
        Where in the tiles of texture and surface it begins.
    """

    place: Point
    radii: npt.NDArray[np.float64]
    turn: npt.NDArray[np.float64]
    brightness: float
    origin: Point


def thick_names() -> list[str]:
    """Return the names of the volumes that are drawn for training."""
    return [f"thick {number:03}" for number in range(_COUNT)]


def thick_volume(name: str) -> Picture:
    """Draw the volume of a name; the same each time."""
    number = int(name.split()[-1])
    return draw_thick(np.random.default_rng([_SEED, number]))


def draw_thick(rng: Generator) -> Picture:
    """Draw a volume of 10 to 48 planes, 112 x 112 pixels, 16 bit."""
    specimen = random_specimen(rng)
    bodies = _population(rng, specimen)
    light, labels = _paint(rng, specimen, bodies)
    light = _seen(rng, specimen, light)
    photons = float(np.exp(rng.uniform(np.log(3), np.log(400))))
    camera = Camera(gain=4.0, offset=100, read_noise=rng.uniform(0.5, 4), bits=16)
    return Picture(camera.expose(rng, photons * light), tidy(labels, _SMALLEST))


def random_specimen(rng: Generator) -> Specimen:
    """Draw what the nuclei of a volume have in common."""
    spacing = float(np.exp(rng.uniform(0, np.log(5))))
    radius = float(np.exp(rng.uniform(np.log(6), np.log(15))))
    # Of two or three planes nothing can be learned about Z.
    spacing = min(spacing, radius / 2)
    return Specimen(
        spacing=spacing,
        planes=int(np.clip(6 * radius / spacing, 10, 48)),
        radius=radius,
        crowding=float(rng.choice([0.05, 0.12, 0.25, 0.4, 0.55])),
        sociable=float(rng.uniform(0.2, 0.95)),
        grain=float(rng.uniform(0.05, 0.45)),
        wave=float(rng.uniform(0.02, 0.12)),
        uneven=float(rng.uniform(0.1, 0.6)),
    )


def _population(rng: Generator, specimen: Specimen) -> list[Body]:
    high, height, width = specimen.shape
    box = (round(high * specimen.spacing), height, width)
    usual = 4 / 3 * np.pi * specimen.radius**3
    count = int(np.clip(specimen.crowding * np.prod(box) / usual, 2, 260))
    radii = specimen.radius * np.exp(rng.normal(0, 0.15, count))
    gap = float(rng.uniform(0.78, 0.95))
    places = clustered_places(
        rng, box, radii.tolist(), sociable=specimen.sociable, gap=gap, margin=4
    )
    return [
        Body(
            place=(z / specimen.spacing, y, x),
            radii=_half_axes(rng, radius),
            turn=Rotation.random(random_state=rng).as_matrix(),
            brightness=float(rng.lognormal(0, specimen.uneven)),
            origin=tuple(float(n) for n in rng.uniform(0, 48, 3)),
        )
        for (z, y, x), radius in zip(places, radii, strict=True)
    ]


def _half_axes(rng: Generator, radius: float) -> npt.NDArray[np.float64]:
    """Return half axes whose ellipsoid has the volume of a ball of that radius."""
    axes = np.exp(rng.normal(0, 0.14, 3))
    return np.asarray(radius * axes / np.prod(axes) ** (1 / 3))


def _paint(
    rng: Generator, specimen: Specimen, bodies: list[Body]
) -> tuple[Field, Labels]:
    """Return the light before any lens, and the labels."""
    shape = specimen.shape
    light = np.zeros(shape)
    labels, levels = np.zeros(shape, np.int32), np.full(shape, np.inf)
    grain = band_noise(rng, _TILE, rng.uniform(0.7, 1.5), rng.uniform(2, 5))
    surface = smooth_noise(rng, _TILE, specimen.radius / 3)
    hollow = float(rng.uniform(-0.3, 0.5))
    for id_, body in enumerate(bodies, start=1):
        region = _window(body, specimen)
        z, y, x = np.broadcast_arrays(*offsets(region, body.place))
        if not z.size:
            continue
        apart = np.stack([z * specimen.spacing, y, x])
        own = np.tensordot(body.turn, apart, axes=1)
        level = np.sqrt(((own / body.radii[:, None, None, None]) ** 2).sum(axis=0))
        at = [each + start for each, start in zip(own, body.origin, strict=True)]
        level = level / (1 + specimen.wave * look_up(surface, *at))
        inside = np.clip((1 - level) * body.radii.mean() + 0.5, 0, 1)
        glow = inside * (1 - hollow * (1 - np.minimum(level, 1) ** 2))
        glow = glow * np.maximum(1 + specimen.grain * look_up(grain, *at), 0.05)
        np.maximum(light[region], body.brightness * glow, out=light[region])
        claim(labels, levels, region, level, id_)
    return light, labels


def _window(body: Body, specimen: Specimen) -> tuple[slice, ...]:
    """Return the part of the volume in which a nucleus lies."""
    reach = 1.4 * float(body.radii.max()) + 2
    high, *_ = window(body.place, reach / specimen.spacing, specimen.shape)
    _, *flat = window(body.place, reach, specimen.shape)
    return (high, *flat)


def _seen(rng: Generator, specimen: Specimen, light: Field) -> Field:
    """Return what a microscope makes of the light: blur, haze, depth, background."""
    spread = float(rng.uniform(0.5, 1.6))
    along = spread * float(rng.uniform(1.2, 3.5)) / specimen.spacing
    sharp = ndi.gaussian_filter(light, (along, spread, spread), mode="nearest")
    wide = float(rng.uniform(6, 16))
    far = (wide / specimen.spacing, wide, wide)
    hazy = ndi.gaussian_filter(light, far, mode="nearest")
    seen = sharp + rng.uniform(0, 0.35) * hazy
    depth = np.linspace(0, 1, specimen.planes)[:: int(rng.choice([-1, 1]))]
    seen *= np.exp(-rng.uniform(0, 1.4) * depth)[:, None, None]
    shading = smooth_noise(rng, specimen.shape[1:], _SIDE / 4)
    seen *= np.exp(rng.uniform(0, 0.25) * shading)
    cloud = smooth_noise(rng, specimen.shape, rng.uniform(3, 12))
    level = np.exp(rng.uniform(np.log(0.01), np.log(0.7)))
    seen += level * np.exp(rng.uniform(0.1, 0.5) * cloud)
    return seen + _strangers(rng, specimen)


def _strangers(rng: Generator, specimen: Specimen) -> Field:
    """Return what shines and is no nucleus: debris, and strands of other tissue."""
    field = np.zeros(specimen.shape)
    for _ in range(int(rng.integers(0, 25))):
        centre = [float(rng.uniform(0, n)) for n in specimen.shape]
        size, strength = float(rng.uniform(0.6, 1.4)), float(rng.uniform(0.2, 2))
        add_spot(field, centre, size, strength)
    if rng.random() < 0.4:
        fold = smooth_noise(rng, specimen.shape, rng.uniform(8, 14))
        sheet = np.exp(-((fold / rng.uniform(0.05, 0.15)) ** 2))
        patch = np.clip(smooth_noise(rng, specimen.shape, 10), 0, None)
        field += rng.uniform(0.2, 4) * sheet * patch
    return field
