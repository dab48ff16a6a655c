"""Predicted values as an image over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QTimer

from napari_unet.core.box import Box
from napari_unet.core.provenance import ValueMap
from napari_unet.core.values import ValueAnnotation
from napari_unet.gui.geometry import same_place
from napari_unet.gui.labels_binding import LabelsBinding

if TYPE_CHECKING:
    from napari.components import LayerList

OPACITY = 0.65
COLORMAP = "viridis"
VARIABLE_AXIS = "variable"

_MARK = "napari-unet"
_LOOKED_AT = 10_000
# Many bands in a row are shown as one change: drawing costs as much as the picture.
_REDRAW_MS = 100


def is_prediction(layer: Any) -> bool:
    """Whether an image layer shows a prediction, and is no image to work on."""
    return bool(layer.metadata.get(_MARK) == "prediction")


class ValuePicture:
    """The canvas of regressed values: marks to paint, over a picture of the prediction.

    Implements `napari_unet.session.image.Canvas`. The picture's data *are* the
    predicted values: nothing is copied. It is made when there is something to show.

    Parameters
    ----------
    layers : LayerList
        The viewer's layers; the picture goes right below the marks.
    binding : LabelsBinding
        Keeps the marks.
    annotation : ValueAnnotation
        Owns marks and predicted values.
    name : str
        Of the layer.
    """

    def __init__(
        self,
        layers: LayerList,
        binding: LabelsBinding,
        annotation: ValueAnnotation,
        name: str,
    ) -> None:
        self.layer: Image | None = None
        self._layers = layers
        self._binding = binding
        self._annotation = annotation
        self._name = name
        self._limits: tuple[float, float] | None = None
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        self._redraw()

    @property
    def busy(self) -> bool:
        """Whether a stroke is under way."""
        return self._binding.busy

    def flush(self) -> None:
        """Tell the annotation what was marked so far."""
        self._binding.flush()

    def settle(self) -> None:
        """Tell the annotation what was marked so far: marks are never open."""
        self._binding.settle()

    def refresh(self, box: Box) -> None:
        """Show what the program changed inside a box, the picture a moment later."""
        self._binding.changed.emit(box)
        if not self._timer.isActive():
            self._timer.start()

    def close(self, *, remove: bool) -> None:
        """Stop drawing; the picture goes or stays as an ordinary layer."""
        self._timer.stop()
        if remove and self.layer is not None and self.layer in self._layers:
            self._layers.remove(self.layer)

    def _redraw(self) -> None:
        values = self._annotation.predicted
        if values is None:
            return
        limits = _limits(values)
        if self.layer is None or self.layer not in self._layers:
            self.layer = self._picture(values, limits)
            self._insert(self.layer)
        elif limits != self._limits:
            layer = self.layer
            if self._limits == tuple(layer.contrast_limits):  # not the person's own
                layer.contrast_limits_range = limits
                layer.contrast_limits = limits
        self._limits = limits
        self.layer.refresh(extent=False, highlight=False)

    def _picture(self, values: ValueMap, limits: tuple[float, float]) -> Image:
        marks = self._binding.layer
        if len(values) == 1:
            place = same_place(marks)
        else:
            place = {
                "affine": marks.affine.expand_dims([0]),
                "axis_labels": (VARIABLE_AXIS, *marks.axis_labels),
                "scale": (1, *marks.scale),
                "translate": (0, *marks.translate),
                "units": ("pixel", *marks.units),
            }
        return Image(
            values[0] if len(values) == 1 else values,
            name=self._name,
            colormap=COLORMAP,
            contrast_limits=limits,
            opacity=OPACITY,
            blending="translucent",
            metadata={_MARK: "prediction"},
            **place,
        )

    def _insert(self, layer: Image) -> None:
        """Add the layer without taking the selection away from the marks."""
        selected = set(self._layers.selection)
        active = self._layers.selection.active
        self._layers.insert(self._layers.index(self._binding.layer), layer)
        self._layers.selection.update(selected)
        self._layers.selection.discard(layer)
        if active is not None:
            self._layers.selection.active = active


def _limits(values: ValueMap) -> tuple[float, float]:
    """Return between what almost all values lie, from some of them."""
    flat = values.reshape(-1)
    some = flat[:: 1 + flat.size // _LOOKED_AT]
    some = some[np.isfinite(some)]
    if not some.size:
        return 0.0, 1.0
    low, high = (float(each) for each in np.percentile(some, (0.5, 99.5)))
    return low, high if high > low else low + 1.0
