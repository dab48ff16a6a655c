"""Peaks that rise high enough above the paths to higher ones: one for each object.

How it flows: heights become whole steps. A *claim* begins as the step to which a peak
at that place would reach down, and spreads to neighbours as far as their heights carry
it (a morphological reconstruction by dilation). Where claims came to rest, each region
that no neighbour tops is a peak.
"""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
import numpy.typing as npt
import scipy
import skimage

from napari_unet.core.jobs import drain

Steps = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

LEVELS = 20
# Claims move a few pixels, most of them at once: so many times over the whole array,
# then from the pixels that changed. Along a spiral that would take for ever, and what
# is left is computed by scikit-image, slower but in a time that the size tells.
_DENSE_ROUNDS = 6
_SPARSE_ROUNDS = 1000


def prominent_peaks(
    height: npt.NDArray[np.float32], prominence: float
) -> npt.NDArray[np.int32]:
    """Return the peaks that rise by `prominence` above every path to a higher one.

    These are the h-maxima, as far as levels that are multiples of ``1 / 20`` can tell:
    from the highest level down, a connected region that reaches `prominence` above the
    level and holds no peak yet is a new peak.

    Parameters
    ----------
    height : ndarray of float32
        Values in [0, 1].
    prominence : float
        In the same unit.

    Returns
    -------
    ndarray of int32
        Regions of the peaks, numbered from 1; 0 elsewhere.

    Notes
    -----
    A region above a level is a new peak when the highest pixel in it reaches
    `prominence` above just this level and above no higher one. So a pixel's claim is
    the highest level below which it reaches `prominence`, and the new peaks of all
    levels are the regional maxima of the claims, after these have spread.
    """
    return drain(iter_prominent_peaks(height, prominence))


def iter_prominent_peaks(
    height: npt.NDArray[np.float32], prominence: float
) -> Generator[None, None, npt.NDArray[np.int32]]:
    """Do what `prominent_peaks` does in steps."""
    # A border of zeros, so that the neighbours of a flat index are where they seem.
    shape = tuple(n + 2 for n in height.shape)
    inner = (slice(1, -1),) * height.ndim
    padded = np.zeros(shape, np.float32)
    # What lies outside of 0 to 2 means the same as these, and NaN means nothing.
    padded[inner] = np.fmin(np.fmax(height, 0), 2)
    flat = padded.ravel()
    offsets = _offsets(shape)
    carried = _steps(flat)
    yield
    claims = _claims(flat, carried, prominence, offsets)
    yield
    _spread(claims, carried, offsets, shape)
    yield
    peaks = _number_maxima(claims, offsets, shape)
    return np.ascontiguousarray(peaks.reshape(shape)[inner])


def _offsets(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how far the next neighbours along each axis are in the flat array."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _steps(flat: npt.NDArray[np.float32]) -> Steps:
    """Return how many levels each pixel reaches.

    Twenty times a float32 is exact in float64, so none is rounded up to a level.
    """
    steps = np.empty(flat.shape, np.uint8)
    np.multiply(flat, LEVELS, out=steps, dtype=np.float64, casting="unsafe")
    return steps


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
    changed = _spread_everywhere(claims, carried, offsets)
    for _ in range(_SPARSE_ROUNDS):
        if not changed.size:
            return
        changed = _spread_from(changed, claims, carried, offsets)
    cross = scipy.ndimage.generate_binary_structure(len(shape), 1)
    rest = skimage.morphology.reconstruction(
        claims.reshape(shape), carried.reshape(shape), footprint=cross
    )
    claims[:] = rest.ravel()


def _spread_everywhere(
    claims: Steps, carried: Steps, offsets: tuple[int, ...]
) -> Places:
    """Spread by a few pixels; return what changed in the end."""
    before = claims.copy()
    for _ in range(_DENSE_ROUNDS):
        before[:] = claims
        for offset in offsets:
            np.maximum(claims[offset:], before[:-offset], out=claims[offset:])
            np.maximum(claims[:-offset], before[offset:], out=claims[:-offset])
        np.minimum(claims, carried, out=claims)
    return np.flatnonzero(claims != before)


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
    ranks = np.zeros(count + 1, np.int32)
    chosen = np.flatnonzero(top)
    ranks[chosen[np.argsort(-reached[chosen], kind="stable")]] = np.arange(
        1, len(chosen) + 1
    )
    peaks = np.zeros(claims.shape, np.int32)
    peaks[places] = ranks[numbers]
    return peaks
