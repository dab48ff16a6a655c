"""Seeds at the prominent peaks of a map, and the watershed from them."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
import numpy.typing as npt
import scipy
import skimage

from napari_unet.geometry.ids import count_pairs
from napari_unet.geometry.maps import LabelMap

Steps = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

LEVELS = 20
# Claims move a few pixels, most of them at once: so many times over the whole array,
# then from the pixels that changed. Along a spiral that would take for ever, and what
# is left is computed by scikit-image, slower but in a time that the size tells.
_DENSE_ROUNDS = 6
_SPARSE_ROUNDS = 1000

# Of the watershed: some tens of milliseconds.
_PIXELS_A_STEP = 2**16


def iter_flood(
    height: npt.NDArray[np.float32],
    seeds: npt.NDArray[np.int32],
    foreground: npt.NDArray[np.bool_],
) -> Generator[None, None, LabelMap]:
    """Divide the foreground among the seeds, as scikit-image's watershed does.

    A connected piece with one seed is all its own, so the watershed, by far the
    slowest step, is only computed where seeds meet. A piece without a seed becomes an
    object of a new id. Height is flooded from above.
    """
    pieces, count = scipy.ndimage.label(foreground)
    seeded = seeds > 0
    holders, held, _ = count_pairs(pieces[seeded], seeds[seeded])
    owner = np.arange(count + 1, dtype=np.int32) + seeds.max(initial=0)
    owner[0] = 0
    owner[holders] = held
    labels: LabelMap = owner[pieces]
    yield
    boxes = scipy.ndimage.find_objects(pieces)
    since = 0
    for piece in np.flatnonzero(np.bincount(holders, minlength=1) > 1):
        place = boxes[piece - 1]
        since += pieces[place].size
        if since > _PIXELS_A_STEP:
            yield
            since = 0
        inside = pieces[place] == piece
        local = np.where(inside, seeds[place], 0)
        divided = skimage.segmentation.watershed(-height[place], local, mask=inside)
        labels[place][inside] = divided[inside]
    return labels


def iter_prominent_peaks(
    height: npt.NDArray[np.float32], prominence: float
) -> Generator[None, None, npt.NDArray[np.int32]]:
    """Return the peaks that rise by `prominence` above every path to a higher one.

    These are the h-maxima, as far as levels that are multiples of ``1 / 20`` can tell:
    from the highest level down, a connected region that reaches `prominence` above the
    level and holds no peak yet is a new peak. Heights are in [0, 1]. Regions of peaks
    are numbered from 1.

    The highest pixel of such a region reaches `prominence` above just this level and
    above no higher one. So a pixel's *claim* is the highest level below which it
    reaches `prominence`. Claims spread to neighbours as far as their heights carry them
    (a morphological reconstruction by dilation). Then the new peaks of all levels are
    the regional maxima of the claims.
    """
    # A border of zeros, so that the neighbours of a flat index are where they seem.
    shape = tuple(n + 2 for n in height.shape)
    inner = (slice(1, -1),) * height.ndim
    padded = np.zeros(shape, np.float32)
    # What lies outside of 0 to 2 means the same as these, and NaN means nothing.
    padded[inner] = np.fmin(np.fmax(height, 0), 2)
    flat = padded.ravel()
    # How far the next neighbours along each axis are in the flat array.
    offsets = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    # Levels that each pixel reaches. Twenty times a float32 is exact in float64, so
    # none is rounded up to a level.
    carried = np.empty(flat.shape, np.uint8)
    np.multiply(flat, LEVELS, out=carried, dtype=np.float64, casting="unsafe")
    yield
    claims = _claims(flat, carried, prominence, offsets)
    yield
    _spread(claims, carried, offsets, shape)
    yield
    peaks = _number_maxima(claims, offsets, shape)
    return np.ascontiguousarray(peaks.reshape(shape)[inner])


def _claims(
    flat: npt.NDArray[np.float32],
    carried: Steps,
    prominence: float,
    offsets: tuple[int, ...],
) -> Steps:
    """Return the level, in steps, of the peak that each pixel would be the top of.

    It has to be right at local maxima only, for all others have a higher neighbour;
    there it may be too low, which spreads as quickly and costs less.
    """
    lower = math.ceil(prominence * LEVELS) + 1
    claims: Steps = np.maximum(carried, lower) - np.uint8(lower)
    tops = np.flatnonzero(_topped_by_none(flat, offsets) & (carried > 0))
    needed = np.arange(1, LEVELS + 1) / LEVELS + prominence
    claims[tops] = np.searchsorted(needed, flat[tops], side="right")
    return claims


def _topped_by_none(
    flat: npt.NDArray[np.float32] | Steps, offsets: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """Return where no neighbour is higher."""
    none = np.ones(flat.shape, bool)
    for offset in offsets:
        none[offset:] &= flat[offset:] >= flat[:-offset]
        none[:-offset] &= flat[:-offset] >= flat[offset:]
    return none


def _spread(
    claims: Steps, carried: Steps, offsets: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    """Let claims spread, in place, until all are as high as they can be carried."""
    before = claims.copy()
    for _ in range(_DENSE_ROUNDS):
        before[:] = claims
        for offset in offsets:
            np.maximum(claims[offset:], before[:-offset], out=claims[offset:])
            np.maximum(claims[:-offset], before[offset:], out=claims[:-offset])
        np.minimum(claims, carried, out=claims)
    changed = np.flatnonzero(claims != before)
    for _ in range(_SPARSE_ROUNDS):
        if not changed.size:
            return
        changed = _spread_from(changed, claims, carried, offsets)
    cross = scipy.ndimage.generate_binary_structure(len(shape), 1)
    rest = skimage.morphology.reconstruction(
        claims.reshape(shape), carried.reshape(shape), footprint=cross
    )
    claims[:] = rest.ravel()


def _spread_from(
    places: Places, claims: Steps, carried: Steps, offsets: tuple[int, ...]
) -> Places:
    """Spread to the neighbours of some pixels; return which of them changed."""
    changed = []
    for offset in (*offsets, *(-offset for offset in offsets)):
        neighbours = places + offset
        brought = np.minimum(claims[places], carried[neighbours])
        higher = brought > claims[neighbours]
        claims[neighbours[higher]] = brought[higher]
        changed.append(neighbours[higher])
    return np.unique(np.concatenate(changed))


def _number_maxima(
    claims: Steps, offsets: tuple[int, ...], shape: tuple[int, ...]
) -> npt.NDArray[np.int32]:
    """Give the regional maxima numbers, the highest first, then in reading order."""
    level = _topped_by_none(claims, offsets) & (claims > 0)
    regions, count = scipy.ndimage.label(level.reshape(shape))
    places = np.flatnonzero(level)
    numbers = regions.ravel()[places]
    claimed = claims[places]
    top = np.ones(count + 1, bool)
    top[0] = False
    for offset in (*offsets, *(-offset for offset in offsets)):
        # As high, and topped by another neighbour: all of that region is.
        goes_on = (claims[places + offset] == claimed) & ~level[places + offset]
        top[numbers[goes_on]] = False
    reached = np.zeros(count + 1, np.int16)
    reached[numbers] = claimed
    chosen = np.flatnonzero(top)
    highest_first = chosen[np.argsort(-reached[chosen], kind="stable")]
    ranks = np.zeros(count + 1, np.int32)
    ranks[highest_first] = np.arange(1, len(chosen) + 1)
    peaks = np.zeros(claims.shape, np.int32)
    peaks[places] = ranks[numbers]
    return peaks
