"""The paths of objects through time, as napari draws tracks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Tracks

from napari_unet.gui.connections import Connections
from napari_unet.gui.napari_private import insert_quietly
from napari_unet.gui.placement import cover
from napari_unet.tracking import Paths

if TYPE_CHECKING:
    from napari.components import LayerList

    from napari_unet.gui.shown_result import ShownResult
    from napari_unet.session.images.image import OpenImage
    from napari_unet.session.paths import ObjectPaths


class TracksLayer:
    """Shows paths where their objects are, or nothing.

    `shown_of` returns what is shown of the work on an image.

    Attributes
    ----------
    layer : Tracks or None
        What shows them, while there is something to show.
    """

    def __init__(
        self,
        layers: LayerList,
        paths: ObjectPaths,
        shown_of: Callable[[OpenImage], ShownResult | None],
    ) -> None:
        self._layers = layers
        self._paths = paths
        self._shown_of = shown_of
        paths.changed.connect(self._show)
        self._connections = Connections()
        self._shown: ShownResult | None = None
        self.layer: Tracks | None = None

    def _show(self) -> None:
        """Show paths over the labels of their image, or nothing."""
        found = self._paths.found
        shown = self._shown_of(found.image) if found is not None else None
        if found is None or shown is None:
            self.drop()
        else:
            self._draw(found.paths, shown)

    def _draw(self, paths: Paths, shown: ShownResult) -> None:
        """Draw them; what a person has set up stays."""
        if self._shown is not shown or not len(paths):
            self.drop()
        if not len(paths):
            return
        points, axis = paths.points, shown.binding.channel.position
        if axis is not None:
            points = np.insert(points, axis + 1, 0, axis=1)
        graph = {child: [parent] for child, parent in paths.parents.items()}
        if self.layer is not None:
            self.layer.data, self.layer.graph = points, graph
            return
        name = f"{shown.below.name} tracks"
        layer = self.layer = Tracks(points, graph=graph, name=name)
        self._shown = shown
        cover(layer, shown.layer)
        place = self._layers.index(shown.layer) + 1
        insert_quietly(self._layers, place, layer)
        shown.take_along(layer)
        self._connections.connect(self._layers.events.removed, self._on_removed)

    def drop(self) -> None:
        """Take the layer away."""
        layer = self._let_go()
        if layer is not None and layer in self._layers:
            self._layers.remove(layer)

    def _let_go(self) -> Tracks | None:
        layer, self.layer = self.layer, None
        shown, self._shown = self._shown, None
        self._connections.close()
        if shown is not None and layer is not None:
            shown.leave_behind(layer)
        return layer

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self._let_go()
            self._paths.show(wanted=False)
