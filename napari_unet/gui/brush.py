"""How napari's brush and eraser paint in the labels of the chosen image.

What they may paint over, and how large they are: each has a size of its own, and both
may keep theirs on screen, however far the camera is. It belongs to the person, not to
an image, so it is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_unet.annotation.brush import PaintOver, Stroke
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.gui.connections import Connections
from napari_unet.gui.napari_private import limit_tools, stroke_open

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.gui.layers import ViewerLayers

_ERASE = "erase"
_LARGEST = 400
"""Pixels; with a brush that is larger every dab takes long."""


class Brush:
    """Follows the labels layer of the chosen image.

    Attributes
    ----------
    over : PaintOver
        What strokes may paint over.
    keeps_size : bool
        Whether brush and eraser keep their sizes on screen.
    changed : Signal()
        One of the two is another one.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, layers: ViewerLayers) -> None:
        # Where the camera belongs since napari 0.9.
        self._camera = getattr(viewer, "scene", viewer).camera
        self._layers = layers
        self.over = PaintOver.EVERYTHING
        self.keeps_size = False
        self._stroke: Stroke | None = None
        self._layer: Labels | None = None
        self._end_of_limit: Callable[[], None] = _nothing
        # In pixels of the labels, or of the screen where the sizes are kept there.
        self._sizes: dict[bool, float] = {}
        self._erases = False
        self._setting = False
        self._on_layer, self._always = Connections(), Connections()
        connect = self._always.connect
        connect(self._camera.events.zoom, self._give_size)
        connect(layers.results.changed, self._follow)
        connect(layers.images.chosen_changed, self._follow)
        self._follow()

    def paint_over(self, over: PaintOver) -> None:
        """Let strokes paint over something else from now on."""
        self.over = over
        self._stroke = None
        self.changed.emit()

    def keep_size(self, keeps: bool) -> None:
        """Let brush and eraser keep their sizes on screen, or in the image."""
        if keeps != self.keeps_size:
            factor = self._camera.zoom if keeps else 1 / self._camera.zoom
            self._sizes = {key: size * factor for key, size in self._sizes.items()}
            self.keeps_size = keeps
            self.changed.emit()

    def close(self) -> None:
        """Let napari's tools be as they were."""
        self._always.close()
        self._let_go()

    def _follow(self, *_: object) -> None:
        layer = self._layers.labels_layer
        if layer is self._layer:
            return
        self._let_go()
        shown = self._layers.results.current
        if layer is None or shown is None:
            return
        self._layer, self._erases = layer, str(layer.mode) == _ERASE
        if self.keeps_size and self._erases in self._sizes:
            self._give_size()
        else:
            self._note_size()
        connect = self._on_layer.connect
        connect(layer.events.brush_size, self._note_size)
        connect(layer.events.mode, self._on_mode)
        if shown.binding.annotation.rules.objects:
            layer.mouse_drag_callbacks.append(self._on_drag)
            self._end_of_limit = limit_tools(layer, self._allowed, self._spares)

    def _let_go(self) -> None:
        if self._layer is not None:
            with suppress(ValueError):
                self._layer.mouse_drag_callbacks.remove(self._on_drag)
        self._layer = self._stroke = None
        self._on_layer.close()
        end, self._end_of_limit = self._end_of_limit, _nothing
        end()

    def _spares(self) -> bool:
        return self.over is not PaintOver.EVERYTHING

    def _allowed(self, under: LabelMap, label: int) -> Mask:
        """Return which pixels a tool may paint; a fill is a stroke of its own."""
        if self._stroke is None:
            self._stroke = Stroke(self.over)
        allowed = self._stroke.allowed(under, label)
        if self._layer is None or not stroke_open(self._layer):
            self._stroke = None
        return allowed

    def _on_drag(self, _layer: Labels, event: Any) -> Generator[None, None, None]:
        """Notice the end of a stroke; what it touches first is touched by then."""
        yield
        while event.type == "mouse_move":
            yield
        self._stroke = None

    def _on_mode(self, _event: object) -> None:
        """Change to the size that the eraser has, or back to that of the brush."""
        erases = self._layer is not None and str(self._layer.mode) == _ERASE
        if erases != self._erases:
            self._erases = erases
            self._give_size()

    def _note_size(self, *_: object) -> None:
        """Remember the size that a person has chosen."""
        if self._layer is not None and not self._setting:
            self._sizes[self._erases] = self._layer.brush_size * self._unit

    def _give_size(self, *_: object) -> None:
        size = self._sizes.get(self._erases)
        if self._layer is None or size is None:
            return
        wanted = min(max(1, round(size / self._unit)), _LARGEST)
        if wanted != self._layer.brush_size:
            self._setting = True
            try:
                self._layer.brush_size = wanted
            finally:
                self._setting = False

    @property
    def _unit(self) -> float:
        return float(self._camera.zoom) if self.keeps_size else 1.0


def _nothing() -> None:
    """Do nothing."""
