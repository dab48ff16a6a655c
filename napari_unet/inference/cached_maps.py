"""What a network said of an image, kept, so that thresholds can be moved at once.

The network takes most of the time of a prediction. While its maps are at hand, other
thresholds cost a decoding only.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from napari_unet.core.events import TilesDone
from napari_unet.core.jobs import told_as
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.result import in_image_axes
from napari_unet.inference.scale import iter_decode_zoomed
from napari_unet.instances.decoding import Decoding, iter_number_objects
from napari_unet.instances.targets import Maps

LARGEST_KEPT = 2**24
"""Pixels of the zoomed image; six bytes each are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptMaps:
    """The maps of all planes of an image.

    Parameters
    ----------
    planes : tuple of ndarray of float16, each of shape (3, Y, X)
        Time by time, and section by section.
    frames : int
        How many times there are.
    shape : tuple of int
        (Y, X) of the image.
    axes : str
        Of the image.
    zoom : float
        By how much the maps are larger than the image.
    """

    planes: tuple[npt.NDArray[np.float16], ...]
    frames: int
    shape: tuple[int, int]
    axes: str
    zoom: float

    def iter_decode(
        self, decoding: Decoding
    ) -> Generator[PredictEvent, None, LabelMap]:
        """Find the objects again, with other thresholds.

        Returns
        -------
        ndarray of int32
            With the axes of the image without C.
        """
        total = len(self.planes)
        labels = []
        for number, plane in enumerate(self.planes, start=1):
            maps = widened(plane)
            decoded = iter_decode_zoomed(maps, self.shape, decoding, self.zoom)
            labels.append((yield from told_as(TilesDone(number - 1, total), decoded)))
            yield TilesDone(number, total)
        stacks = np.stack(labels).reshape(self.frames, -1, *self.shape)
        yield from told_as(TilesDone(total, total), iter_number_objects(stacks))
        return in_image_axes(stacks, self.axes)


def narrowed(maps: Maps) -> npt.NDArray[np.float16]:
    """Return maps as they are kept; torch rounds as numpy does, and much quicker."""
    return torch.from_numpy(maps).half().numpy()


def widened(plane: npt.NDArray[np.float16]) -> Maps:
    """Return maps as they are decoded."""
    return torch.from_numpy(plane).float().numpy()
