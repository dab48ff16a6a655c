"""An object that grows from a pixel into what a network sees around it.

Where a network finds nothing it often sees something all the same, more faintly than
where it is sure. So the level from which on its foreground counts is lowered, around
that pixel alone, and what neighbours it would tell apart stays apart. All sizes that
the object can have lie in each other, so one map holds them all: how high the level may
be for a pixel to belong to it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.morphology import reconstruction

from napari_unet.geometry.maps import Mask
from napari_unet.instances.seen import Grey, SeenPart

Pixel: TypeAlias = tuple[int, int]

REACH = 2.0
"""How far from its pixel an object grows at most, in usual diameters."""

_SURE = 1.0
"""From how many diameters on it has to be seen ever more clearly."""

_NEAR = 0.25
"""How near the pixel, in diameters, what it grows into has to begin."""

_SEEN = 0.02
"""Less foreground than that is none."""

_FIRST, _FAINTEST = 0.5, 0.25
"""Of the foreground beside the pixel: the first level, and the lowest."""

_STEP = 1.2
"""By how much an object is larger than the next smaller one."""

_LEAST = 5
"""Pixels below which an object is made no smaller."""

_OUT = -1.0
_AROUND = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """All sizes of an object that grows from a pixel.

    Parameters
    ----------
    at : tuple of two int
        The pixel, which belongs to it whatever the level.
    rise : ndarray of float, shape (Y, X)
        The highest level at which each pixel belongs to it; negative for never.
    free : ndarray of bool
        Where it may be: not over other objects.
    first : float
        A level that suits most objects.
    """

    at: Pixel
    rise: npt.NDArray[np.float64]
    free: Mask
    first: float

    def mask(self, level: float) -> Mask:
        """Return the object at a level: in one piece, and without holes."""
        filled = ndimage.binary_fill_holes(self.rise >= level) & self.free
        # What another object in it encloses does not hang together with it.
        pieces, _ = ndimage.label(filled, _AROUND)
        return np.asarray(pieces == pieces[self.at])

    def next_level(self, level: float, *, larger: bool) -> float:
        """Return the level of the next size; the same level where there is none."""
        now, tried = np.count_nonzero(self.mask(level)), level
        while (following := self._following(tried, larger=larger)) != tried:
            # What is filled anyway makes no difference.
            if np.count_nonzero(self.mask(following)) != now:
                return following
            tried = following
        return level

    def _following(self, level: float, *, larger: bool) -> float:
        ordered = np.sort(self.rise[self.rise >= 0])[::-1]
        now = int(np.count_nonzero(ordered >= level))
        if larger:
            if now == len(ordered):
                return level
            wanted = min(int(now * _STEP) + 1, len(ordered))
            return float(ordered[wanted - 1])
        smaller = ordered[ordered > ordered[now - 1]]
        wanted = min(int(now / _STEP), len(smaller))
        return float(smaller[wanted - 1]) if wanted >= _LEAST else level


def iter_growth(
    part: SeenPart, at: Pixel, free: Mask, diameter: float
) -> Generator[None, None, Growth | None]:
    """Let an object grow from a free pixel; None where the network sees nothing.

    Parameters
    ----------
    part : SeenPart
        What the network said around the pixel, `REACH` times the diameter to each side.
    at : tuple of two int
        The pixel, in that part.
    free : ndarray of bool
        Where in that part there is no other object.
    diameter : float
        How large objects usually are, in pixels of the image.
    """
    foreground = part.foreground()
    yield
    distance = _distance(at, free.shape)
    near = free & (distance <= max(1.0, _NEAR * diameter))
    peak = np.where(near, foreground, 0)
    top = np.unravel_index(int(peak.argmax()), peak.shape)
    seen = float(peak[top])
    if seen < _SEEN:
        return None
    pieces = yield from part.iter_pieces(_FAINTEST * seen)
    allowed = free & ((pieces == pieces[top]) | (near & (pieces == 0)))
    return grown(foreground, at, allowed, free, diameter, _FIRST * seen)


def grown(
    foreground: Grey,
    at: Pixel,
    allowed: Mask,
    free: Mask,
    diameter: float,
    first: float,
) -> Growth:
    """Return all sizes of an object that grows from a pixel into what is allowed."""
    beyond = _distance(at, allowed.shape) / diameter - _SURE
    stricter = np.clip(beyond / (REACH - _SURE), 0, 1)
    inside = allowed & (stricter < 1)
    # A pixel belongs to it whose foreground is level + (1 - level) * stricter or more.
    level = np.divide(
        foreground - stricter,
        1 - stricter,
        out=np.full(allowed.shape, _OUT),
        where=inside,
    ).clip(_OUT)
    level[at] = 1.0
    seed = np.full(level.shape, _OUT)
    seed[at] = 1.0
    rise = reconstruction(seed, level, footprint=_AROUND)
    return Growth(at, np.asarray(rise), free, first)


def _distance(at: Pixel, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    rows, columns = (np.arange(n) - a for n, a in zip(shape, at, strict=True))
    return np.hypot(rows[:, np.newaxis], columns)
