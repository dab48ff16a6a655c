"""Arrays, of dask, zarr and others, that compute or read what is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import UnreadableRegion, reason_of
from napari_unet.geometry.box import Box

# What arrays in memory have, of numpy, a graphics card, torch.
_IN_MEMORY = ("__array_interface__", "__cuda_array_interface__", "detach")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LazyImage:
    """An image whose arrays compute, or read, a region when it is asked for.

    Parameters
    ----------
    arrays : tuple of array_like
        The levels of a pyramid, the finest first; of dask, zarr or others.
    axes, pixel_size
        As in `ImageSource`.
    channels : tuple of str
        Names of the channels, where something states them.
    name : str
        What it is called where a region cannot be read.
    """

    arrays: tuple[Any, ...]
    axes: str | None = None
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    name: str = "array"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the finest level."""
        return self.levels[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        dtype: np.dtype[Any] = np.dtype(self.arrays[0].dtype)
        return dtype

    @property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each level."""
        return tuple(tuple(map(int, array.shape)) for array in self.arrays)

    @property
    def piece(self) -> tuple[int, ...]:
        """The shape of a chunk; that of a pixel where nothing is said of chunks."""
        chunks = getattr(self.arrays[0], "chunks", None) or (1,) * len(self.shape)
        # zarr has one number for an axis, dask one for each chunk along it.
        return tuple(int(n[0] if isinstance(n, tuple) else n) for n in chunks)

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Compute, or read, a region; an UnreadableRegion says that it fails.

        A graph of dask is computed in this thread: whoever wants more at once reads
        several regions, and no scheduler waits for another one.
        """
        try:
            part = self.arrays[level][region.slices]
            if hasattr(part, "__dask_graph__"):
                part = part.compute(scheduler="synchronous")
            return np.asarray(part)
        except UnreadableRegion:
            raise  # by a file, which says more
        # A graph can fail in any way.
        except Exception as error:
            part, reason = f"the region {region.in_words}", reason_of(error)
            raise UnreadableRegion(self.name, part, reason) from error


def levels_of(image: Any) -> tuple[Any, ...]:
    """Return the levels of a pyramid; what is none is the only one of its own.

    Each is smaller than the one before. A list of planes of one size is a stack.
    """
    if not isinstance(image, Sequence) or isinstance(image, str | bytes):
        return (image,)
    shapes = [getattr(level, "shape", None) for level in image]
    falling = all(
        a and b and len(a) == len(b) and math.prod(a) > math.prod(b)
        for a, b in pairwise(shapes)
    )
    return tuple(image) if shapes and shapes[0] and falling else (image,)


def reads_regions(array: Any) -> bool:
    """Return whether something is an array that is not in memory."""
    known = isinstance(getattr(array, "shape", None), tuple) and hasattr(array, "dtype")
    return (
        known
        and hasattr(array, "__getitem__")
        and not any(hasattr(array, each) for each in _IN_MEMORY)
        and not isinstance(getattr(array, "_meta", None), np.ma.MaskedArray)
    )
