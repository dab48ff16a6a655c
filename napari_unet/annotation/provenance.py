"""Where the value of every pixel of a label map comes from."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.maps import Mask

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
