"""From the network's maps to one id per object."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from napari_unet.core.ids import count_pairs
from napari_unet.core.provenance import LabelMap
from napari_unet.core.targets import InstanceMap, Maps

_LEVELS = 20


class Decoding(BaseModel):
    """How maps become objects; stored with the model.

    Parameters
    ----------
    foreground : float
        Least foreground probability of an object's pixels.
    prominence : float
        How far the distance maps must fall between two peaks for these to be two
        objects. The maps are normalised within objects, so this is the same for
        small and large ones.
    smoothing : float
        Gaussian blur of the distance maps before peaks are looked for, in pixels.
    min_size : int
        Least area of an object, in pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    foreground: float = Field(0.5, gt=0, lt=1)
    prominence: float = Field(0.1, gt=0, lt=1)
    smoothing: float = Field(0.0, ge=0)
    min_size: int = Field(12, ge=1)


def decode_instances(maps: Maps, decoding: Decoding) -> LabelMap:
    """Separate objects by a seeded watershed.

    Seeds are the prominent peaks of the two distance maps; they flood the foreground.
    A piece of foreground in which no peak was found becomes one object.

    Parameters
    ----------
    maps : ndarray of float, shape (3, Y, X)
        Probabilities in the order of `napari_unet.core.targets.InstanceMap`.
    decoding : Decoding
        Thresholds.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        Ids count from 1; 0 is background.
    """
    foreground = maps[InstanceMap.FOREGROUND] >= decoding.foreground
    height = (maps[InstanceMap.CENTRE] + maps[InstanceMap.BORDER]) / 2
    if decoding.smoothing:
        height = ndi.gaussian_filter(height, decoding.smoothing)
    height = np.where(foreground, height, 0).astype(np.float32)
    peaks = prominent_peaks(height, decoding.prominence)
    return remove_small(flood(height, peaks, foreground), decoding.min_size)


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
    """
    levels = np.arange(1, _LEVELS + 1) / _LEVELS
    inside = np.flatnonzero(height >= levels[0])
    values = height.ravel()[inside]
    reached = np.searchsorted(levels, values, side="right").astype(np.uint8)
    # The highest first: at every level, those that reach it come before all others.
    order = np.argsort(_LEVELS - reached, kind="stable")
    inside, values = inside[order], values[order]
    members = np.cumsum(np.bincount(reached, minlength=_LEVELS + 1)[::-1])[::-1]
    steps = np.zeros(height.shape, np.uint8)
    steps.ravel()[inside] = reached[order]
    peaks = np.zeros(height.shape, np.int32)
    # One pixel of each peak: at lower levels all of it lies in one region.
    tops = np.zeros(0, inside.dtype)
    for step in range(_LEVELS, 0, -1):
        regions, n = ndi.label(steps >= step)
        count = members[step]
        of_members = regions.ravel()[inside[:count]]
        tall = np.zeros(n + 1, bool)
        tall[of_members[values[:count] >= levels[step - 1] + prominence]] = True
        tall[regions.ravel()[tops]] = False
        found = int(np.count_nonzero(tall))
        if found:
            ids = np.zeros(n + 1, np.int32)
            ids[tall] = np.arange(len(tops) + 1, len(tops) + found + 1)
            new = tall[of_members]
            place, numbers = inside[:count][new], ids[of_members[new]]
            peaks.ravel()[place] = numbers
            first = np.unique(numbers, return_index=True)[1]
            tops = np.concatenate([tops, place[first]])
    return peaks


def flood(
    height: npt.NDArray[np.float32],
    seeds: npt.NDArray[np.int32],
    foreground: npt.NDArray[np.bool_],
) -> LabelMap:
    """Divide the foreground among the seeds, as scikit-image's watershed does.

    A connected piece with one seed is all its own, so the watershed, by far the
    slowest step, is only computed where seeds meet. A piece without a seed becomes an
    object of a new id.

    Parameters
    ----------
    height : ndarray of float32, shape (Y, X)
        Flooded from above.
    seeds : ndarray of int32, shape (Y, X)
        Ids from 1, on the foreground; 0 elsewhere.
    foreground : ndarray of bool, shape (Y, X)
        What is divided.
    """
    pieces, count = ndi.label(foreground)
    seeded = seeds > 0
    holders, held, _ = count_pairs(pieces[seeded], seeds[seeded])
    owner = np.arange(count + 1, dtype=np.int32) + seeds.max(initial=0)
    owner[0] = 0
    owner[holders] = held
    labels: LabelMap = owner[pieces]
    boxes = ndi.find_objects(pieces)
    for piece in np.flatnonzero(np.bincount(holders, minlength=1) > 1):
        place = boxes[piece - 1]
        inside = pieces[place] == piece
        local = np.where(inside, seeds[place], 0)
        divided = watershed(-height[place], local, mask=inside)
        labels[place][inside] = divided[inside]
    return labels


def remove_small(labels: LabelMap, min_size: int) -> LabelMap:
    """Return labels without objects below `min_size` pixels, ids from 1 to n."""
    areas = np.bincount(labels.ravel())
    kept = areas >= min_size
    kept[0] = False
    ids = np.zeros(len(areas), np.int32)
    ids[kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return ids[labels]


def link_planes(planes: npt.NDArray[np.integer[Any]], iou: float = 0.5) -> LabelMap:
    """Give objects of neighbouring planes one id where they overlap enough.

    Parameters
    ----------
    planes : ndarray of int, shape (Z, Y, X)
        Labels that were found plane by plane.
    iou : float
        Least intersection over union of two sections of one object.

    Returns
    -------
    ndarray of int32, shape (Z, Y, X)
        Ids that are unique in the stack.
    """
    linked = np.zeros(planes.shape, np.int32)
    highest = 0
    for z, plane in enumerate(planes):
        ids = np.arange(plane.max(initial=0) + 1, dtype=np.int32)
        ids[1:] += highest
        if z:
            for below, above in _overlapping(linked[z - 1], plane, iou):
                ids[above] = below
        linked[z] = ids[plane]
        highest = max(highest, int(linked[z].max(initial=0)))
    return linked


def number_objects(stacks: LabelMap, *, link: bool = True) -> None:
    """Link the objects of each stack and make ids unique over time, in place.

    Parameters
    ----------
    stacks : ndarray of int32, shape (T, Z, Y, X)
        Labels that were found plane by plane, or volume by volume.
    link : bool
        Whether sections of a stack were found one by one.
    """
    highest = 0
    for stack in stacks:
        if link and len(stack) > 1:
            stack[:] = link_planes(stack)
        stack[stack > 0] += highest
        highest = max(highest, int(stack.max(initial=0)))


def _overlapping(
    below: npt.NDArray[np.integer[Any]], above: npt.NDArray[np.integer[Any]], iou: float
) -> list[tuple[int, int]]:
    """Return pairs of ids whose intersection over union exceeds `iou` >= 0.5."""
    both = (below > 0) & (above > 0)
    lower, upper, overlap = count_pairs(below[both], above[both])
    areas_below, areas_above = np.bincount(below.ravel()), np.bincount(above.ravel())
    union = areas_below[lower] + areas_above[upper] - overlap
    alike = overlap > iou * union
    return list(zip(lower[alike].tolist(), upper[alike].tolist(), strict=True))
