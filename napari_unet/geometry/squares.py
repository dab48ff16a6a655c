"""A plane cut into squares: what is held out where there are no objects."""

from __future__ import annotations

import numpy as np

from napari_unet.geometry.maps import LabelMap, Mask

_SIZES = (16, 128)
_WANTED = 64


def number_squares(mask: Mask) -> LabelMap:
    """Cover the marked pixels with a grid of numbered squares.

    Their size follows from the marked area: about 64 of them cover it.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X) or (Z, Y, X)
        What is known. In 3-D, squares reach through all sections.

    Returns
    -------
    ndarray of int32
        Same shape; 0 where nothing is marked.
    """
    area = np.count_nonzero(mask) / (len(mask) if mask.ndim > 2 else 1)
    size = int(np.clip(np.sqrt(area / _WANTED), *_SIZES))
    rows, columns = (np.arange(n) // size for n in mask.shape[-2:])
    numbers = rows[:, None] * (columns[-1] + 1) + columns[None] + 1
    return np.where(mask, numbers, 0).astype(np.int32)
