"""Predicted values as images over the image, one for every variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.box import Box
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.napari_private import insert_quietly
from napari_unet.gui.placement import cover

if TYPE_CHECKING:
    from napari.components import LayerList

Values: TypeAlias = npt.NDArray[np.float32]
"""What is predicted of one variable."""

OPACITY = 0.65
COLORMAP = "viridis"

_MARK = "napari-unet"
_LOOKED_AT = 10_000
# Many bands in a row are shown as one change: drawing costs as much as the picture.
_REDRAW_MS = 100


def is_prediction(layer: Any) -> bool:
    """Whether an image layer shows a prediction, and is no image to work on."""
    return bool(layer.metadata.get(_MARK) == "prediction")


class ValuePicture:
    """The canvas of regressed values: marks to paint, over pictures of the prediction.

    Implements `session.images.image.Canvas`. Every variable has a layer of its
    own, with its own limits; one of them is in sight. The data of the layers *are* the
    predicted values: nothing is copied. They are made when there is something to show.

    Parameters
    ----------
    binding : LabelsBinding
        Keeps the marks.
    annotation : ValueAnnotation
        Owns marks and predicted values.
    names : sequence of str
        Of the layers, one for every variable.

    Attributes
    ----------
    made : Signal(Image)
        There is a new layer.
    """

    made = Signal(Image)

    def __init__(
        self,
        layers: LayerList,
        binding: LabelsBinding,
        annotation: ValueAnnotation,
        names: Sequence[str],
    ) -> None:
        self.pictures: dict[int, Image] = {}
        self._layers = layers
        self._binding = binding
        self._annotation = annotation
        self._names = tuple(names)
        self._limits: dict[int, tuple[float, float]] = {}
        self._in_sight = 0
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REDRAW_MS)
        self._timer.timeout.connect(self.redraw)

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

    def do(self, edit: Edit) -> Change | None:
        """Do an edit that nobody painted, and show it; return what changed."""
        return self._binding.do(edit)

    def refresh(self, box: Box) -> None:
        """Show what the program changed inside a box, the picture a moment later."""
        self._binding.changed.emit(box)
        if not self._timer.isActive():
            self._timer.start()

    def look_at(self, variable: int) -> None:
        """Bring a variable in sight, and no other."""
        if variable == self._in_sight:
            return
        self._in_sight = variable
        for number, layer in self.pictures.items():
            layer.visible = number == variable

    def redraw(self) -> None:
        """Show the values as they are now."""
        values = self._annotation.predicted
        if values is None:
            return
        for variable, each in enumerate(values):
            self._draw(variable, each)

    def close(self, *, remove: bool) -> None:
        """Stop drawing; the pictures go or stay as ordinary layers."""
        self._timer.stop()
        for layer in self.pictures.values():
            if remove and layer in self._layers:
                self._layers.remove(layer)

    def _draw(self, variable: int, values: Values) -> None:
        limits, before = _limits(values), self._limits.get(variable)
        layer = self.pictures.get(variable)
        self._limits[variable] = limits
        if layer is None or layer not in self._layers:
            self._show(variable, values, limits)
            return
        if limits != before and before == tuple(layer.contrast_limits):
            layer.contrast_limits_range = limits  # these were not the person's own
            layer.contrast_limits = limits
        layer.refresh(extent=False, highlight=False)

    def _show(self, variable: int, values: Values, limits: tuple[float, float]) -> None:
        layer = Image(
            self._binding.channel.spread(values),
            name=self._names[variable],
            colormap=COLORMAP,
            contrast_limits=limits,
            opacity=OPACITY,
            blending="translucent",
            visible=variable == self._in_sight,
            metadata={_MARK: "prediction"},
        )
        marks = self._binding.layer
        cover(layer, marks)
        self.pictures[variable] = layer
        insert_quietly(self._layers, self._layers.index(marks), layer)
        self.made.emit(layer)


def _limits(values: Values) -> tuple[float, float]:
    """Return between what almost all values lie, from some of them."""
    flat = values.reshape(-1)
    some = flat[:: 1 + flat.size // _LOOKED_AT]
    some = some[np.isfinite(some)]
    if not some.size:
        return 0.0, 1.0
    low, high = (float(each) for each in np.percentile(some, (0.5, 99.5)))
    return low, high if high > low else low + 1.0
