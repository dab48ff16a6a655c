"""What a prediction yields, besides what any loop does."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import Notice, TilesDone
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.decoding import Decoding
from napari_unet.instances.seen import SeenPart


@dataclass(frozen=True, slots=True)
class ViewPredicted:
    """The result in the requested view, before the rest of the image is finished.

    The box has the axes of the image without C. Ids count from 1 and are preliminary;
    regressed values have the variables as first axis.
    """

    box: Box
    labels: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sized:
    """How large the objects are, and by how much the image is zoomed for the network.

    The typical diameter is in pixels, and None where no object was seen. The model has
    measured it, or else somebody said so.
    """

    diameter: float | None
    zoom: float
    measured: bool


class Redecodable(Protocol):
    """Maps of an image, from which objects can be found with other thresholds."""

    def iter_decode(
        self, decoding: Decoding, view: Box | None = None
    ) -> Generator[PredictEvent, None, LabelMap]:
        """Find them, those of a view first; returns labels in the image's axes."""

    def probability(self) -> tuple[Box, npt.NDArray[np.float32]]:
        """Return the box of all labels, and the probability of foreground in it."""

    def foreground(self, frame: int, section: int) -> npt.NDArray[np.float32]:
        """Return probabilities of foreground (Y, X), on the grid of the image."""

    def part(self, frame: int, section: int, box: Box) -> SeenPart:
        """Return what was said of a box (Y, X) of a plane; costs what the box does."""


@dataclass(frozen=True, slots=True)
class MapsCached:
    """What the network said of the whole image, so that thresholds can be moved."""

    maps: Redecodable


PredictEvent: TypeAlias = Notice | TilesDone | ViewPredicted | Sized | MapsCached
