"""In which order objects are listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.measurements.table import Measurements

Order = npt.NDArray[np.intp]
"""Numbers of rows, the one that comes first at the start."""


def order_to_work_in(table: Measurements) -> Order:
    """Return the unverified objects first, and of them those that are least certain.

    Where nothing is known of that, the order of frames and ids.
    """
    confidence = table["confidence"]
    if np.isnan(confidence).all():
        return np.arange(len(table))
    # Last comes what is not known, as with numbers of any column.
    return np.lexsort((confidence, table["verified"]))


def order_by(values: npt.NDArray[Any], *, descending: bool = False) -> Order:
    """Return the order by numbers; what is not known comes last either way."""
    numbers = values.astype(np.float64)
    return np.argsort(-numbers if descending else numbers, kind="stable")
