"""A frozen copy of an annotation, safe to hand to another thread or to the disk."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.core.provenance import LabelMap, ProvenanceMap


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationSnapshot:
    """Labels and their provenance at one moment.

    The arrays are copies that nobody writes to any more.

    Parameters
    ----------
    labels : ndarray of int32
        Object ids, 0 is background; any number of axes (YX, ZYX, TYX, TZYX).
    provenance : ndarray of uint8
        `Provenance` of every pixel, same shape as `labels`.
    next_id : int
        The smallest id that was never used; ids are never recycled.
    revision : int
        Counts the changes up to this moment.
    """

    labels: LabelMap
    provenance: ProvenanceMap
    next_id: int
    revision: int
