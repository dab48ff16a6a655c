"""One annotated image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.provenance import Mask


@dataclass(frozen=True, slots=True)
class Sample:
    """An image with its label map and, optionally, which pixels can be trusted.

    Parameters
    ----------
    image : ndarray
        Any real dtype, with the axes named in `axes`.
    labels : ndarray of int
        Object ids, 0 is background. Axes of the image without C.
    verified : ndarray of bool, optional
        Where the labels are right. None means everywhere.
    axes : str, optional
        Axes of the image, such as "YX", "CYX", "ZYX" or "YXC"; None to guess them.
    """

    image: npt.NDArray[Any]
    labels: npt.NDArray[np.integer[Any]]
    verified: Mask | None = None
    axes: str | None = None
