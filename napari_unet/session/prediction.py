"""The jobs of which predictions are made, and their way into the labels of an image."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from napari_unet import inference
from napari_unet.annotation.annotation import EditOf, Mergeable, Predicted
from napari_unet.core.jobs import Job
from napari_unet.geometry.box import Box
from napari_unet.geometry.tiling import cut_into_bands
from napari_unet.images.channels import Channels, take_channels
from napari_unet.images.source import as_image
from napari_unet.inference.events import PredictEvent, Redecodable
from napari_unet.instances.decoding import Decoding
from napari_unet.session.images.image import OpenImage

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


def told_diameter(image: OpenImage, model: Model) -> float | None:
    """Return how large a person has said objects are, where it tells a model something.

    Or has shown, by those that are verified. One that never zooms it tells nothing.
    """
    return image.known_diameter if model.best_diameters else None


class Writing:
    """A prediction on its way into an image, one band after the other.

    `part` makes edits of it, each of a box.
    """

    def __init__(self, image: OpenImage, part: EditOf, box: Box) -> None:
        self._image = image
        self._part = part
        self._bands = deque(cut_into_bands(box))

    @property
    def over(self) -> bool:
        """Whether all of it is written."""
        return not self._bands

    def write(self) -> Box | None:
        """Write a band; return where something has changed, if anything has."""
        image = self._image
        image.canvas.flush()
        change = image.annotation.do(self._part(self._bands.popleft()))
        if change is None or change.box is None:
            return None
        image.canvas.refresh(change.box)
        return change.box


@dataclass(frozen=True, slots=True, eq=False)
class Predict(Job[PredictEvent, Predicted]):
    """Predict an image; see `napari_unet.inference.predict.iter_predict`."""

    pixels: npt.NDArray[Any]
    axes: str
    channels: Channels | None
    model: Model
    view: Box | None
    diameter: float | None
    voxel_size: Mapping[str, float]

    @classmethod
    def of(cls, image: OpenImage, model: Model, view: Box | None) -> Predict:
        """Return the prediction of an image as it is read now."""
        channels = image.reading.channels
        diameter = told_diameter(image, model)
        pixels, axes, size = image.pixels, image.axes, image.voxel_size
        return cls(pixels, axes, channels, model, view, diameter, size)

    @property
    def pixel_size(self) -> float | None:
        """Width of a pixel in micrometres, where somebody knows it."""
        return self.voxel_size.get("X")

    def run(self) -> Generator[PredictEvent, None, Predicted]:
        """Predict."""
        # Chosen here, in the background: several channels are copied.
        pixels, axes = take_channels(self.pixels, self.axes, self.channels)
        return inference.iter_predict(
            replace(as_image(pixels), axes=axes, pixel_size=self.voxel_size),
            self.model,
            axes=axes,
            view=self.view,
            diameter=self.diameter,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Decode(Job[PredictEvent, Predicted]):
    """Find objects in cached maps, with other thresholds, those of a view first."""

    maps: Redecodable
    decoding: Decoding
    view: Box | None

    def run(self) -> Generator[PredictEvent, None, Predicted]:
        """Decode."""
        return self.maps.iter_decode(self.decoding, self.view)


@dataclass(frozen=True, slots=True, eq=False)
class Merge(Job[None, EditOf]):
    """Fit a prediction into a snapshot; see `Annotation.merging`."""

    merging: Mergeable

    def run(self) -> Generator[None, None, EditOf]:
        """Merge."""
        yield
        return self.merging.merge()
