"""A level of an image in a file as an array that reads what is asked for.

For programs that know arrays, such as napari, and whose threads ask as they like: each
reading opens the file anew, which takes a few milliseconds and shares nothing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.images.view import Level, Places, in_box, spans_of
from napari_unet.io.source import Source


@dataclass(frozen=True, slots=True, eq=False)
class FileLevel(Level):
    """A level of a pyramid in a file, indexed as arrays are."""

    source: Source
    level: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the level."""
        return tuple(self.source.levels[self.level])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        return self.source.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """The shape in which pixels lie together in the file."""
        return tuple(self.source.piece)

    def read_places(self, places: Places) -> npt.NDArray[Any]:
        """Read pixels; an UnreadableRegion says that they are damaged."""
        spans = spans_of(places)
        start = tuple(each.start for each in spans)
        stop = tuple(max(each.start, each.stop) for each in spans)
        with copy.copy(self.source) as own:
            found = own.read(Box(start, stop), self.level)
        return np.asarray(found[in_box(places)])
