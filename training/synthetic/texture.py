"""Random fields: what fills cells, background and light."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.scene import Field
from training.synthetic.shapes import offsets, window


def band_noise(
    rng: Generator, shape: tuple[int, ...], fine: float, coarse: float
) -> Field:
    """Return noise with structures between two sizes; mean 0, deviation 1.

    Parameters
    ----------
    shape : tuple of int
        Shape of the field; it wraps around, so it can be used as a tile.
    fine, coarse : float
        Standard deviations of the Gaussians between which the band lies, in pixels.
    """
    white = rng.standard_normal(shape)
    band = ndi.gaussian_filter(white, fine, mode="wrap")
    band -= ndi.gaussian_filter(white, coarse, mode="wrap")
    return np.asarray(band / band.std())


def smooth_noise(rng: Generator, shape: tuple[int, ...], scale: float) -> Field:
    """Return slowly varying noise of size `scale` in pixels; mean 0, deviation 1."""
    smooth = ndi.gaussian_filter(rng.standard_normal(shape), scale, mode="wrap")
    return np.asarray((smooth - smooth.mean()) / smooth.std())


def look_up(field: Field, *coordinates: Field) -> Field:
    """Read a tiled field at real coordinates, so that texture can move and turn."""
    shape = np.broadcast_shapes(*(c.shape for c in coordinates))
    points = np.stack([np.broadcast_to(c, shape) for c in coordinates])
    return np.asarray(ndi.map_coordinates(field, points, order=1, mode="grid-wrap"))


def scattered_spots(
    rng: Generator,
    shape: tuple[int, ...],
    *,
    count: int,
    size: tuple[float, float],
    strength: tuple[float, float],
) -> Field:
    """Return soft round spots at random places: debris, vesicles, dust.

    Parameters
    ----------
    count : int
        How many spots.
    size : tuple of float
        Smallest and largest standard deviation of a spot, in pixels.
    strength : tuple of float
        Smallest and largest height of a spot.
    """
    field = np.zeros(shape)
    for _ in range(count):
        centre = [rng.uniform(0, n) for n in shape]
        add_spot(field, centre, rng.uniform(*size), rng.uniform(*strength))
    return field


def add_spot(field: Field, centre: list[float], sigma: float, height: float) -> None:
    """Add one Gaussian spot to `field`, in place."""
    region = window(centre, 4 * sigma, field.shape)
    squares = [offset**2 for offset in offsets(region, centre)]
    field[region] += height * np.exp(-sum(squares) / (2 * sigma**2))
