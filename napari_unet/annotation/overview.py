"""What is labelled in a plane larger than memory, from afar: a mark for many pixels.

A mark says the most that any of sixteen pixels says that are spread over what it stands
for, so small objects that are verified are seen. Marks are made anew where labels
change; those of chunks that are not in memory are made by whoever reads them.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from enum import IntEnum
from functools import reduce
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.chunked import SIDE, Chunk, ChunkedArray, Index
from napari_unet.geometry.box import Box, PlaneIndex

Marks: TypeAlias = npt.NDArray[np.uint8]

_MOST, _FINEST = 4096, 8
"""Marks along an axis at most, and pixels that one stands for at least."""

_LOOKS = 4
"""So many pixels along an axis are looked at for a mark."""


class Mark(IntEnum):
    """What is said of some pixels; the larger one hides the smaller."""

    NOTHING = 0
    PREDICTED_EMPTY = 1
    PREDICTED = 2
    ACCEPTED_EMPTY = 3
    ACCEPTED = 4
    CORRECTED = 5


_OF_EMPTY = np.array(
    [Mark.NOTHING, Mark.PREDICTED_EMPTY, Mark.ACCEPTED_EMPTY, Mark.CORRECTED], np.uint8
)
_OF_OBJECTS = np.array(
    [Mark.NOTHING, Mark.PREDICTED, Mark.ACCEPTED, Mark.CORRECTED], np.uint8
)


def marks_of(labels: Chunk, provenance: Chunk, step: int) -> Marks:
    """Return the marks of a chunk, each of which stands for `step` pixels squared."""
    apart = max(1, step // _LOOKS)
    seen = provenance[..., ::apart, ::apart]
    marks = np.where(labels[..., ::apart, ::apart], _OF_OBJECTS[seen], _OF_EMPTY[seen])
    for axis in (-1, -2):
        each = range(0, marks.shape[axis], step // apart)
        marks = np.maximum.reduceat(marks, each, axis)
    return marks


class Overview:
    """The marks of one plane of labels in chunks.

    Attributes
    ----------
    step : int
        So many pixels along an axis have one mark.
    array : ndarray of uint8
        `Mark` of all of the plane; of one pixel along all axes but the last two.
    at : tuple of int
        Which plane it is.
    """

    def __init__(self, labels: ChunkedArray, provenance: ChunkedArray) -> None:
        self._labels, self._provenance = labels, provenance
        self.step = _FINEST
        while max(labels.shape[-2:]) > _MOST * self.step and self.step < SIDE:
            self.step *= 2
        *lone, height, width = labels.shape
        extent = (*(1 for _ in lone), -(-height // self.step), -(-width // self.step))
        self.array: Marks = np.zeros(extent, np.uint8)
        self.at: PlaneIndex | None = None
        self._stale: set[Index] = set()

    def look_at(self, plane: PlaneIndex, saved: Collection[Index]) -> None:
        """Show a plane; `saved` are all chunks that may have to be read for it."""
        if plane == self.at:
            return
        self.at = plane
        self.array[...] = 0
        known = {*saved, *self._labels.here}
        self._stale = {index for index in known if index[:-2] == plane}

    def note(self, box: Box) -> None:
        """Take note that something in a box changed."""
        if self.at is not None:
            chunks = self._labels.chunks_of(box)
            self._stale.update(i for i in chunks if i[:-2] == self.at)

    def refresh(self, seconds: float) -> Box | None:
        """Make marks anew of what is in memory, for so long; return which are new."""
        end, changed = time.monotonic() + seconds, list[Box]()
        for index in [i for i in self._stale if self._labels.in_memory(i)]:
            labels, provenance = self._labels.find(index), self._provenance.find(index)
            marks = None
            if labels is not None and provenance is not None:
                marks = marks_of(labels, provenance, self.step)
            if (box := self.take(index, marks)) is not None:
                changed.append(box)
            if time.monotonic() > end:
                break
        return reduce(Box.union, changed) if changed else None

    def unread(self) -> tuple[Index, ...]:
        """Return the chunks that have to be read, for `marks_of` and `take`."""
        here = self._labels.in_memory
        return tuple(sorted(i for i in self._stale if not here(i)))

    def take(self, index: Index, marks: Marks | None) -> Box | None:
        """Take in the marks of a chunk of this plane, if it has any; return which."""
        if index[:-2] != self.at:
            return None
        self._stale.discard(index)
        if marks is None:
            return None
        lone, start = (0,) * len(self.at), [n * SIDE // self.step for n in index[-2:]]
        stop = [a + n for a, n in zip(start, marks.shape[-2:], strict=True)]
        box = Box((*lone, *start), (*(n + 1 for n in lone), *stop))
        self.array[box.slices] = marks
        return box
