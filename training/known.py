"""Which part of labels can be trusted, in data sets where some are missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage.measure import label, regionprops
from skimage.segmentation import find_boundaries

from napari_unet.geometry.maps import LabelMap, Mask

Image: TypeAlias = npt.NDArray[np.float32]
Known: TypeAlias = Callable[[Image, LabelMap], Mask]

_RING = 6
_NARROW_RING = 2
_FLAT = 0.6
_CRISP = 0.35
_OF_SMALLEST = 0.25
_SOLID = 0.9
_DARKER = 0.85
_LEAST_CELL = 40


def verified_part(image: Image, values: LabelMap) -> Mask:
    """Return what can be trusted where some objects have no labels.

    These are the objects, a ring around each (whoever drew it looked there), and what
    is flat: there is nothing that anybody could have forgotten.
    """
    objects = values > 0
    distance = ndi.distance_transform_edt(~objects)
    grey = image.mean(axis=0)
    spread = ndi.gaussian_filter(grey**2, 4) - ndi.gaussian_filter(grey, 4) ** 2
    away = distance > _RING
    flat = away & (spread < np.quantile(spread[away], _FLAT))
    return np.asarray(objects | (distance <= _RING) | flat)


def all_but_crisp(image: Image, values: LabelMap) -> Mask:
    """Return what can be trusted where whoever drew objects forgot few of them.

    What has no label may be an object if it has as much contrast as most of those that
    were drawn, and is not much smaller than any. All else is certainly none: specks,
    flat remains, and what lies out of focus.
    """
    objects = values > 0
    if not objects.any():
        return np.ones(objects.shape, bool)
    distance = ndi.distance_transform_edt(~objects)
    grey = image.mean(axis=0)
    spread = ndi.gaussian_filter(grey**2, 4) - ndi.gaussian_filter(grey, 4) ** 2
    crisp = (distance > _RING) & (spread > np.quantile(spread[objects], _CRISP))
    pieces, count = ndi.label(crisp)
    # An outline shines beyond the ring: that is no piece of its own.
    areas = np.bincount(pieces[distance > 2 * _RING], minlength=count + 1)
    drawn = np.bincount(values[objects])
    least = _OF_SMALLEST * np.quantile(drawn[drawn > 0], 0.05)
    forgotten = (areas >= least)[pieces] & (pieces > 0)
    doubtful = ndi.binary_dilation(forgotten, iterations=_RING)
    doubtful = ndi.binary_fill_holes(doubtful | objects) & ~objects
    filled = ndi.binary_fill_holes(objects)
    return np.asarray((distance <= _RING) | filled | ~doubtful)


def unlike_objects(image: Image, values: LabelMap) -> Mask:
    """Return what can be trusted where objects without labels may be flat inside.

    These are the objects, a narrow ring around each, and what is nearer in brightness
    to most of what has no label than to the objects.
    """
    objects = values > 0
    grey = ndi.gaussian_filter(image.mean(axis=0), 1)
    if not objects.any() or objects.all():
        return np.ones(objects.shape, bool)
    inside, outside = np.median(grey[objects]), np.median(grey[~objects])
    alike = abs(grey - inside) < abs(grey - outside)
    near = ndi.distance_transform_edt(~objects) <= _NARROW_RING
    return np.asarray(near | ~alike)


def well_walled(image: Image, values: LabelMap) -> Mask:
    """Return the cells that are darker than their walls, and not too small to be some.

    A watershed parts blurred tissue, too, where there is nothing to part.
    """
    grey = image.mean(axis=0)
    walls = find_boundaries(values)
    ids = np.arange(1 + values.max())
    sizes = np.bincount(values.ravel())
    cores = _means(values[~walls], grey[~walls], len(ids))
    edges = _means(values[walls], grey[walls], len(ids))
    good = (cores < _DARKER * edges) & (sizes >= _LEAST_CELL)
    good[0] = True
    return np.asarray(good[values])


def single_pieces(image: Image, values: LabelMap) -> Mask:
    """Return all but objects with dents, which may be several that touch."""
    del image
    good = np.ones(1 + values.max(), bool)
    for each in regionprops(values):
        good[each.label] = each.area < _LEAST_CELL or each.solidity >= _SOLID
    return np.asarray(good[values])


PARTLY_LABELLED: dict[str, Known] = {
    "cells_phase": all_but_crisp,
    "bacteria_two_channel": verified_part,
    "myoblasts_phase": verified_part,
    "neurons_brightfield": verified_part,
    "nanoshapes_tem": unlike_objects,
    "particles_sem": unlike_objects,
    "mushrooms_photo": unlike_objects,
    "plant_membranes": well_walled,
    "precipitates_sem": single_pieces,
}
"""Data sets in which what has no label may be unknown, and how the rest is found."""


def without_specks(values: LabelMap) -> LabelMap:
    """Return labels without objects of which no piece is half: these are specks."""
    pieces = label(values, connectivity=2)
    sizes = np.bincount(pieces.ravel())
    owner = np.zeros(len(sizes), values.dtype)
    owner[pieces.ravel()] = values.ravel()
    largest = np.zeros(1 + values.max(), int)
    np.maximum.at(largest, owner[1:], sizes[1:])
    kept = 2 * largest >= np.bincount(values.ravel())
    return np.where(kept[values], values, 0).astype(values.dtype)


def _means(
    values: LabelMap, grey: npt.NDArray[np.floating], count: int
) -> npt.NDArray[np.float64]:
    """Return the mean grey value of each label; 0 where there is none."""
    pixels = np.bincount(values, minlength=count)
    return np.bincount(values, grey, count) / np.maximum(pixels, 1)
