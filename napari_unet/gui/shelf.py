"""Layers of results that wait for the next image of the list.

To add a layer takes napari so long that a person sees it, and so does taking one away:
each has controls, visuals and connections of its own. To show other pixels in a layer
costs little. So when a person steps to another image, the layers of its results stay:
hidden and empty, until there is something of the next image to show in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QTimer

from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.gui.connections import Connections
from napari_unet.gui.placement import cover
from napari_unet.gui.result_layers import channel_axis, name_over, renew_layer
from napari_unet.gui.target import Role
from napari_unet.session.images.image import OpenImage

if TYPE_CHECKING:
    from napari.components import LayerList


Look: TypeAlias = dict[str, Any]
"""What a person has set in a labels layer beside its pixels, by napari's names."""


class Shelf:
    """Keeps a layer of each role, as long as the image layer below them is there.

    Attributes
    ----------
    look : Look
        How a person had set up the labels that were shown last.
    overlaid : bool
        Whether it was shown what of them is verified.
    """

    def __init__(self, layers: LayerList) -> None:
        self._layers = layers
        self._waiting: dict[Role, Labels] = {}
        self._below: Image | None = None
        self._schema = INSTANCES
        self._connections = Connections()
        self.look: Look = {}
        self.overlaid = False

    def put(
        self,
        waiting: dict[Role, Labels],
        schema: LabelSchema,
        look: Look,
        *,
        overlaid: bool,
    ) -> None:
        """Hide layers that show no work any more, which was of this schema.

        What waits already of another role goes on waiting.
        """
        for layer in waiting.values():
            layer.visible = False
        self._schema = schema
        self._waiting |= waiting
        # Which label is painted belongs to an image, and all want to see the next one.
        self.look = {name: look[name] for name in look if name != "selected_label"}
        self.look["visible"], self.overlaid = True, overlaid

    def wait_over(self, below: Image) -> None:
        """Let what waits lie on an image, and show nothing."""
        if not self._waiting:
            return
        self._below = below
        self._connections.close()
        self._connections.connect(self._layers.events.removed, self._on_removed)
        shape = below.data.shape[: below.ndim]
        for role, layer in self._waiting.items():
            # The work on the image before leaves the memory.
            nothing = layer.data.dtype.type(0)
            layer.data = np.broadcast_to(nothing, shape[-layer.ndim :])
            layer.editable = False
            cover(layer, below)
            if role is Role.LABELS:
                layer.name = name_over(below, self._schema)

    def take_labels(self, image: OpenImage, below: Image) -> Labels | None:
        """Return a layer that shows the labels of an image, if one waits for them."""
        shape = channel_axis(image, below).spread(image.annotation.shown).shape
        layer = self.take(Role.LABELS, below, len(shape), image.schema)
        if layer is not None:
            renew_layer(layer, image, below)
            layer.name = name_over(below, image.schema)
            layer.editable = layer.visible = True
        return layer

    def take(
        self, role: Role, below: Image, ndim: int, schema: LabelSchema
    ) -> Labels | None:
        """Return a layer to show work of a schema in, over an image.

        None if there is none that fits; then none is kept.
        """
        layer = self._waiting.pop(role, None)
        if layer is None or layer not in self._layers:
            return None
        same = below is self._below and schema == self._schema
        if same and layer.ndim == ndim:
            return layer
        self._layers.remove(layer)
        return None

    def drop(self) -> None:
        """Take away what waits."""
        self._connections.close()
        waiting, self._waiting = self._waiting, {}
        for layer in waiting.values():
            if layer in self._layers:
                self._layers.remove(layer)

    def _on_removed(self, event: object) -> None:
        if getattr(event, "value", None) is self._below:
            # When napari is done removing.
            QTimer.singleShot(0, self.drop)
