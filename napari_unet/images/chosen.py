"""Some channels of an image, read by regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.images.channels import Channels, take_channels
from napari_unet.images.source import ImageSource


@dataclass(frozen=True, slots=True, eq=False)
class ChosenChannels:
    """Some channels of an image with that axis, in some order; an `ImageSource`.

    Without the axis where there is one of them.

    Parameters
    ----------
    source : ImageSource
        The image.
    of_source : str
        Its axes.
    chosen : tuple of int
        Channels, from 0.
    """

    source: ImageSource
    of_source: str
    chosen: tuple[int, ...]

    @property
    def axes(self) -> str:
        """Those of the image, without C where one channel is chosen."""
        one = len(self.chosen) == 1
        return self.of_source.replace("C", "") if one else self.of_source

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the image."""
        return self.source.dtype

    @property
    def pixel_size(self) -> Mapping[str, float]:
        """Of the image."""
        return self.source.pixel_size

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the finest level."""
        return self.levels[0]

    @property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the levels, with as many channels as are chosen."""
        return tuple(
            self._taken(level, len(self.chosen)) for level in self.source.levels
        )

    @property
    def piece(self) -> tuple[int, ...]:
        """The shape in which pixels lie together, as far as it is known."""
        found: tuple[int, ...] = getattr(self.source, "piece", self.source.shape)
        return self._taken(found, 1)

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return what lies in a region of a level."""
        place = self.of_source.index("C")
        start, stop = list(region.start), list(region.stop)
        numbers = self.chosen
        if "C" in self.axes:
            numbers = self.chosen[start.pop(place) : stop.pop(place)]
        found = []
        for number in numbers:
            low = (*start[:place], number, *start[place:])
            high = (*stop[:place], number + 1, *stop[place:])
            found.append(self.source.read(Box(low, high), level))
        joined = np.concatenate(found, axis=place)
        return joined if "C" in self.axes else joined.squeeze(place)

    def _taken(self, shape: tuple[int, ...], channels: int) -> tuple[int, ...]:
        return tuple(
            channels if axis == "C" else n
            for axis, n in zip(self.of_source, shape, strict=True)
            if axis in self.axes
        )


def chosen_channels(
    image: npt.NDArray[Any] | ImageSource, axes: str, channels: Channels | None
) -> tuple[npt.NDArray[Any] | ImageSource, str]:
    """Return an image with these channels alone, and its axes; see `take_channels`."""
    if isinstance(image, np.ndarray):
        return take_channels(image, axes, channels)
    if channels is None or "C" not in axes:
        return image, axes
    found = ChosenChannels(image, axes, channels)
    return found, found.axes
