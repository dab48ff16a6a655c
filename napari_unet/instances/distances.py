"""What the instance head learns: maps that are computed from a label map.

Three maps: foreground, closeness to the centre and distance to the border, the last
two normalised to [0, 1] within every object, so they do not depend on its size and
survive being rescaled. This follows the foreground, centre and boundary distance
decoder of torch-em and micro-sam (Archit et al., Nature Methods 2025).
"""

from __future__ import annotations

import math
from collections.abc import Generator
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact

Maps = npt.NDArray[np.float32]

_PIXELS_AT_ONCE = 2**17
_COST_OF_OBJECT = 2**10


class InstanceMap(IntEnum):
    """Order of the maps along the first axis."""

    FOREGROUND = 0
    CENTRE = 1
    BORDER = 2


def instance_targets(labels: npt.NDArray[np.integer[Any]]) -> Maps:
    """Return the target maps of a label map.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X)
        Object ids; 0 is background.

    Returns
    -------
    ndarray of float32, shape (3, Y, X)
        Foreground (0 or 1), centre closeness (1 at the centre, near 0 at the farthest
        border pixel) and border distance (1 at the innermost pixel). 0 outside.
    """
    return drain(iter_instance_targets(labels))


def iter_instance_targets(
    labels: npt.NDArray[np.integer[Any]],
) -> Generator[None, None, Maps]:
    """Draw the maps of `instance_targets`; yields after every few objects."""
    maps = np.zeros((len(InstanceMap), *labels.shape), np.float32)
    maps[InstanceMap.FOREGROUND] = labels > 0
    # `find_objects` allocates up to the largest id.
    dense, ids = compact(labels)
    drawn = 0
    for index, region in enumerate(scipy.ndimage.find_objects(dense), start=1):
        if region is not None and ids[index] > 0:
            _draw_object(maps[(slice(None), *region)], dense, region, index)
            drawn += _COST_OF_OBJECT + math.prod(s.stop - s.start for s in region)
        if drawn > _PIXELS_AT_ONCE:
            drawn = 0
            yield
    return maps


def _draw_object(
    maps: Maps,
    labels: npt.NDArray[np.int32],
    region: tuple[slice, ...],
    index: int,
) -> None:
    mask = labels[region] == index
    # Where the image ends the object may go on: only its own border counts.
    box = Box.from_slices(region)
    around = box.grow(1, labels.shape)
    distance = scipy.ndimage.distance_transform_edt(labels[around.slices] == index)
    distance = distance[box.relative_to(around).slices]
    if not np.isfinite(distance).all() or distance.max() <= 0:
        distance = mask.astype(np.float64)
    maps[InstanceMap.BORDER][mask] = (distance / distance.max())[mask]
    maps[InstanceMap.CENTRE][mask] = _centre_closeness(mask, distance)


def _centre_closeness(
    mask: npt.NDArray[np.bool_], distance: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return closeness to the innermost pixel nearest to the centroid, inside mask."""
    points = np.argwhere(mask).astype(np.float64)
    innermost = np.argwhere((distance >= 0.9 * distance.max()) & mask)
    offset = np.linalg.norm(innermost - points.mean(axis=0), axis=1)
    centre = innermost[np.argmin(offset)]
    radius = np.linalg.norm(points - centre, axis=1)
    return np.asarray(1.0 - radius / (radius.max() + 1.0))
