"""Look at an image before it is predicted: is there anything, and of which size.

Is there anything: a model that zooms finds the grains of noise large enough to be
objects, so this is asked of the image first. Noise, however a camera or a filter has
smoothed it, is a Gaussian random field: whatever passes a band-pass filter is
distributed normally again. Things with an outline are not: their band-passed grey
values have a heavy tail or a slant (Field 1987, on natural images). So skewness and
excess kurtosis are compared with those of a Gaussian field that is correlated as much
as this one.

Of which size: a quick look at a part of the image, with the network itself, measures
objects that have a size the network knows. Others are measured wrongly, but on the
right side: so the part is zoomed by what was measured, and looked at again. Very large
objects are the exception, because the network sees no more than their texture; so the
first look is taken from afar, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy import ndimage as ndi
from skimage.segmentation import clear_border

from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.source import CanonicalImage
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.model_input import (
    LEAST_ZOOM,
    MOST_ZOOM,
    Grey,
    Range,
    resize,
    zoom_for,
    zoomed_shape,
)
from napari_unet.instances.diameter import typical_of

Scale: TypeAlias = Callable[[npt.NDArray[Any]], Grey]
"""Normalises pixels (C, Y, X) with the statistics of the whole image."""

Segment: TypeAlias = Callable[[Grey], Generator[PredictEvent, None, LabelMap]]

_SAMPLE = 512
_CHOICE = 4
_PLANES = 3
_ROUNDS = 3
_AFAR = 1 / 3
_NEAR = 2.0
_LEAST_EXPECTED = 2.0

_OUT_OF_SIGHT = 4.0
_OTHER_OBJECTS = 3.0
_SAME_COVER = 0.9
"""From afar objects may be seen that are so many times larger than any that the model
knows, and than those seen before, and cover as much: those are their texture. Smaller
ones are more likely to be some that merge from afar, as spread cells do."""

_OF_PLANE = 0.5
"""Objects that are larger than this share of a plane are what merges from afar: of
those that are seen whole there would be room for one."""

_LEAST_SEEN = 4.0
"""Pixels across: what is smaller is grain, and would be found everywhere if it were
enlarged."""

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


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen at some zoom: diameter in pixels of the plane, share of objects."""

    zoom: float
    diameter: float
    cover: float


def plausible(expected: float | None, shape: tuple[int, ...]) -> float | None:
    """Return a diameter that a pixel size makes likely, if the plane can hold it."""
    believed = expected is not None and _LEAST_EXPECTED <= expected <= max(shape)
    return expected if believed else None


def telling_planes(image: CanonicalImage, scale: Scale) -> list[tuple[int, int]]:
    """Return a few planes, of nine, in which there is most to see, the best first."""
    frames, sections = ({0, n // 2, n - 1} for n in (image.shape[0], image.shape[2]))
    step = max(1, max(image.shape[3:]) // _SAMPLE)
    seen = {
        (t, z): float(scale(image.plane(t, z)[:, ::step, ::step]).std())
        for t, z in product(frames, sections)
    }
    return sorted(seen, key=lambda place: -seen[place])[:_PLANES]


def measure_objects(
    image: CanonicalImage,
    scale: Scale,
    known: Range,
    segment: Segment,
    expected: float | None,
) -> Generator[PredictEvent, None, float | None]:
    """Measure the objects where there is most to see, once for all planes."""
    for t, z in telling_planes(image, scale):
        plane = scale(image.plane(t, z))
        found = yield from estimate_diameter(plane, known, segment, expected)
        if found is not None:
            return found
    return None


def estimate_diameter(
    plane: Grey, known: Range, segment: Segment, expected: float | None = None
) -> Generator[PredictEvent, None, float | None]:
    """Measure the objects in the part of a normalised plane that shows most.

    Diameters are in pixels: the smallest and largest that the model knows, and the one
    that the pixel size makes likely, which is looked at first.
    """
    look = None
    if expected is not None:
        zoom = zoom_for(expected, known, plane.shape[1:])
        look = yield from _look(plane, zoom, segment)
    look = look or (yield from _first_look(plane, known, segment))
    for _ in range(_ROUNDS - 1):
        if look is None or known[0] <= look.diameter * look.zoom <= known[1]:
            break
        # Well inside what is known, so that the next look is a trustworthy one.
        wanted = math.sqrt(known[0] * known[1]) / look.diameter
        zoom = float(np.clip(wanted, LEAST_ZOOM, MOST_ZOOM))
        look = (yield from _look(plane, zoom, segment)) or look
    if look is None or look.diameter < _LEAST_SEEN:
        return None
    return look.diameter


def _first_look(
    plane: Grey, known: Range, segment: Segment
) -> Generator[PredictEvent, None, _Look | None]:
    """Look at a plane as it is and from afar, or from near if there is nothing."""
    as_it_is = yield from _look(plane, 1.0, segment)
    afar = yield from _look(plane, _AFAR, segment)
    if as_it_is is None or afar is None:
        return as_it_is or afar or (yield from _look(plane, _NEAR, segment))
    most = _OF_PLANE * min(plane.shape[1:])
    least = max(_OUT_OF_SIGHT * known[1], _OTHER_OBJECTS * as_it_is.diameter)
    larger = least <= afar.diameter <= most
    return afar if larger and afar.cover >= _SAME_COVER * as_it_is.cover else as_it_is


def _look(
    plane: Grey, zoom: float, segment: Segment
) -> Generator[PredictEvent, None, _Look | None]:
    """Look at some pixels of the network's own grid, whatever part that is."""
    part = _telling_part(plane, round(_SAMPLE / zoom))
    labels = yield from segment(resize(part, zoomed_shape(part.shape[1:], zoom)))
    measured = typical_diameter(_whole_objects(labels))
    if measured is None:
        return None
    return _Look(zoom, measured / zoom, np.count_nonzero(labels) / labels.size)


def _telling_part(plane: Grey, size: int) -> Grey:
    """Return the square, among some, in which grey values differ most."""
    shares = np.linspace(0, 1, _CHOICE)
    starts = [[round(max(0, n - size) * s) for s in shares] for n in plane.shape[1:]]
    boxes = [
        Box((y, x), (y + size, x + size)).intersect(Box.whole(plane.shape[1:]))
        for y, x in product(*starts)
    ]
    spread = [float(plane[:, *box.slices].std()) for box in boxes]
    return plane[:, *boxes[int(np.argmax(spread))].slices]


def _whole_objects(labels: LabelMap) -> LabelMap:
    """Return labels without the objects that the border cuts, if others are left."""
    whole: LabelMap = clear_border(labels)
    return whole if whole.any() else labels


def typical_diameter(labels: npt.NDArray[np.integer[Any]]) -> float | None:
    """Return the diameter of the typical object in pixels; None where there is none."""
    dense, ids = compact(labels)
    return typical_of(np.bincount(dense.ravel(), minlength=1)[ids > 0])


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
