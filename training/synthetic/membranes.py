"""Tissue in an electron microscope: bright cytoplasm, dark membranes, organelles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.optics import Camera
from training.synthetic.scene import Field, Labels, Picture, tidy
from training.synthetic.shapes import offsets, random_outline, window
from training.synthetic.texture import band_noise, smooth_noise

_SHAPE = (448, 448)
_CAMERA = Camera(gain=0.62, offset=8, read_noise=4.0, bits=8)
_SMALLEST = 60
_MEMBRANE = 1.6  # half the width of a membrane pair, in pixels

Mask = npt.NDArray[np.bool_]


def draw_membranes(rng: Generator) -> Picture:
    """Draw a section with about a hundred cell profiles, 448 x 448 pixels, 8 bit."""
    cells, border = _profiles(rng, 120)
    width = _MEMBRANE * (1 + 0.25 * smooth_noise(rng, _SHAPE, 12))
    # A section shows every piece of a cell as a profile of its own.
    profiles, _ = ndi.label(border > width)
    labels = tidy(profiles.astype(np.int32), _SMALLEST)
    border[labels == 0] = np.minimum(border, width)[labels == 0]
    stain = _cytoplasm(rng, cells)
    stain *= _organelles(rng, cells, border)
    # Where the membrane is cut obliquely it looks wide and grey instead of sharp.
    oblique = 1.2 + 2.2 * np.maximum(smooth_noise(rng, _SHAPE, 20) - 1.1, 0)
    stain *= (
        1 - 0.68 * np.exp(-((border / (width * oblique)) ** 2) / 1.4) / oblique**0.5
    )
    scene = ndi.gaussian_filter(stain, 0.9, mode="nearest")
    scene *= 1 + 0.07 * smooth_noise(rng, _SHAPE, 90)
    return Picture(_CAMERA.expose(rng, 245 * scene), labels)


def _profiles(rng: Generator, count: int) -> tuple[Labels, Field]:
    """Return a cell id and the distance to the nearest other cell for every pixel."""
    sites = _sites(rng, count)
    y, x = _bent_grid(rng)
    # Weights make large and small cells lie side by side, as dendrites and axons do.
    weights = rng.gamma(1.6, 9.0, count)
    cost = np.stack(
        [
            np.hypot(y - sy, x - sx) - w
            for (sy, sx), w in zip(sites, weights, strict=True)
        ]
    )
    cells = cost.argmin(axis=0).astype(np.int32) + 1
    same = ndi.maximum_filter(cells, 3) == ndi.minimum_filter(cells, 3)
    return cells, np.asarray(ndi.distance_transform_edt(same))


def _sites(rng: Generator, count: int) -> npt.NDArray[np.float64]:
    """Return places that keep a distance from each other (best of several)."""
    sites = rng.uniform(-20, np.array(_SHAPE) + 20, (1, 2))
    while len(sites) < count:
        tries = rng.uniform(-20, np.array(_SHAPE) + 20, (6, 2))
        gaps = np.linalg.norm(tries[:, None] - sites[None], axis=2).min(axis=1)
        sites = np.concatenate([sites, tries[[gaps.argmax()]]])
    return np.asarray(sites)


def _bent_grid(rng: Generator) -> tuple[Field, Field]:
    """Return pixel coordinates that were bent, so that borders are not straight."""
    y, x = np.mgrid[: _SHAPE[0], : _SHAPE[1]].astype(float)
    wide = [14 * smooth_noise(rng, _SHAPE, 30) for _ in range(2)]
    fine = [2.6 * smooth_noise(rng, _SHAPE, 6) for _ in range(2)]
    return y + wide[0] + fine[0], x + wide[1] + fine[1]


def _cytoplasm(rng: Generator, cells: Labels) -> Field:
    """Return how bright the inside of every cell is, with its fine texture."""
    shade = rng.normal(1.0, 0.07, int(cells.max()) + 1)
    grain = 0.05 * band_noise(rng, _SHAPE, 1.0, 3.0)
    return np.asarray(shade[cells] * (1 + grain + 0.03 * smooth_noise(rng, _SHAPE, 9)))


def _organelles(rng: Generator, cells: Labels, border: Field) -> Field:
    """Return the light that mitochondria, vesicles and tubules let through."""
    through = np.ones(_SHAPE)
    room = border.copy()
    for _ in range(58):
        _add_mitochondrion(rng, through, room, cells)
    for _ in range(40):
        _add_vesicles(rng, through, room)
    tubules = np.abs(band_noise(rng, _SHAPE, 2.2, 6.0))
    patches = np.clip(smooth_noise(rng, _SHAPE, 16) - 0.5, 0, 1)
    through -= 0.3 * patches * np.exp(-((tubules / 0.12) ** 2)) * (border > 4)
    return through


def _add_mitochondrion(
    rng: Generator, through: Field, room: Field, cells: Labels
) -> None:
    """Put a dark oval with cristae where there is room for it, in place."""
    outline = random_outline(rng, (4.5, 9.5), elongation=(1.0, 2.4), waviness=0.08)
    places = np.argwhere(room > outline.radius / outline.elongation**0.5 + 2.5)
    if not len(places):
        return
    place = places[rng.integers(len(places))]
    region = window(place, outline.reach, _SHAPE)
    y, x = offsets(region, place)
    level = outline.level(y, x)
    inside = outline.coverage(level) * (cells[region] == cells[tuple(place)])
    inside = inside * (room[region] > 2)
    along, across = outline.local(y, x)
    folds = np.sin(2 * np.pi * (along + 0.8 * np.sin(across)) / rng.uniform(3.0, 4.5))
    dark = 0.3 + 0.09 * folds + 0.2 * np.exp(-((level - 0.95) ** 2) / 0.012)
    through[region] *= 1 - inside * dark
    room[region][inside > 0] = 0


def _add_vesicles(rng: Generator, through: Field, room: Field) -> None:
    """Put a small cloud of ring-shaped vesicles inside one cell, in place."""
    places = np.argwhere(room > 4)
    middle = places[rng.integers(len(places))]
    for _ in range(rng.integers(1, 9)):
        place = middle + rng.normal(0, 5, 2)
        region = window(place, 6, _SHAPE)
        y, x = offsets(region, place)
        ring = np.exp(-((np.hypot(y, x) - rng.uniform(1.6, 2.8)) ** 2) / 0.7)
        through[region] *= 1 - 0.34 * ring * (room[region] > 2)
