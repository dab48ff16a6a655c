"""A grey copy of a colour image."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.jobs import Job

# Rec. 601: how bright red, green and blue look.
_WEIGHTS = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True, eq=False)
class MakeGrey(Job[None, npt.NDArray[Any]]):
    """Return the brightness of an RGB or RGBA image, in its own data type.

    Parameters
    ----------
    image : ndarray
        With three or four channels; the fourth, transparency, is left out.
    axes : str
        One letter per axis, with a C.
    """

    image: npt.NDArray[Any]
    axes: str

    def run(self) -> Generator[None, None, npt.NDArray[Any]]:
        """Weigh the colours as eyes do."""
        yield
        image = np.asarray(self.image)
        colours = np.moveaxis(image, self.axes.index("C"), 0)[:3]
        grey = sum(
            weight * colour.astype(np.float32)
            for weight, colour in zip(_WEIGHTS, colours, strict=True)
        )
        if np.issubdtype(image.dtype, np.integer):
            grey = np.rint(grey)
        return np.asarray(grey).astype(image.dtype)
