"""One annotated image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from napari_unet.core.arrays import as_array, as_image
from napari_unet.core.provenance import Mask


@dataclass(frozen=True, slots=True)
class Sample:
    """An image with what is true of its pixels and, optionally, which can be trusted.

    Parameters
    ----------
    image : ndarray
        Any real dtype, with the axes named in `axes`. Arrays of other libraries, and
        lists, are taken as `napari_unet.core.arrays.as_image` does.
    labels : ndarray
        Axes of the image without C: object ids, 0 is background; or class numbers from
        0, 255 is unknown. For regression values in their own units, NaN is unknown,
        with the variables as first axis where there are several.
    verified : ndarray of bool, optional
        Where the labels are right. None means everywhere.
    axes : str, optional
        Axes of the image, such as "YX", "CYX", "ZYX" or "YXC"; None to guess them.
    """

    image: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    verified: Mask | None = None
    axes: str | None = None

    def __post_init__(self) -> None:
        image = as_image(self.image)
        verified = self.verified
        for name, value in (
            ("image", image.array),
            ("labels", as_array(self.labels, "label map")),
            ("verified", None if verified is None else as_array(verified, "mask")),
            ("axes", self.axes or image.axes),
        ):
            object.__setattr__(self, name, value)
