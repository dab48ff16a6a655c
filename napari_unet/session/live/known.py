"""What is known of the images that a person looks around in.

Tiles are what a network has said; they are kept up to some memory, those that were
asked for last. What was written into the labels, and by what, is kept for every image,
so that what is there already is not predicted again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box
from napari_unet.images.channels import Channels
from napari_unet.instances.decoding import Decoding
from napari_unet.session.images.image import OpenImage
from napari_unet.session.prediction import told_diameter

if TYPE_CHECKING:
    from napari_unet.inference import Prepared
    from napari_unet.nets.network import Network
    from napari_unet.weights.model import Model

MOST_BYTES = 2**27
"""The memory that tiles of all images together may take."""


@dataclass(frozen=True, slots=True)
class Origin:
    """On what a prediction depends: the network, how it sees the image, thresholds."""

    net: Network
    axes: str
    channels: Channels | None
    diameter: float | None
    pixel_size: float | None
    decoding: Decoding | None

    @classmethod
    def of(cls, image: OpenImage, model: Model) -> Origin:
        """Return that of a prediction that begins now."""
        diameter = told_diameter(image, model)
        channels = image.reading.channels
        size, decoding = image.pixel_size, model.spec.decoding
        return cls(model.net, image.axes, channels, diameter, size, decoding)

    @property
    def of_maps(self) -> Origin:
        """What the maps depend on: not on thresholds."""
        return replace(self, decoding=None)


@dataclass(slots=True, eq=False)
class Known:
    """What is known of an image.

    Parameters
    ----------
    whole : Origin or None
        Of the last prediction of all of it, if that was seen.
    written : dict of Box to Origin
        Of the tiles that were written since, which are boxes of (T, Z, Y, X).
    maps : Origin or None
        On what that depends which is `prepared`, and the tiles.
    """

    whole: Origin | None = None
    written: dict[Box, Origin] = field(default_factory=dict)
    maps: Origin | None = None
    prepared: Prepared | None = None

    def note_whole(self, origin: Origin) -> None:
        """Note that all of the image was predicted."""
        self.whole, self.written = origin, {}

    def stale(self, tile: Box, origin: Origin) -> bool:
        """Whether what is there was predicted with something else, as far as known."""
        found = self.written.get(tile, self.whole)
        return found is not None and found != origin

    def current(self, tile: Box, origin: Origin) -> bool:
        """Whether what is there was predicted just so."""
        return self.written.get(tile, self.whole) == origin


class Tiles:
    """What networks have said of tiles of images; the oldest go when there are many."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._maps: OrderedDict[tuple[OpenImage, Box], npt.NDArray[Any]] = OrderedDict()

    def keep(
        self, image: OpenImage, tile: Box, maps: npt.NDArray[np.floating[Any]]
    ) -> None:
        """Keep a tile, and let go of others if there is no room for all."""
        self._drop((image, tile))
        self._maps[image, tile] = maps
        self._bytes += maps.nbytes
        while self._bytes > self._most and len(self._maps) > 1:
            self._drop(next(iter(self._maps)))

    def find(
        self, image: OpenImage, tiles: Iterable[Box]
    ) -> dict[Box, npt.NDArray[np.floating[Any]]]:
        """Return those of some tiles that are kept; they stay longest now."""
        found = {}
        for tile in tiles:
            if (maps := self._maps.get((image, tile))) is not None:
                self._maps.move_to_end((image, tile))
                found[tile] = maps
        return found

    def forget(self, image: OpenImage) -> None:
        """Let go of all tiles of an image."""
        for key in [each for each in self._maps if each[0] is image]:
            self._drop(key)

    def _drop(self, key: tuple[OpenImage, Box]) -> None:
        maps = self._maps.pop(key, None)
        if maps is not None:
            self._bytes -= maps.nbytes
