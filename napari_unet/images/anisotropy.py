"""How far apart the sections of a stack seem to be, where nobody says it.

What is as wide as high is as deep, over many objects. So grey values stay alike over
about as many micrometres along Z as along Y and X, and the lengths over which they do,
in sections and in pixels, tell how many times as far apart sections are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi

from napari_unet.geometry.box import Box
from napari_unet.images.source import CanonicalImage

_LARGEST = (64, 384, 384)
"""Sections, rows and columns that are looked at, in the middle of the first frame."""

_BLUR = 1.5
"""Pixels; noise of single pixels would seem to be the end of likeness."""

_HALF = 0.5
_FEWEST = 5
"""Sections; of fewer, two may differ because one shows nothing."""

_LEAST, _MOST = 0.2, 20.0


def seeming_anisotropy(image: CanonicalImage) -> float | None:
    """Return how many times as far apart sections seem to be as pixels are wide.

    None where a stack does not show it: it is as thick as its objects, or empty.
    """
    shape = image.shape[2:]
    if shape[0] < _FEWEST:
        return None
    wanted = tuple(map(min, _LARGEST, shape))
    start = tuple((n - m) // 2 for n, m in zip(shape, wanted, strict=True))
    box = Box(start, tuple(a + m for a, m in zip(start, wanted, strict=True)))
    volume = np.nan_to_num(image.plane(0, None, box)[0].astype(np.float32))
    volume = ndi.gaussian_filter(volume, (0, _BLUR, _BLUR))
    depth, *across = (_length(volume, axis) for axis in range(3))
    known = [length for length in across if length is not None]
    if depth is None or not known:
        return None
    # The blur adds to the lengths in sections, as variances do.
    width = np.sqrt(max(np.mean(known) ** 2 - 2 * np.log(2) * 2 * _BLUR**2, 1.0))
    return float(np.clip(width / depth, _LEAST, _MOST))


def _length(volume: npt.NDArray[Any], axis: int) -> float | None:
    """Return over how many steps along an axis likeness falls to one half."""
    along = np.moveaxis(volume, axis, 0)
    along = along - along.mean()
    power = float(np.square(along).mean())
    if not power:
        return None
    before = 1.0
    for lag in range(1, len(along) // 2 + 1):
        now = float((along[:-lag] * along[lag:]).mean()) / power
        if now < _HALF:
            return lag - (_HALF - now) / (before - now)
        before = now
    return None
