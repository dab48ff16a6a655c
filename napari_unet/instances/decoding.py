"""From the network's maps to one id per object."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy
import skimage
from pydantic import BaseModel, ConfigDict, Field

from napari_unet.core.jobs import drain
from napari_unet.geometry.ids import count_pairs
from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.peaks import iter_prominent_peaks
from napari_unet.instances.targets import InstanceMap, Maps

# Of the watershed: some tens of milliseconds.
_PIXELS_A_STEP = 2**16


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
        Probabilities in the order of `napari_unet.instances.targets.InstanceMap`.
    decoding : Decoding
        Thresholds.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        Ids count from 1; 0 is background.
    """
    return drain(iter_decode(maps, decoding))


def iter_decode(maps: Maps, decoding: Decoding) -> Generator[None, None, LabelMap]:
    """Do what `decode_instances` does in steps, between which it can be cancelled."""
    foreground = maps[InstanceMap.FOREGROUND] >= decoding.foreground
    height = (maps[InstanceMap.CENTRE] + maps[InstanceMap.BORDER]) / 2
    if decoding.smoothing:
        height = scipy.ndimage.gaussian_filter(height, decoding.smoothing)
    height = np.where(foreground, height, 0).astype(np.float32)
    yield
    peaks = yield from iter_prominent_peaks(height, decoding.prominence)
    yield
    labels = yield from iter_flood(height, peaks, foreground)
    yield
    return remove_small(labels, decoding.min_size)


def iter_flood(
    height: npt.NDArray[np.float32],
    seeds: npt.NDArray[np.int32],
    foreground: npt.NDArray[np.bool_],
) -> Generator[None, None, LabelMap]:
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


def remove_small(labels: LabelMap, min_size: int) -> LabelMap:
    """Return labels without objects below `min_size` pixels, ids from 1 to n."""
    areas = np.bincount(labels.ravel())
    kept = areas >= min_size
    kept[0] = False
    ids = np.zeros(len(areas), np.int32)
    ids[kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return ids[labels]


def link_planes(planes: npt.NDArray[np.integer[Any]], iou: float = 0.5) -> LabelMap:
    """Give objects of neighbouring planes one id; see `iter_link_planes`."""
    return drain(iter_link_planes(planes, iou))


def iter_link_planes(
    planes: npt.NDArray[np.integer[Any]], iou: float = 0.5
) -> Generator[None, None, LabelMap]:
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
        yield
    return linked


def iter_number_objects(
    stacks: LabelMap, *, link: bool = True
) -> Generator[None, None, None]:
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
            stack[:] = yield from iter_link_planes(stack)
        stack[stack > 0] += highest
        highest = max(highest, int(stack.max(initial=0)))
        yield


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
