"""Weights that make a network learn the thin gaps between cells.

Section 3 of Ronneberger, Fischer and Brox (2015), equation 2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap

_NEGLIGIBLE = 1e-3


def border_weights(
    labels: npt.NDArray[np.integer[Any]], w0: float = 10.0, sigma: float = 5.0
) -> npt.NDArray[np.float32]:
    """Return ``w0 * exp(-(d1 + d2)^2 / (2 sigma^2))`` of background pixels.

    ``d1`` and ``d2`` are the distances to the nearest and to the second nearest
    object, in pixels; inside objects the weight is 0.

    Parameters
    ----------
    labels : ndarray of int, shape (Y, X) or (Z, Y, X)
        Object ids; 0 is background. Objects that touch have no gap between them: see
        `open_gaps`.
    w0 : float
        Weight where two objects all but touch.
    sigma : float
        How fast it falls, in pixels.

    Returns
    -------
    ndarray of float32
        Same shape. Weights below a thousandth are 0.
    """
    if w0 <= _NEGLIGIBLE:
        return np.zeros(labels.shape, np.float32)
    reach = math.ceil(sigma * math.sqrt(2 * math.log(w0 / _NEGLIGIBLE)))
    nearest = np.full(labels.shape, np.inf, np.float32)
    second = nearest.copy()
    dense, _ = compact(labels)
    for index, region in enumerate(ndi.find_objects(dense), start=1):
        place = Box.from_slices(region).grow(reach, labels.shape).slices
        distance = ndi.distance_transform_edt(dense[place] != index).astype(np.float32)
        second[place] = np.minimum(second[place], np.maximum(nearest[place], distance))
        nearest[place] = np.minimum(nearest[place], distance)
    weights = w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))
    weights[(labels != 0) | (weights < _NEGLIGIBLE)] = 0
    return np.asarray(weights, np.float32)


def open_gaps(labels: LabelMap) -> LabelMap:
    """Make background of the pixels where an object touches another one.

    So two classes, object and background, suffice to tell touching objects apart.
    """
    widest = ndi.maximum_filter(labels, size=3)
    # Background must not count as the smallest neighbour.
    filled = np.where(labels == 0, widest, labels)
    narrow = ndi.minimum_filter(filled, size=3)
    touching = (widest != narrow) & (labels != 0)
    return np.where(touching, 0, labels).astype(labels.dtype)


def balance_classes(
    classes: npt.NDArray[np.integer[Any]], known: npt.NDArray[np.bool_], count: int
) -> npt.NDArray[np.float32]:
    """Return weights that let every class count the same, with a mean of 1.

    They are 0 where classes are not known, or are numbers from `count` on.
    """
    known = known & (classes >= 0) & (classes < count)
    pixels = np.bincount(classes[known], minlength=count)[:count]
    present = np.count_nonzero(pixels)
    of_class = pixels.sum() / np.maximum(pixels, 1) / max(present, 1)
    weights = np.zeros(classes.shape, np.float32)
    weights[known] = of_class[classes[known]]
    return weights
