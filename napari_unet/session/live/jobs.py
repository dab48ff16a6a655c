"""The job that predicts a view."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet import inference, large
from napari_unet.core.jobs import Job
from napari_unet.images.chosen import chosen_channels
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
        found = Predict.of(image, model, None)
        # What was measured once holds for every view.
        size = found.diameter or image.measured_by(model.name)
        return cls(replace(found, diameter=size), request)

    def run(self) -> Generator[inference.LiveEvent, None, None]:
        """Predict it."""
        image = self.image
        pixels, axes = chosen_channels(image.pixels, image.axes, image.channels)
        if not isinstance(pixels, np.ndarray):
            seen, _ = large.fit_source(pixels, axes, None, image.model)
            pixels, axes = seen.source, seen.axes
        return inference.iter_predict_view(
            pixels,
            image.model,
            self.request,
            axes=axes,
            diameter=image.diameter,
            pixel_size=image.pixel_size,
        )
