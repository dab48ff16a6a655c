"""How large the objects of an image are: one number by which images can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.ids import compact


def typical_diameter(labels: npt.NDArray[np.integer[Any]]) -> float | None:
    """Return the diameter of a circle with the area of the typical object.

    Half of all object pixels belong to objects of this size or smaller, so that debris,
    however much there is, moves it little.

    Parameters
    ----------
    labels : ndarray of int
        Object ids of a plane; 0 is background.

    Returns
    -------
    float or None
        In pixels; None where there is no object.
    """
    dense, ids = compact(labels)
    areas = np.sort(np.bincount(dense.ravel(), minlength=1)[ids > 0])
    areas = areas[areas > 0]
    if not areas.size:
        return None
    half = np.searchsorted(np.cumsum(areas), areas.sum() / 2)
    return float(2 * np.sqrt(areas[half] / np.pi))
