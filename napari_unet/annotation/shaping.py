"""How objects of a plane change their shape: label maps of shape (Y, X), in place.

A path is a line over the map, which may leave it; `places` are the boxes in which the
objects lie that are changed, with a pixel around them where there is one. Pixels that
meet at a corner hang together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from napari_unet.geometry.line import Path
from napari_unet.geometry.maps import LabelMap, Mask

Places: TypeAlias = Mapping[int, tuple[slice, ...]]
"""Where the objects lie, by id."""

NewId: TypeAlias = Callable[[], int]
"""Returns an id that nobody has used."""

LEAST_PART = 3
"""Pixels that a part has at least: a line that grazes an object cuts nothing off."""

_SMOOTHING, _MOST_SMOOTHING, _LEAST_SMOOTHING = 0.2, 8.0, 0.5
"""Sigma by the thickness of an object, and between which pixels it is."""

_AROUND = np.ones((3, 3), bool)


def split(labels: LabelMap, path: Path, places: Places, new_id: NewId) -> None:
    """Cut the objects that a line crosses, without a gap.

    The pixels on the line go to a part that they touch. Only pieces of an object are
    cut that the line divides. The largest part of each keeps the id, the others get new
    ones.
    """
    line = marked(path, labels.shape)
    for object_id, place in places.items():
        local = labels[place]
        for part in _parts_cut_off(local == object_id, line[place]):
            local[part] = new_id()


def _parts_cut_off(mask: Mask, line: Mask) -> list[Mask]:
    """Return the parts that an object loses."""
    lost = []
    pieces, _ = pieces_of(mask)
    for number in _numbers(pieces[line]):
        piece = pieces == number
        parts, count = pieces_of(piece & ~line)
        large = np.bincount(parts[piece], minlength=count + 1) >= LEAST_PART
        large[0] = False
        if large.sum() < 2:
            continue
        seeds = np.where(large[parts], parts, 0)
        parts = _spread(seeds, piece & (seeds == 0))
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        sizes[0] = 0
        kept = sizes.argmax()
        lost += [parts == each for each in np.flatnonzero(sizes) if each != kept]
    return lost


def _spread(parts: LabelMap, left: Mask) -> LabelMap:
    """Return parts that have taken in what is left, each pixel the nearest by foot."""
    rows, columns = (np.flatnonzero(left.any(axis=axis)) for axis in (1, 0))
    place = tuple(slice(max(0, at[0] - 1), at[-1] + 2) for at in (rows, columns))
    local = left[place]
    # Only pixels beside it can reach it.
    near = ndimage.binary_dilation(local, _AROUND) & (local | (parts[place] > 0))
    flat = np.zeros(local.shape, np.uint8)
    seeds = np.where(near, parts[place], 0)
    spread = watershed(flat, seeds, connectivity=2, mask=near)
    parts[place][local] = spread[local]
    return parts


def merge(labels: LabelMap, path: Path, places: Places) -> None:
    """Make the objects that a line passes one, with the id of the first in `places`.

    Pieces that do not hang together are joined by the part of the line between them,
    three pixels wide where there is background around it. Beside it a gap stays, and
    nothing is filled where they touch.
    """
    first = next(iter(places))
    objects = np.zeros(labels.shape, bool)
    for object_id, place in places.items():
        objects[place] |= labels[place] == object_id
    free = labels == 0
    labels[objects | _bridge(objects, free, path)] = first


def _bridge(objects: Mask, free: Mask, path: Path) -> Mask:
    """Return the background that joins the pieces of objects that a line passes."""
    pieces, count = pieces_of(objects)
    within = inside(path, objects.shape)
    on = np.full(len(path), -1, np.intp)
    on[within] = pieces[tuple(path[within].T)]
    joined = np.arange(count + 1)
    filled = np.zeros(objects.shape, bool)
    for start, stop in pairwise(np.flatnonzero(on > 0).tolist()):
        first, second = joined[on[start]], joined[on[stop]]
        if first != second and not on[start + 1 : stop].any():
            filled[tuple(path[start + 1 : stop].T)] = True
            joined[joined == second] = first
    return np.asarray(ndimage.binary_dilation(filled, _AROUND) & free)


def fill_holes(labels: LabelMap, path: Path, places: Places) -> None:
    """Fill what the objects that a line passes enclose; other objects in there stay.

    Where the line begins in a hole, those of the innermost object around it are filled.
    """
    passed = set(labels[tuple(path[inside(path, labels.shape)].T)].tolist())
    holes = {each: _holes(labels[place] == each) for each, place in places.items()}
    # The holes of what lies in a hole are smaller.
    inner_first = sorted(holes, key=lambda each: np.count_nonzero(holes[each]))
    start = marked(path[:1], labels.shape)
    around = [each for each in inner_first if holes[each][start[places[each]]].any()]
    for object_id in around[:1] or [each for each in inner_first if each in passed]:
        local = labels[places[object_id]]
        local[holes[object_id] & (local == 0)] = object_id


def _holes(mask: Mask) -> Mask:
    return np.asarray(ndimage.binary_fill_holes(mask) & ~mask)


def may_enclose(labels: LabelMap, at: tuple[int, int]) -> frozenset[int]:
    """Return the objects that may enclose a pixel: seen from there to all four sides.

    So only few of them need to be looked at.
    """
    row, column = labels[at[0]], labels[:, at[1]]
    sides = (row[: at[1]], row[at[1] + 1 :], column[: at[0]], column[at[0] + 1 :])
    seen = [frozenset(np.unique(side).tolist()) for side in sides]
    return reduce(frozenset.intersection, seen) - {0}


def smooth(labels: LabelMap, path: Path, places: Places) -> None:
    """Give objects a smoother outline, of the pieces that a line passes.

    The outline is where a Gaussian as wide as suits the thickness has fallen to a half.
    An object grows into background alone, and no piece of it is lost or falls apart: it
    is smoothed less then, or not at all.
    """
    line = marked(path, labels.shape)
    for object_id, place in places.items():
        local = labels[place]
        pieces, _ = pieces_of(local == object_id)
        for number in _numbers(pieces[line[place]]):
            piece = pieces == number
            smoother = _smoothed(piece, local == 0)
            local[piece] = 0
            local[smoother] = object_id


def _smoothed(piece: Mask, free: Mask) -> Mask:
    # The radius of a disk, the width of a rod.
    thickness = 2 * np.count_nonzero(piece) / max(1, _rim(piece))
    sigma = min(max(_SMOOTHING * thickness, _LEAST_SMOOTHING), _MOST_SMOOTHING)
    while sigma >= _LEAST_SMOOTHING:
        soft = piece.astype(np.float32)
        ndimage.gaussian_filter(soft, sigma, output=soft, mode="nearest", truncate=2)
        smoother = (soft > 0.5) & (piece | free)
        if pieces_of(smoother)[1] == 1:
            return np.asarray(smoother)
        sigma /= 2
    return piece


def _rim(piece: Mask) -> int:
    """Return how many pixels have a side in common with what is not theirs."""
    inner = piece.copy()
    inner[1:] &= piece[:-1]
    inner[:-1] &= piece[1:]
    inner[:, 1:] &= piece[:, :-1]
    inner[:, :-1] &= piece[:, 1:]
    return int(np.count_nonzero(piece & ~inner))


def marked(path: Path, shape: tuple[int, ...]) -> Mask:
    """Return a mask of the pixels of a path that lie inside of a shape."""
    mask = np.zeros(shape, bool)
    mask[tuple(path[inside(path, shape)].T)] = True
    return mask


def inside(path: Path, shape: tuple[int, ...]) -> Mask:
    """Return which pixels of a path lie inside of a shape."""
    return np.asarray(((path >= 0) & (path < shape)).all(axis=1))


def pieces_of(mask: Mask) -> tuple[LabelMap, int]:
    """Return the pieces of a mask, numbered from 1, and how many there are."""
    pieces, count = ndimage.label(mask, _AROUND)
    return pieces.astype(np.int32, copy=False), int(count)


def _numbers(found: npt.NDArray[np.integer[Any]]) -> list[int]:
    return [each for each in np.unique(found).tolist() if each]
