"""From the network's maps to one id per object."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from napari_unet.core.provenance import LabelMap
from napari_unet.core.targets import InstanceMap, Maps


class Decoding(BaseModel):
    """How maps become objects; stored with the model.

    Parameters
    ----------
    foreground : float
        Least foreground probability of an object's pixels.
    centre : float
        Least closeness to the centre in the seed of an object.
    border : float
        Least border distance in the seed of an object.
    smoothing : float
        Gaussian blur of the distance maps before seeds are looked for, in pixels.
    min_size : int
        Least area of an object, in pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    foreground: float = Field(0.5, gt=0, lt=1)
    centre: float = Field(0.5, gt=0, lt=1)
    border: float = Field(0.35, ge=0, lt=1)
    smoothing: float = Field(0.0, ge=0)
    min_size: int = Field(12, ge=1)


def decode_instances(maps: Maps, decoding: Decoding) -> LabelMap:
    """Separate objects by a seeded watershed.

    Seeds are connected regions near the centre of an object; they flood the
    foreground along the distance maps. A piece of foreground in which no seed was
    found becomes one object.

    Parameters
    ----------
    maps : ndarray of float, shape (3, Y, X)
        Probabilities in the order of `napari_unet.core.targets.InstanceMap`.
    decoding : Decoding
        Thresholds.

    Returns
    -------
    ndarray of int32, shape (Y, X)
        Ids count from 1 in reading order of the seeds; 0 is background.
    """
    foreground = maps[InstanceMap.FOREGROUND] >= decoding.foreground
    centre = _smooth(maps[InstanceMap.CENTRE], decoding.smoothing)
    border = _smooth(maps[InstanceMap.BORDER], decoding.smoothing)
    inside = foreground & (centre >= decoding.centre) & (border >= decoding.border)
    seeds = _with_seedless_pieces(_components(inside), foreground)
    labels = watershed(-(centre + border), seeds, mask=foreground)
    return remove_small(labels.astype(np.int32), decoding.min_size)


def _smooth(values: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    return ndi.gaussian_filter(values, sigma) if sigma else values


def _components(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    labels, _ = ndi.label(mask)
    return np.asarray(labels, np.int32)


def _with_seedless_pieces(
    seeds: npt.NDArray[np.int32], foreground: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int32]:
    pieces = _components(foreground)
    count = int(pieces.max(initial=0))
    seeded = np.zeros(count + 1, bool)
    seeded[pieces[seeds > 0]] = True
    seeded[0] = True
    alone = ~seeded[pieces]
    return np.where(alone, pieces + seeds.max(initial=0), seeds).astype(np.int32)


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


def _overlapping(
    below: npt.NDArray[np.integer[Any]], above: npt.NDArray[np.integer[Any]], iou: float
) -> list[tuple[int, int]]:
    """Return pairs of ids whose intersection over union exceeds `iou` >= 0.5."""
    both = (below > 0) & (above > 0)
    pairs, overlap = np.unique(
        np.stack([below[both], above[both]]), axis=1, return_counts=True
    )
    areas_below, areas_above = np.bincount(below.ravel()), np.bincount(above.ravel())
    union = areas_below[pairs[0]] + areas_above[pairs[1]] - overlap
    return [(int(b), int(a)) for b, a in pairs[:, overlap > iou * union].T]
