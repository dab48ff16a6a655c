"""How sure the model is, as a picture below the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image, Labels
from psygnal import Signal

from napari_unet.gui.connections import Connections
from napari_unet.gui.napari_private import insert_quietly, matrix_of_pixels
from napari_unet.gui.overlays import mark_as_prediction
from napari_unet.gui.placement import cover

if TYPE_CHECKING:
    from napari.components import LayerList

_OPACITY = 0.85


class ProbabilityLayer:
    """Shows probabilities where they belong, or nothing.

    Attributes
    ----------
    layer : Image or None
        What shows them, while there is something to show.
    unwanted : Signal()
        A person has removed the layer.
    """

    unwanted = Signal()

    def __init__(self, layers: LayerList) -> None:
        self._layers = layers
        self._connections = Connections()
        self.layer: Image | None = None

    def show(
        self,
        values: npt.NDArray[np.float32],
        start: tuple[int, ...],
        labels: Labels,
        name: str,
    ) -> None:
        """Show values, the first of which lies on a pixel of the layer with labels."""
        layer = self.layer
        if layer is None:
            layer = self.layer = self._made(values, name)
            _place(layer, labels, start)
            insert_quietly(self._layers, self._layers.index(labels), layer)
            self._connections.connect(self._layers.events.removed, self._on_removed)
        else:
            layer.data, layer.name = values, name
            _place(layer, labels, start)

    def drop(self) -> None:
        """Take the layer away."""
        layer, self.layer = self.layer, None
        self._connections.close()
        if layer is not None and layer in self._layers:
            self._layers.remove(layer)

    def _made(self, values: npt.NDArray[np.float32], name: str) -> Image:
        layer = Image(
            values,
            name=name,
            colormap="magma",
            contrast_limits=(0.0, 1.0),
            opacity=_OPACITY,
            blending="translucent",
        )
        mark_as_prediction(layer)
        return layer

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.layer = None
            self._connections.close()
            self.unwanted.emit()


def _place(layer: Image, labels: Labels, start: tuple[int, ...]) -> None:
    """Let the first pixel of a layer lie on one of the layer with labels."""
    cover(layer, labels)
    where = matrix_of_pixels(layer) @ np.array([*start, 1.0])
    layer.translate = where[:-1]
