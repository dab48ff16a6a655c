"""Objects by a seeded watershed of two distance maps: the way of the first release."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.crumbs import remove_small
from napari_unet.instances.decoding import Decoding, Maps
from napari_unet.instances.distances import InstanceMap, iter_instance_targets
from napari_unet.instances.peaks import iter_flood, iter_prominent_peaks


class DistancesDecoding(Decoding):
    """Seeds are the prominent peaks of the distance maps; they flood the foreground.

    It tells round objects apart. Peaks of long ones are many and shallow, so no
    prominence suits both, and borders between objects that touch are off by a pixel or
    two: models are kept as they were made, new ones have `ReachDecoding`.

    Parameters
    ----------
    prominence : float
        How far the distance maps must fall between two peaks for these to be two
        objects. The maps are normalised within objects, so this is the same for
        small and large ones.
    smoothing : float
        Gaussian blur of the distance maps before peaks are looked for, in pixels.
    """

    steps: ClassVar[dict[str, float]] = {"prominence": 0.05, "foreground": 0.1}
    parting: ClassVar[str] = "prominence"
    parting_limits: ClassVar[tuple[float, float]] = (0.02, 0.5)
    parting_words: ClassVar[str] = (
        "How deep the waist between two touching objects must be to part them."
    )

    prominence: float = Field(0.1, gt=0, lt=1)
    smoothing: float = Field(0.0, ge=0, le=100)

    @model_serializer(mode="wrap")
    def _as_ever(self, content: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write in the order of the first release: checkpoints know the bytes."""
        written: dict[str, Any] = content(self)
        return dict(sorted(written.items(), key=lambda each: each[0] == "min_size"))

    def channels(self, dims: int) -> int:
        """Foreground, centre and border."""
        del dims
        return len(InstanceMap)

    def map_names(self, dims: int) -> tuple[str, ...]:
        """Names of `InstanceMap`."""
        del dims
        return tuple(each.name.lower() for each in InstanceMap)

    def iter_draw(
        self, labels: npt.NDArray[np.integer[Any]]
    ) -> Generator[None, None, Maps]:
        """Return the maps in the order of `InstanceMap`."""
        return (yield from iter_instance_targets(labels))

    def iter_decode(
        self, maps: Maps, zoom: float = 1.0
    ) -> Generator[None, None, LabelMap]:
        """Flood the foreground; a piece of it without a peak becomes one object."""
        foreground = maps[InstanceMap.FOREGROUND] >= self.foreground
        height = (maps[InstanceMap.CENTRE] + maps[InstanceMap.BORDER]) / 2
        if self.smoothing:
            height = scipy.ndimage.gaussian_filter(height, self.smoothing)
        height = np.where(foreground, height, 0).astype(np.float32)
        yield
        peaks = yield from iter_prominent_peaks(height, self.prominence)
        yield
        labels = yield from iter_flood(height, peaks, foreground)
        yield
        return remove_small(labels, self.least_area(zoom))
