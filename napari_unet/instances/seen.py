"""What a network said of a part of a plane, with where the pixels of the image lie."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.decoding import Decoding, Maps

Grey: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.float64]

_LIMITS = (0.001, 0.999)


@dataclass(frozen=True, slots=True, eq=False)
class SeenPart:
    """Maps of a part of a plane, on the grid that the network saw.

    Parameters
    ----------
    maps : ndarray of float32, shape (K, Y, X)
    rows, columns : ndarray of float
        Where in the maps the middles of the rows and columns of the image lie.
    decoding : Decoding
        What the maps mean.
    """

    maps: Maps
    rows: Places
    columns: Places
    decoding: Decoding

    def foreground(self) -> Grey:
        """Return probabilities of foreground (Y, X), on the grid of the image."""
        at = np.meshgrid(self.rows, self.columns, indexing="ij")
        found = ndimage.map_coordinates(self.maps[0], at, order=1, mode="nearest")
        return np.asarray(found, np.float32)

    def iter_pieces(self, foreground: float) -> Generator[None, None, LabelMap]:
        """Return ids of objects of any size, with another foreground threshold.

        On the grid of the image; what is seen there is told apart, however faint.
        """
        least, most = _LIMITS
        thresholds = {"foreground": min(max(foreground, least), most), "min_size": 1}
        decoding = self.decoding.model_copy(update=thresholds)
        pieces = yield from decoding.iter_decode(self.maps)
        nearest = (np.round(each).astype(int) for each in (self.rows, self.columns))
        sizes = pieces.shape
        inside = (np.clip(n, 0, s - 1) for n, s in zip(nearest, sizes, strict=True))
        return np.asarray(pieces[np.ix_(*inside)])


def part_of(
    plane: npt.NDArray[Any], shape: tuple[int, ...], box: Box, decoding: Decoding
) -> SeenPart:
    """Return what maps (K, Y, X) of a plane of a shape say of a box of that plane."""
    places, near = [], []
    for size, seen, start, stop in zip(
        shape, plane.shape[1:], box.start, box.stop, strict=True
    ):
        # The middle of a pixel lies on its whole number.
        at = (np.arange(start, stop) + 0.5) * seen / size - 0.5
        first = max(0, int(np.floor(at[0])))
        near.append(slice(first, min(seen, int(np.ceil(at[-1])) + 1)))
        places.append(at - first)
    maps = np.ascontiguousarray(plane[:, *near], np.float32)
    return SeenPart(maps, places[0], places[1], decoding)
