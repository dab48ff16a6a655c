"""Where the label of every pixel comes from, and a copy of both at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.objects import ObjectCounts
from napari_unet.annotation.origins import Origins
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap

ProvenanceMap: TypeAlias = npt.NDArray[np.uint8]


class Provenance(IntEnum):
    """Origin of one pixel's label; stored as uint8 beside the labels."""

    UNSEEN = 0
    PREDICTED = 1
    ACCEPTED = 2
    CORRECTED = 3


def is_verified(provenance: ProvenanceMap) -> Mask:
    """Return where a person stands behind the label: accepted or corrected."""
    return provenance >= Provenance.ACCEPTED


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationSnapshot:
    """Copies of labels and provenance at one moment, to which nobody writes any more.

    Labels are object ids or class numbers, 0 is background; their last axes are the
    plane. Or they are verified values, NaN elsewhere, with the variables as first axis.
    `next_id` is the smallest id that was never used, and `revision` counts the changes.
    `counts` say how much is verified, where that was counted; `origins` where objects
    of a time-lapse come from.
    """

    labels: LabelMap | ValueMap
    provenance: ProvenanceMap
    next_id: int
    revision: int
    counts: ObjectCounts | None = None
    origins: Origins = field(default_factory=dict)
