"""What a brush may paint over: a stroke spares everything else."""

from __future__ import annotations

from enum import Enum

import numpy as np

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask


class PaintOver(Enum):
    """What a stroke may change; the words are those of a front end."""

    EVERYTHING = "everything"
    BACKGROUND = "background only"
    FIRST = "what it touches first"

    @property
    def following(self) -> PaintOver:
        """The next one, the first after the last."""
        every = list(PaintOver)
        return every[(every.index(self) + 1) % len(every)]


class Stroke:
    """One stroke of a brush, an eraser (0), a fill or a polygon.

    What it touches first is what lies under most of its first dab. A brush that begins
    in its own object makes that larger, over background; an eraser spares all but the
    first object that it touches, whatever a brush may paint over.
    """

    def __init__(self, over: PaintOver) -> None:
        self._over = over
        self._source: int | None = None

    def allowed(self, under: LabelMap, label: int) -> Mask:
        """Return which of some pixels may get a label, given what they have.

        They are painted next, so the first ones that there are decide.
        """
        if self._over is PaintOver.EVERYTHING or not under.size:
            return np.ones(under.shape, bool)
        if self._source is None:
            self._source = self._decide(under, label)
        return np.asarray(under == (self._source or 0))

    def _decide(self, under: LabelMap, label: int) -> int | None:
        """Return the label that may be replaced; None if it is not touched yet."""
        if label == 0:
            return _most(under[under != 0])
        if self._over is PaintOver.BACKGROUND:
            return 0
        first = _most(under)
        return 0 if first == label else first


def _most(labels: LabelMap) -> int | None:
    """Return the most frequent label, the smallest of these; None if there is none."""
    if not labels.size:
        return None
    dense, ids = compact(labels)
    counts = np.bincount(dense.ravel(), minlength=len(ids))
    return int(ids[counts.argmax()])
