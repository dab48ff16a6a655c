"""Maps of a volume, from what is said of its planes seen from three sides.

A network that knows planes sees a volume as sections across Z, across Y and across X.
Along each axis two of these views look, and the third sees nothing. An object ends
where either of the two sees an end: what looks like one body from above is seen as two
from the side. A pixel is foreground as far as all three say so, which is the mean of
what is certain (the geometric one). Averaging over views is as old as planes
(Cellpose does so with flows, Stringer et al., Nature Methods 2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from napari_unet.instances.decoding import Maps
from napari_unet.instances.reach import reach_channels

S = TypeVar("S", bound=np.generic)

Stacks: TypeAlias = Literal["three-sides", "sections"]
"""How networks of planes see stacks: from three sides, or section by section."""

_DIMS = 3


def sides() -> Iterator[int]:
    """Yield the axes across which the planes of a volume (Z, Y, X) lie."""
    yield from range(_DIMS)


def section_of(volume: npt.NDArray[S], number: int) -> npt.NDArray[S]:
    """Return foreground and reach (5, Y, X) in a section of those of a volume."""
    kept = [0, *range(reach_channels(1), reach_channels(_DIMS))]
    return volume[kept, number]


class ThreeSides:
    """Collects what is said of planes; each pixel has to be told of from each side.

    Parameters
    ----------
    shape : tuple of int
        Of the volume (Z, Y, X).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._maps = np.ones((reach_channels(_DIMS), *shape), np.float32)

    def add(self, across: int, number: int, plane: Maps) -> None:
        """Take foreground and reach (5, A, B) of a plane across an axis."""
        places = np.moveaxis(self._maps, 1 + across, 0)[number]
        places[0] *= plane[0]
        along = [axis for axis in sides() if axis != across]
        for own, axis in enumerate(along):
            for way in (1, 2):
                seen = places[way + 2 * axis]
                np.minimum(seen, plane[way + 2 * own], out=seen)

    def agreed(self) -> Maps:
        """Return foreground and reach of the volume (7, Z, Y, X)."""
        np.cbrt(self._maps[0], out=self._maps[0])
        return self._maps
