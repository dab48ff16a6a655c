"""An image without anything in it, as every plate has some, holds no objects."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy.typing as npt

from napari_unet.core.events import TilesDone
from napari_unet.core.jobs import told_as
from napari_unet.images.noise import iter_is_noise
from napari_unet.inference.measure import telling_planes
from napari_unet.inference.model_input import iter_places
from napari_unet.weights.model import Model


def iter_only_noise(
    image: npt.NDArray[Any], model: Model, limits: list[tuple[float, float]]
) -> Generator[TilesDone, None, bool]:
    """Find out whether no plane shows anything but noise; the telling ones first.

    Parameters
    ----------
    image : ndarray, shape (T, C, Z, Y, X)
        Any dtype.
    limits : list of (float, float)
        Grey values that become 0 and 1, of every channel.
    """
    scale = model.spec.normalization.scale
    first = telling_planes(image, lambda p: float(scale(p, limits).std()))
    places = dict.fromkeys([*first, *iter_places((len(image), image.shape[2]), 2)])
    for t, z in places:
        yield TilesDone(0, 1)
        plane = scale(image[t, :, z], limits)
        yield TilesDone(0, 1)
        if not (yield from told_as(TilesDone(0, 1), iter_is_noise(plane))):
            return False
    return True
