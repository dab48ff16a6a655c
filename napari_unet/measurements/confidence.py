"""How sure a model is of an object, from the foreground that it sees.

A score from 0 to 1: of the pixels of an object, and of the background in a ring around
it, the mean of how far the model agrees with their label. Where the label is the object
that is the probability of foreground, in the ring it is that of background; half, which
says nothing, counts as 0. A ghost is faint inside, an outline that is wrong shows in
the ring. Two cells that were taken for one may have a high score all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy

from napari_unet.geometry.maps import LabelMap
from napari_unet.measurements.sums import Floats

Foreground: TypeAlias = Callable[[int, int], npt.NDArray[np.float32]]
"""Returns probabilities of foreground (Y, X), by the numbers of frame and section."""

_RING = 2
"""Width of the ring in pixels."""


def iter_confidence(
    dense: LabelMap, count: int, frame: int, foreground: Foreground
) -> Generator[None, None, Floats]:
    """Return the scores (n,) of the objects of a frame (Z, Y, X), numbered from 1.

    Yields after every section.
    """
    agreement, pixels = np.zeros(count + 1), np.zeros(count + 1)
    for section, labels in enumerate(dense):
        inside = foreground(frame, section).astype(np.float32)
        yield
        ring = scipy.ndimage.maximum_filter(labels, 2 * _RING + 1)
        ring[labels > 0] = 0
        yield
        for numbers, sign in ((labels, 1), (ring, -1)):
            place = numbers > 0
            agrees = np.maximum(sign * (2 * inside[place] - 1), 0)
            agreement += np.bincount(numbers[place], agrees, count + 1)
            pixels += np.bincount(numbers[place], minlength=count + 1)
            yield
    return np.asarray(agreement[1:] / pixels[1:])
