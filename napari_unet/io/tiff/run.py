"""Reading regions of a TIFF's planes that are not packed: row by row from the file.

They are not mapped into memory: a mapped file that is cut off while it is read ends the
program, and what was read of it counts as memory in use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_unet.errors import UnreadableRegion
from napari_unet.geometry.axes import Shape
from napari_unet.geometry.box import Box


class Planes(Protocol):
    """The planes of a level."""

    @property
    def shape(self) -> Shape: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102
    @property
    def piece(self) -> Shape: ...  # noqa: D102

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return a region."""
        ...

    def missing(self, region: Box) -> tuple[str, ...]:
        """Return the names of pieces that are not in the file."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Planes that follow each other in the file and are not packed."""

    file: Any  # tifffile's
    path: str
    offset: int
    shape: Shape
    dtype: np.dtype[Any]

    @property
    def piece(self) -> Shape:
        """A row; colours of a pixel lie together."""
        return (*(1,) * (len(self.shape) - 1), self.shape[-1])

    @property
    def cut_off(self) -> bool:
        """Whether the file ends before it."""
        nbytes = math.prod(self.shape) * self.dtype.itemsize
        return 0 < nbytes > int(self.file.size) - self.offset

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Read what lies together at once: rows, or planes that are read whole."""
        out = np.empty(region.shape, self.dtype)
        together = _axes_together(region, self.shape)
        strides = _strides(self.shape, self.dtype.itemsize)
        single = len(region.shape) - together
        flat = out.reshape(*region.shape[:single], -1)
        first = sum(a * n for a, n in zip(region.start, strides, strict=True))
        for at in np.ndindex(*region.shape[:single]):
            offset = self.offset + first + sum(map(int.__mul__, at, strides))
            target: Any = flat[at].view(np.uint8)
            self.file.seek(offset)
            if self.file.readinto(target) != target.nbytes:
                raise UnreadableRegion(self.path, f"byte {offset} and on", "cut off")
        return out

    def missing(self, region: Box) -> tuple[str, ...]:
        """Return nothing: all of it is there."""
        del region
        return ()


def _axes_together(region: Box, shape: Shape) -> int:
    """Return how many of the last axes lie together: all are whole but the first."""
    count = 1
    for extent, whole in zip(region.shape[:0:-1], shape[:0:-1], strict=True):
        if extent != whole:
            break
        count += 1
    return count


def _strides(shape: Shape, itemsize: int) -> list[int]:
    return [itemsize * math.prod(shape[n + 1 :]) for n in range(len(shape))]
