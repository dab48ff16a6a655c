"""A plane cut into squares: what is held out where there are no objects."""

from __future__ import annotations

import numpy as np

from napari_unet.geometry.maps import LabelMap, Mask

_SIZES = (16, 128)
_WANTED = 64


def number_squares(mask: Mask) -> LabelMap:
    """Cover the marked pixels with a grid of numbered squares; 0 where none is marked.

    Their size follows from the marked area: about 64 of them cover it. In 3-D they
    reach through all sections.
    """
    area = np.count_nonzero(mask) / (len(mask) if mask.ndim > 2 else 1)
    size = int(np.clip(np.sqrt(area / _WANTED), *_SIZES))
    rows, columns = (np.arange(n) // size for n in mask.shape[-2:])
    numbers = rows[:, None] * (columns[-1] + 1) + columns[None] + 1
    return np.where(mask, numbers, 0).astype(np.int32)
