"""What another version would predict, shown in the place of the labels.

The layer looks as the labels do, and has their ids, so only what differs blinks when
the two are flipped. Nobody can paint in it, nothing is read from it, and while it is in
sight the labels are hidden as by their eye in the layer list: napari lets nobody paint
in what is hidden, and takes the tool in hand again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Labels
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_unet.gui.connections import Connections
from napari_unet.gui.napari_private import insert_quietly
from napari_unet.gui.placement import cover, see

if TYPE_CHECKING:
    from napari.components import LayerList

_LOOKS = ("opacity", "blending", "contour")
_KEEP = "Escape"


class PreviewLayer:
    """Shows a preview over a layer of labels, or hides it.

    Attributes
    ----------
    layer : Labels or None
        What shows it, while there is something to show.
    unwanted : Signal()
        A person has removed the layer, or pressed Escape while it was in sight.
    """

    unwanted = Signal()

    def __init__(self, layers: LayerList) -> None:
        self._layers = layers
        self.layer: Labels | None = None
        self._labels: Labels | None = None
        self._visible = True
        self._flipped = False
        self._connections = Connections()

    def show(
        self, pixels: npt.NDArray[Any], labels: Labels, name: str, *, flipped: bool
    ) -> None:
        """Show pixels in the place of the labels if it is `flipped`, else the labels.

        The pixels have the shape of the layer with the labels.
        """
        if self._labels is not labels:
            self.drop()
        if self.layer is None:
            self._insert(pixels, labels, name)
        elif not np.may_share_memory(self.layer.data, pixels):
            pixels.flags.writeable = False
            self.layer.data = pixels
        if flipped != self._flipped:
            self._flip(flipped=flipped)

    def drop(self, *, at_once: bool = True) -> None:
        """Show the labels as they were, and take the layer away.

        Not `at_once` where napari is at work on its layers.
        """
        layer, self.layer = self.layer, None
        self._connections.close()
        if self._flipped:
            self._flip(flipped=False)
            if self._labels is not None and not self._visible:
                self._labels.visible = False
        self._labels = None
        if layer is None:
            return
        see(layer, visible=False)
        if at_once:
            self._remove(layer)
        else:
            QTimer.singleShot(0, lambda: self._remove(layer))

    def _insert(self, pixels: npt.NDArray[Any], labels: Labels, name: str) -> None:
        pixels.flags.writeable = False
        layer = Labels(pixels, name=name, visible=False)
        for look in _LOOKS:
            setattr(layer, look, getattr(labels, look))
        layer.colormap = _same_colors(labels)
        cover(layer, labels)
        layer.editable = False
        layer.bind_key(_KEEP, self._on_escape, overwrite=True)
        # Known before it is there, or it would be taken for labels of a person.
        self.layer, self._labels = layer, labels
        self._visible = labels.visible
        insert_quietly(self._layers, self._layers.index(labels) + 1, layer)
        self._connections = Connections()
        self._connections.connect(self._layers.events.removed, self._on_removed)

    def _flip(self, *, flipped: bool) -> None:
        self._flipped = flipped
        labels = self._labels
        if self.layer is not None:
            if labels is not None and flipped:
                cover(self.layer, labels)
            see(self.layer, visible=flipped)
        if labels is not None:
            see(labels, visible=not flipped)
            # napari's own Escape is for polygons, which nobody draws while it is
            # hidden.
            escape: Callable[..., None] | None = self._on_escape if flipped else None
            labels.bind_key(_KEEP, escape, overwrite=True)

    def _on_escape(self, _layer: object) -> None:
        self.unwanted.emit()

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.drop(at_once=False)
            self.unwanted.emit()

    def _remove(self, layer: Labels) -> None:
        if layer in self._layers:
            self._layers.remove(layer)


def _same_colors(labels: Labels) -> Any:
    """Return the colours of a layer, all of them whatever label is selected there."""
    colors = deepcopy(labels.colormap)
    colors.selection, colors.use_selection = 0, False
    return colors
