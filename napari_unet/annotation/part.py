"""A prediction of a part of an image, beside what was predicted before.

::

    |---- around ----|======== core ========|---- around ----|
          object A        B       C     DDDDDDDDD         E

What is predicted of the core replaces what is there. Around it labels stay, but for the
objects that reach into the core: D was cut at the border of an earlier part and becomes
whole, with all that it overlaps. A and E stay as they are, whatever was cut off them by
the end of what was predicted this time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Of which pixels of a box something was predicted.

    Parameters
    ----------
    core : ndarray of bool
        What is replaced.
    around : ndarray of bool
        What was predicted, too, so that objects of the core are seen whole. There are
        labels already.
    """

    core: Mask
    around: Mask

    @property
    def known(self) -> Mask:
        """All that was predicted."""
        return self.core | self.around

    def replaced(self, old: LabelMap, new: npt.NDArray[np.integer[Any]]) -> Mask:
        """Return which pixels are replaced, by old and new labels of objects."""
        around = self.around & ~self.core
        replaced = self.core.copy()
        if not around.any():
            return replaced
        numbered = [(found, len(ids)) for found, ids in map(compact, (old, new))]
        while True:
            before = np.count_nonzero(replaced)
            for found, count in numbered:
                reached = np.zeros(count, bool)
                reached[found[replaced]] = True
                reached[0] = False
                replaced |= around & reached[found]
            if np.count_nonzero(replaced) == before:
                return replaced
