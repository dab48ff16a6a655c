"""Copies of annotations that are made bit by bit: they may be very large."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.tiling import cut_into_bands

COPY_SECONDS = 0.010
"""How long labels are copied on the main thread at once."""

_MOST_TRIES = 3


class LabelsCopy:
    """A copy of labels and provenance; call `is_done` until it is.

    What is changed before it is complete may be in it or not, unless it is `exact`:
    then it is begun again, and made in one go where somebody changes something all the
    time.
    """

    def __init__(self, annotation: Annotation, *, exact: bool = False) -> None:
        self._annotation = annotation
        self.labels: LabelMap = np.empty_like(annotation.pixels.labels)
        self.provenance: ProvenanceMap = np.empty_like(annotation.provenance)
        self._exact = exact
        self._tries = 0
        self._begin()

    def is_done(self, deadline: float | None = None) -> bool:
        """Go on until then, or for some milliseconds; return whether it is complete."""
        deadline = time.monotonic() + COPY_SECONDS if deadline is None else deadline
        if self._exact and self._revision != self._annotation.revision:
            self._begin()
        in_one_go = self._exact and self._tries > _MOST_TRIES
        while self._bands and (in_one_go or time.monotonic() < deadline):
            place = self._bands.popleft().slices
            self.labels[place] = self._annotation.pixels.labels[place]
            self.provenance[place] = self._annotation.provenance[place]
        return not self._bands

    def _begin(self) -> None:
        self._tries += 1
        self._revision = self._annotation.revision
        self._bands = deque(cut_into_bands(Box.whole(self.labels.shape)))


def values_of(annotation: Annotation) -> npt.NDArray[np.float32] | None:
    """Return all values that there are, what is verified over what is predicted.

    None where labels are no marks of values.
    """
    values = annotation.values
    if values is None:
        return None
    verified = annotation.snapshot().labels.astype(np.float32, copy=False)
    if values.predicted is None:
        return verified
    return np.where(np.isfinite(verified), verified, values.predicted)
