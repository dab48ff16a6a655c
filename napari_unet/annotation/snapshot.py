"""A frozen copy of an annotation, safe to hand to another thread or to the disk."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.geometry.maps import LabelMap, ValueMap


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationSnapshot:
    """Labels and their provenance at one moment.

    The arrays are copies that nobody writes to any more.

    Parameters
    ----------
    labels : ndarray of int32 or float32
        Object ids or class numbers, 0 is background; any number of axes (YX, ZYX, TYX,
        TZYX). Or verified values, NaN elsewhere, with the variables as first axis.
    provenance : ndarray of uint8
        `Provenance` of every pixel.
    next_id : int
        The smallest id that was never used; ids are never recycled.
    revision : int
        Counts the changes up to this moment.
    """

    labels: LabelMap | ValueMap
    provenance: ProvenanceMap
    next_id: int
    revision: int
