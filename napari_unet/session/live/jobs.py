"""The job that predicts a view."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet import inference
from napari_unet.core.jobs import Job
from napari_unet.images.channels import take_channels
from napari_unet.session.images.image import OpenImage
from napari_unet.session.prediction import Predict

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class PredictView(Job["inference.LiveEvent", None]):
    """Predict what is in view; see `napari_unet.inference.live.iter_predict_view`."""

    image: Predict
    request: inference.Request

    @classmethod
    def of(
        cls, image: OpenImage, model: Model, request: inference.Request
    ) -> PredictView:
        """Return the prediction of a view of an image as it is read now."""
        return cls(Predict.of(image, model, None), request)

    def run(self) -> Generator[inference.LiveEvent, None, None]:
        """Predict it."""
        image = self.image
        pixels, axes = take_channels(image.pixels, image.axes, image.channels)
        return inference.iter_predict_view(
            pixels,
            image.model,
            self.request,
            axes=axes,
            diameter=image.diameter,
            pixel_size=image.pixel_size,
        )
