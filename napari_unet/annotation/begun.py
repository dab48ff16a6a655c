"""Where objects are verified of which a part lies elsewhere, and is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import sub
from types import MappingProxyType
from typing import TypeAlias

from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import is_verified
from napari_unet.geometry.box import Box, PlaneIndex

Begun: TypeAlias = Mapping[PlaneIndex, Collection[int]]
"""Objects of each plane of a box that are verified in that plane, but beyond the box.

Planes are counted from the first one of the box.
"""

NONE_BEGUN: Begun = MappingProxyType({})


def begun_beyond(pixels: Pixels, box: Box) -> Begun:
    """Return which objects of a box are verified in part, as is seen beyond it alone.

    It costs what objects cost that are verified in part and lie across the border.
    """
    found: dict[PlaneIndex, set[int]] = {}
    for object_id in pixels.objects.begun:
        place = pixels.objects.box(object_id)
        common = place.intersect(box)
        if common.empty or common == place:
            continue
        for plane in common.planes():
            index = plane.start[:-2]
            if verified_in_plane(pixels, object_id, index):
                here = tuple(map(sub, index, box.start))
                found.setdefault(here, set()).add(object_id)
    return found


def verified_in_plane(pixels: Pixels, object_id: int, index: PlaneIndex) -> bool:
    """Return whether something of an object that exists is verified in a plane."""
    end = tuple(each + 1 for each in index)
    plane = Box((*index, 0, 0), (*end, *pixels.labels.shape[-2:]))
    place = pixels.objects.box(object_id).intersect(plane)
    if place.empty:
        return False
    verified = is_verified(pixels.provenance[place.slices])
    return bool(((pixels.labels[place.slices] == object_id) & verified).any())
