"""Pixels that go to the middle of what they see, and meet: fragments of objects."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.pieces import connected_pieces

Maps = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

_MOST_DOUBLINGS = 12

# Small enough for what lies between two sums to stay in the processor.
_PIXELS_A_STEP = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Where pixels step that walk to the middle between the ends that they see.

    Parameters
    ----------
    leads : ndarray of int32, or of int64 if there are too many pixels
        For every pixel the flat index of the one to which it steps.
    leaving : ndarray of intp, shape (n,)
        Flat indices of the pixels that step out of their piece.
    """

    leads: npt.NDArray[np.signedinteger[Any]]
    leaving: Places


def iter_steps(
    reach: Maps, pixels: float, pieces: LabelMap
) -> Generator[None, None, Steps]:
    """Let every pixel step half of the difference of its two reaches along an axis.

    It is the axis where that is more: so it never leaves an object whose reach is
    right. Yields now and then.

    Parameters
    ----------
    reach : ndarray of float32, shape (2 * dims, ...)
        As `napari_unet.instances.reach.reach_maps` has it, without the foreground.
    pixels : float
        What a reach of 1 is, in pixels.
    pieces : ndarray of int32
        Numbered from 1; where it is 0, pixels stay.
    """
    shape, flat = pieces.shape, pieces.reshape(-1)
    line = math.prod(shape[1:])
    lines = max(1, _PIXELS_A_STEP // max(1, line))
    leads = np.empty(flat.shape, np.int32 if flat.size < 2**31 else np.int64)
    leaving = [np.zeros(0, np.intp)]
    for start in range(0, len(pieces), lines):
        band = slice(start, start + lines)
        move = _moves(reach[:, band], pixels, start, shape)
        move *= pieces[band] > 0
        where = slice(start * line, start * line + move.size)
        to = np.arange(where.start, where.stop) + move.reshape(-1)
        leads[where] = to
        leaving.append(where.start + np.flatnonzero(flat[to] != flat[where]))
        yield
    return Steps(leads, np.concatenate(leaving))


def _moves(reach: Maps, pixels: float, start: int, shape: tuple[int, ...]) -> Places:
    """Return by how many flat indices pixels step, in lines from one of an image on."""
    longest = np.zeros(reach.shape[1:], np.float32)
    length = np.zeros(reach.shape[1:], np.float32)
    strides = np.zeros(reach.shape[1:], np.intp)
    most = math.ceil(pixels / 2) + 1
    for axis, size in enumerate(shape):
        step = reach[2 * axis + 1] - reach[2 * axis]
        step *= pixels / 2
        _keep_inside(step.swapaxes(0, axis), most, 0 if axis else start, size)
        own = np.abs(step)
        longer = own > length
        np.copyto(longest, step, where=longer)
        np.copyto(length, own, where=longer)
        np.copyto(strides, math.prod(shape[axis + 1 :]), where=longer)
    strides *= np.rint(longest, out=longest).astype(np.intp)
    return strides


def _keep_inside(step: Maps, most: int, start: int, size: int) -> None:
    """Shorten steps that lead out of the image, in place, from a line of it on."""
    before = slice(0, max(0, most - start))
    after = slice(max(0, size - start - most), None)
    at = np.arange(start, start + len(step), dtype=np.float32)
    at = at.reshape(-1, *(1,) * (step.ndim - 1))
    np.maximum(step[before], -at[before], out=step[before])
    np.minimum(step[after], size - 1 - at[after], out=step[after])


def find_fragments(
    leads: npt.NDArray[np.signedinteger[Any]], inside: Mask, links: Sequence[Mask]
) -> tuple[LabelMap, int]:
    """Divide pixels by where they walk to.

    Where walks end, there are the middles of objects; a connected one and all that come
    to it are a fragment. An object may have several, and each belongs to one object.

    Parameters
    ----------
    leads : ndarray of int
        See `Steps`.
    inside : ndarray of bool
        Pixels to be divided; they step to each other.
    links : sequence of ndarray of bool
        Which neighbours belong together, see `connected_pieces`.

    Returns
    -------
    fragments : ndarray of int32
        From 1 on; 0 outside.
    count : int
        How many there are.
    """
    walkers = np.flatnonzero(inside)
    steps = leads[walkers]
    stops = np.zeros(inside.shape, bool)
    stops.reshape(-1)[steps] = True
    # Nearly all step to few pixels, so it is these whose walks are followed.
    few = np.flatnonzero(stops)
    numbers = np.zeros(inside.size, np.int32)
    numbers[few] = np.arange(len(few), dtype=np.int32)
    ends = few[_follow(numbers[leads[few]])]
    middle = np.zeros(inside.shape, bool)
    middle.reshape(-1)[ends] = True
    middles, count = connected_pieces(middle, links)
    numbers[few] = middles.reshape(-1)[ends]
    fragments = np.zeros(inside.shape, np.int32)
    fragments.reshape(-1)[walkers] = numbers[steps]
    return fragments, count


def _follow(leads: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return where walks end; each round doubles the steps. Circles end somewhere."""
    for _ in range(_MOST_DOUBLINGS):
        further = leads[leads]
        if np.array_equal(further, leads):
            break
        leads = further
    return leads
