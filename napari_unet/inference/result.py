"""Results with the axes of the image that was predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.axes import CANONICAL, from_canonical


def in_image_axes(values: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
    """Turn (T, Z, Y, X), or (n, T, Z, Y, X), to the axes of the image without C."""
    if values.ndim == len(CANONICAL) - 1:
        return np.ascontiguousarray(from_canonical(values, axes))
    return np.stack([from_canonical(one, axes) for one in values])
