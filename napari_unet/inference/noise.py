"""Whether there is anything in an image before it is predicted, or nothing but noise.

A model that zooms finds the grains of noise large enough to be objects, so this is
asked of the image first. Noise, however a camera or a filter has smoothed it, is a
Gaussian random field: whatever passes a band-pass filter is distributed normally again.
Things with an outline are not: their band-passed grey values have a heavy tail or a
slant (Field 1987, on natural images). So skewness and excess kurtosis are compared with
those of a Gaussian field that is correlated as much as this one.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import product

import numpy as np
from scipy import fft
from scipy import ndimage as ndi

from napari_unet.images.source import CanonicalImage
from napari_unet.inference.measure import Scale, telling_planes
from napari_unet.inference.model_input import Grey

_SCALES = (3.0, 1.5, 6.0, 12.0)
"""Widths of the band-pass filters, in pixels; the most telling one first."""

_OUTER = 1.6
_TILE = 512
_LEAST = 128
_DEGREE = 3
_UNCORRELATED = 0.05
_EFFECT = {3: 0.3, 4: 0.25}
"""What shot noise and uneven light add to skewness and kurtosis stays below."""

_SIGNIFICANCE = 3.5
_VARIANCE = {3: 6.0, 4: 24.0}
"""Of both, over independent normal numbers, times how many these are."""


def iter_only_noise(image: CanonicalImage, scale: Scale) -> Generator[None, None, bool]:
    """Find out whether no plane shows anything but noise; the telling ones first."""
    every = product(range(image.shape[0]), range(image.shape[2]))
    for t, z in dict.fromkeys([*telling_planes(image, scale), *every]):
        yield
        plane = scale(image.plane(t, z))
        yield
        if not (yield from iter_is_noise(plane)):
            return False
    return True


def iter_is_noise(image: Grey) -> Generator[None, None, bool]:
    """Find out whether a finite plane (C, Y, X) is large enough to be noise, and is."""
    if min(image.shape[1:]) < _LEAST:
        return False
    tiles = [tile for channel in image for tile in _tiles(channel)]
    # Where grey values differ most, something is found first.
    for tile in sorted(tiles, key=lambda each: -float(each.std())):
        yield
        if _has_structure(tile):
            return False
    return True


def _tiles(plane: Grey) -> list[Grey]:
    """Return squares that cover a plane; the last ones overlap those before."""
    starts = [
        sorted({min(start, max(0, n - _TILE)) for start in range(0, n, _TILE)})
        for n in plane.shape
    ]
    return [plane[y : y + _TILE, x : x + _TILE] for y, x in product(*starts)]


def _has_structure(tile: Grey) -> bool:
    even = _evenly_lit(tile)
    return any(
        _is_not_normal(_band_pass(even, scale))
        for scale in _SCALES
        if min(tile.shape) > 8 * scale
    )


def _evenly_lit(tile: Grey) -> Grey:
    """Return a tile without what a cubic surface explains, as uneven light is."""
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in tile.shape)
    terms = [(i, j) for i in range(4) for j in range(4) if i + j <= _DEGREE]
    surfaces = np.stack([np.outer(y**i, x**j) for i, j in terms])
    few = (slice(None, None, 4), slice(None, None, 4))
    basis = surfaces[(slice(None), *few)].reshape(len(terms), -1).T
    weights, *_ = np.linalg.lstsq(basis, tile[few].ravel(), rcond=None)
    return np.asarray(tile - np.tensordot(weights.astype(np.float32), surfaces, 1))


def _band_pass(tile: Grey, scale: float) -> Grey:
    """Return a difference of Gaussians with mean 0 and spread 1, or zeros."""
    inner, outer = (ndi.gaussian_filter(tile, s) for s in (scale, _OUTER * scale))
    # Mirrored borders are smoothed twice.
    margin = int(2 * scale)
    band = (inner - outer)[margin:-margin, margin:-margin]
    band = band - band.mean()
    spread = float(band.std())
    return np.asarray(band / spread if spread > 0 else band)


def _is_not_normal(band: Grey) -> bool:
    """Whether a moment differs from the normal one, by much and not by chance."""
    moments = {3: float((band**3).mean()), 4: float((band**4).mean()) - 3}
    large = [n for n, moment in moments.items() if abs(moment) > _EFFECT[n]]
    if not large or not band.any():
        return False
    correlation = _autocorrelation(band)
    return any(
        abs(moments[n])
        > _SIGNIFICANCE
        * np.sqrt(_VARIANCE[n] / band.size * abs(float((correlation**n).sum())))
        for n in large
    )


def _autocorrelation(band: Grey) -> Grey:
    """Return how the grey values near a pixel are correlated with its own.

    Not those farther away: what repeats itself, such as cells in a row, is no noise.
    """
    power = np.abs(fft.rfft2(band)) ** 2
    everywhere = fft.fftshift(fft.irfft2(power, s=band.shape))
    centre = tuple(n // 2 for n in band.shape)
    lobes, _ = ndi.label(everywhere > _UNCORRELATED * everywhere[centre])
    near = everywhere[lobes == lobes[centre]]
    return np.asarray(near / everywhere[centre])
