"""Lists of pixels: a long thin stroke is small, however large its bounding box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box, box_around
from napari_unet.geometry.maps import Mask

Points: TypeAlias = tuple[npt.NDArray[np.intp], ...]
"""Coordinates by axis, as `numpy.nonzero` gives them; they index an array."""


def marked_points(box: Box, mask: Mask) -> Points:
    """Return the marked pixels of a box, in the coordinates of the whole array."""
    found = np.nonzero(mask)
    return tuple(axis + start for axis, start in zip(found, box.start, strict=True))


def chosen_points(points: Points, chosen: Mask) -> Points:
    """Return some of the points; `chosen` has one entry for each of them."""
    if chosen.all():
        return points  # usual, and many when a whole background is filled
    return tuple(axis[chosen] for axis in points)


def bounding_box(points: Points) -> Box:
    """Return the smallest box that holds the points, of which there are some."""
    return Box(
        tuple(int(axis.min()) for axis in points),
        tuple(int(axis.max()) + 1 for axis in points),
    )


def ordered_points(points: Points, shape: tuple[int, ...]) -> Points:
    """Return every point once, in the order of an array of that shape."""
    return np.unravel_index(np.unique(np.ravel_multi_index(points, shape)), shape)


def mask_of_points(points: Points) -> tuple[Box, Mask]:
    """Return the smallest box that holds the points, of which there are some.

    And which pixels of it they are.
    """
    box = bounding_box(points)
    mask = np.zeros(box.shape, bool)
    mask[tuple(p - start for p, start in zip(points, box.start, strict=True))] = True
    return box, mask


def points_of_masks(masks: Sequence[tuple[Box, Mask]]) -> Points:
    """Return what is marked in any of some boxes, once and in order.

    There is one box or more, and they lie near each other.
    """
    whole = box_around([box for box, _ in masks])
    found = np.zeros(whole.shape, bool)
    for box, mask in masks:
        found[box.relative_to(whole).slices] |= mask
    return marked_points(whole, found)
