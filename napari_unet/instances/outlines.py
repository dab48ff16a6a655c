"""Outlines of objects on a finer grid than the one on which they were found."""

from __future__ import annotations

import numpy as np

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.pieces import neighbours


def fit_outlines(labels: LabelMap, foreground: Mask, steps: int) -> LabelMap:
    """Return labels that fill a foreground which is about as large.

    Pixels of the foreground that have no label get that of a neighbour, step by step,
    and stay without if there is none by then; labels outside of it go.

    Parameters
    ----------
    labels, foreground : ndarray, same shape
        Labels may be jagged by some pixels.
    steps : int
        How many pixels they may be off.
    """
    fitted = np.where(foreground, labels, 0)
    for _ in range(steps):
        missing = foreground & (fitted == 0)
        if not missing.any():
            break
        before = fitted.copy()
        for axis in range(labels.ndim):
            here, there = neighbours(labels.ndim, axis)
            for place, beside in ((here, there), (there, here)):
                free = missing[place] & (fitted[place] == 0)
                fitted[place][free] = before[beside][free]
    return fitted
