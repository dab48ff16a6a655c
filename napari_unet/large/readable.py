"""An image of which some pieces cannot be read, as far as it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import UnreadableRegion
from napari_unet.geometry.box import Box
from napari_unet.images.blocks import iter_blocks
from napari_unet.images.source import ImageSource


class Readable:
    """The same image, in which what cannot be read is as grey as what can.

    It is for the grey values of the whole image, and for what lies around a block: a
    block that holds a damaged piece itself stays empty. An `ImageSource`.

    Parameters
    ----------
    source : ImageSource
        The image.
    """

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._grey: Any = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the image."""
        return self._source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the image."""
        return self._source.dtype

    @property
    def axes(self) -> str | None:
        """Of the image."""
        return self._source.axes

    @property
    def pixel_size(self) -> Mapping[str, float]:
        """Of the image."""
        return self._source.pixel_size

    @property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """Of the image."""
        return self._source.levels

    @property
    def piece(self) -> tuple[int, ...]:
        """The shape in which pixels lie together, as far as it is known."""
        found: tuple[int, ...] = getattr(self._source, "piece", self.shape)
        return found

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return a region; damaged pieces are filled with a grey that was seen."""
        try:
            pixels = self._source.read(region, level)
        except UnreadableRegion:
            return self._in_pieces(region, level)
        self._grey = np.median(pixels.ravel()[:: max(1, pixels.size // 1000)])
        return pixels

    def _in_pieces(self, region: Box, level: int) -> npt.NDArray[Any]:
        pixels = np.empty(region.shape, self.dtype)
        piece = tuple(map(min, self.piece, region.shape))
        # Pieces of the file may begin elsewhere, so what is filled is a bit more.
        for part in iter_blocks(region.shape, piece, int(np.prod(piece))):
            try:
                found: Any = self._source.read(part.placed_in(region), level)
            except UnreadableRegion:
                found = self._grey
            pixels[part.slices] = found
        return pixels
