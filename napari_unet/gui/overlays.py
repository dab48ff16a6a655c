"""What is shown over and under the labels: what is verified, and predicted values.

The data of these layers *are* what belongs to the annotation: nothing is kept twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from psygnal import Signal

from napari_unet.annotation.lines import widened
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.box import Box
from napari_unet.gui.connections import single_shot
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.line_array import LineArray
from napari_unet.gui.napari_private import (
    insert_quietly,
    redraw_box,
    shows_volume,
)
from napari_unet.gui.placement import cover

if TYPE_CHECKING:
    from napari.components import LayerList

Values: TypeAlias = npt.NDArray[np.float32]
"""What is predicted of one variable."""

NAME = "Verified"
# Okabe and Ito's blue and orange: told apart with every kind of colour blindness.
ACCEPTED_COLOR = "#0072B2"
CORRECTED_COLOR = "#E69F00"

PREDICTED_COLOR = "#DDDDDD"

_OPACITY = 0.9

_MARK = "napari-unet"
_LOOKED_AT = 10_000
# Many bands in a row are shown as one change: drawing costs as much as the picture.
_REDRAW_MS = 100


class VerifiedOverlay:
    """Draws a line round all labels: solid where they are verified, or else dashed.

    What is accepted is blue, and what is corrected orange. Not a tint: that would
    change the colours of labels and classes, and hide the image.
    It is hidden at first. The layer is read-only, and a change costs no more than
    drawing its box.
    """

    def __init__(
        self, layers: LayerList, binding: LabelsBinding, layer: Labels | None = None
    ) -> None:
        self._layers = layers
        self._binding = binding
        if layer is None:
            self.layer = _overlay_layer(binding)
            self._insert()
        else:  # one that showed what is verified of another image
            self.layer = layer
            layer.data = _lines(binding)
            layer.editable = False
            cover(layer, binding.layer)
        self._in_volume = False
        self.layer.events.set_data.connect(self._on_sliced)
        binding.changed.connect(self.refresh)
        binding.moved.connect(self._on_moved)

    @property
    def visible(self) -> bool:
        """Whether the overlay is on screen; showing it brings a deleted layer back."""
        return bool(self.layer in self._layers and self.layer.visible)

    @visible.setter
    def visible(self, visible: bool) -> None:
        if visible:
            self._binding.annotation.show_provenance(self._binding.annotation.shown_box)
        if visible and self.layer not in self._layers:
            self._insert()
        self.layer.visible = visible

    def refresh(self, box: Box) -> None:
        """Show the lines of what is inside a box as it is now."""
        annotation = self._binding.annotation
        box = box.intersect(annotation.shown_box)
        if self.layer in self._layers and not box.empty:
            if self.layer.visible:
                annotation.show_provenance(box)
            box = widened(box, annotation.provenance.shape)
            box = box.intersect(annotation.shown_box)
            redraw_box(self.layer, self._binding.channel.box_in_layer(box))

    def _on_sliced(self) -> None:
        """Leave out what is predicted in a 3-D view.

        Dashes on all sides of all objects would hide what is verified.
        """
        in_volume = shows_volume(self.layer)
        if in_volume != self._in_volume:
            self._in_volume = in_volume
            self.layer.colormap = _colours(in_volume=in_volume)

    def _on_moved(self) -> None:
        """Show the part that the labels show."""
        cover(self.layer, self._binding.layer)
        if self.visible:
            self._binding.annotation.show_provenance(self._binding.annotation.shown_box)
            self.layer.refresh()

    def let_go(self) -> None:
        """Stop listening; the layer stays."""
        self.layer.events.set_data.disconnect(self._on_sliced)
        self._binding.moved.disconnect(self._on_moved, missing_ok=True)
        self._binding.changed.disconnect(self.refresh, missing_ok=True)

    def close(self) -> None:
        """Take the layer away and stop listening."""
        self.let_go()
        if self.layer in self._layers:
            self._layers.remove(self.layer)

    def _insert(self) -> None:
        above = self._layers.index(self._binding.layer) + 1
        insert_quietly(self._layers, above, self.layer)


def _lines(binding: LabelsBinding) -> LineArray:
    return LineArray(binding.annotation, binding.channel)


def _colours(*, in_volume: bool) -> DirectLabelColormap:
    predicted = "transparent" if in_volume else PREDICTED_COLOR
    return DirectLabelColormap(
        color_dict={
            None: "transparent",
            Provenance.PREDICTED: predicted,
            Provenance.ACCEPTED: ACCEPTED_COLOR,
            Provenance.CORRECTED: CORRECTED_COLOR,
        }
    )


def _overlay_layer(binding: LabelsBinding) -> Labels:
    layer = Labels(
        _lines(binding),
        name=NAME,
        opacity=_OPACITY,
        visible=False,
        colormap=_colours(in_volume=False),
    )
    cover(layer, binding.layer)
    layer.editable = False
    return layer


def mark_as_prediction(layer: Image) -> None:
    """Note that a layer shows a prediction, and is no image to work on."""
    layer.metadata = {**layer.metadata, _MARK: "prediction"}


def is_prediction(layer: Any) -> bool:
    """Whether an image layer shows a prediction, and is no image to work on."""
    return bool(layer.metadata.get(_MARK) == "prediction")


class ValuePictures:
    """Predicted values, below the layer with the marks that a person paints.

    Every variable has a layer of its own, with its own name and limits; one of them is
    in sight. They are made when there is something to show.
    """

    made = Signal(Image)  # there is a new layer

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
        self._timer = single_shot(self.redraw, _REDRAW_MS)
        binding.predicted.connect(self._redraw_soon)

    def look_at(self, variable: int) -> None:
        """Bring a variable in sight, and no other."""
        if variable == self._in_sight:
            return
        self._in_sight = variable
        for number, layer in self.pictures.items():
            layer.visible = number == variable

    def redraw(self) -> None:
        """Show the values as they are now."""
        if (values := self._annotation.predicted) is not None:
            for variable, each in enumerate(values):
                self._draw(variable, each)

    def close(self, *, remove: bool) -> None:
        """Stop drawing; the pictures go or stay as ordinary layers."""
        self._timer.stop()
        self._binding.predicted.disconnect(self._redraw_soon, missing_ok=True)
        for layer in self.pictures.values():
            if remove and layer in self._layers:
                self._layers.remove(layer)

    def _redraw_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

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
            colormap="viridis",
            contrast_limits=limits,
            opacity=0.65,
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
