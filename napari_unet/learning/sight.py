"""How a start sees the objects of a person, before it is told how large they are.

Crops and windows show objects at the zoom at which they are predicted once their size
is known. A start does not know it: it measures, and may err. Who judged it at the right
zoom would find it better than what a person has seen of it, and keep it for that.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from napari_unet.core.jobs import told_as
from napari_unet.inference.forward import PlanePredictor
from napari_unet.inference.model_input import resize, zoom_for, zoomed_shape
from napari_unet.inference.sizes import iter_measured
from napari_unet.nets.device import choose_execution, resolve_device
from napari_unet.weights.model import Model

MOST_LOOKS = 3
"""Planes that are measured; a training is to begin soon."""


class Sight:
    """Measures planes as a model does that was not told how large objects are.

    Parameters
    ----------
    model : Model
        The start. One that was fine-tuned remembers how large objects are, and one that
        does not zoom needs no size.
    device : str
        As in `predict`.
    """

    def __init__(self, model: Model, device: str) -> None:
        spec = model.spec
        self._model, self._device = model, device
        self._known = model.best_diameters
        measures = self._known is not None and model.net.dims == 2
        unsure = measures and spec.usual_diameter is None
        self._looks = MOST_LOOKS if unsure else 0
        self._predictor: PlanePredictor | None = None

    @property
    def unsure(self) -> bool:
        """Whether the start may take objects for larger or smaller than they are."""
        return self._looks > 0

    def iter_zoom(
        self, image: npt.NDArray[np.float32], zoom: float
    ) -> Generator[None, None, float]:
        """Return by how much more a start would zoom than a plane was, usually 1.

        Parameters
        ----------
        image : ndarray of float32, shape (C, Y, X)
            A normalised plane that was zoomed already, by `zoom`.
        """
        if self._known is None or not self.unsure:
            return 1.0
        self._looks -= 1
        if self._predictor is None:
            execution = choose_execution(resolve_device(self._device))
            self._predictor = PlanePredictor(self._model, execution)
        original = resize(image, zoomed_shape(image.shape[1:], 1 / zoom))
        yield
        steps = iter_measured(original, self._model, self._predictor)
        found = yield from told_as(None, steps)
        if found is None:
            return 1.0
        return zoom_for(found, self._known, original.shape[1:]) / zoom
