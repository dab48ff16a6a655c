"""The part of labels larger than memory that is shown, and painted in.

A front end shows `Pane.array`, and moves the pane when a person looks elsewhere. To an
annotation the pane is its `live` array, of the whole shape: where it lies, it says what
a person has painted; elsewhere, what is known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.chunked import ChunkedArray
from napari_unet.geometry.box import Box
from napari_unet.geometry.points import Points

SIDE = 3072
"""Pixels of a pane along the last two axes."""


class Pane:
    """A box of an array in chunks, held in memory.

    Attributes
    ----------
    array : ndarray
        What is in the box; always this very array. Whoever writes to it tells the
        annotation.
    box : Box
        Where it lies.
    """

    def __init__(self, known: ChunkedArray, side: int = SIDE) -> None:
        self._known = known
        self.shape, self.dtype, self.ndim = known.shape, known.dtype, known.ndim
        extent = (
            *(1 for _ in self.shape[:-2]),
            *(min(side, n) for n in known.shape[-2:]),
        )
        self.array: npt.NDArray[Any] = np.zeros(extent, known.dtype)
        self.box = Box.whole(extent)
        self._fill()

    def best(self, view: Box) -> Box:
        """Return where the pane lies with a view in its middle, inside the whole."""
        extent = self.array.shape
        start = tuple(
            max(0, min((a + b - n) // 2, whole - n))
            for a, b, n, whole in zip(
                view.start, view.stop, extent, self.shape, strict=True
            )
        )
        return Box(start, tuple(a + n for a, n in zip(start, extent, strict=True)))

    def move(self, box: Box) -> None:
        """Show another box, of the same shape; what was painted is known by then."""
        self.box = box
        self._fill()

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """Return a copy of a box of slices, or of pixels, as a person sees it."""
        found = self._known[key]
        if isinstance(key[0], np.ndarray):
            inside, here = self._inside(key)
            found[inside] = self.array[here]
            return found
        box = Box.from_slices(key)
        common = box.intersect(self.box)
        if not common.empty:
            seen = self.array[common.relative_to(self.box).slices]
            found[common.relative_to(box).slices] = seen
        return found

    def __setitem__(self, key: Any, values: Any) -> None:
        """Write what lies in the box; who writes elsewhere writes what is known."""
        if isinstance(key[0], np.ndarray):
            inside, here = self._inside(key)
            self.array[here] = np.broadcast_to(values, inside.shape)[inside]
            return
        box = Box.from_slices(key)
        common = box.intersect(self.box)
        if not common.empty:
            values = np.broadcast_to(values, box.shape)
            part = values[common.relative_to(box).slices]
            self.array[common.relative_to(self.box).slices] = part

    def _inside(self, points: Points) -> tuple[npt.NDArray[np.bool_], Points]:
        """Return which pixels lie in the box, and where in it."""
        inside = np.ones(points[0].shape, bool)
        for axis, a, b in zip(points, self.box.start, self.box.stop, strict=True):
            inside &= (axis >= a) & (axis < b)
        here = zip(points, self.box.start, strict=True)
        return inside, tuple(axis[inside] - start for axis, start in here)

    def _fill(self) -> None:
        self._known.read_into(self.box, self.array)
