"""A tool in hand that a person draws lines with, over the labels on the canvas.

While a tool is in hand the labels layer is in napari's mode to move the camera, but the
left button draws a line instead of moving it: no brush paints, the wheel zooms, and
Space moves the camera as ever. The tool stays in hand for the next line, until it is
put down: by Escape, its key or button, another layer, or a mode of napari. The layer
then has the mode again that it had before, or the one that was chosen.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_unet.geometry.line import Line
from napari_unet.gui.connections import Connections
from napari_unet.gui.drawn_line import DrawnLine
from napari_unet.gui.napari_private import (
    show_no_mode,
    stop_zoom_by_double_click,
    watch_modes,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.gui.layers import ViewerLayers

_MOVE_CAMERA, _PAN_KEY, _PUT_DOWN = "pan_zoom", "Space", "Escape"


class LineGesture:
    """Takes tools in hand for one viewer, and tells the lines that are drawn.

    Attributes
    ----------
    tool : str
        The name of the tool in hand, or nothing.
    changed : Signal()
        Another tool is in hand, or none.
    drawn : Signal(str, Line)
        A line was drawn with a tool, in pixels of the labels of the chosen image.
    """

    changed = Signal()
    drawn = Signal(str, Line)

    def __init__(self, viewer: ViewerModel, layers: ViewerLayers) -> None:
        self._viewer = viewer
        self._layers = layers
        self.tool = ""
        self._layer: Labels | None = None
        self._mode_before = ""
        self._panning = False
        self._stroke: object = None
        self._ends: list[Any] = []
        self._connections = Connections()
        self._line = DrawnLine(viewer)

    def take(self, tool: str) -> None:
        """Take a tool in hand, or put it down if it is; there is a labels layer."""
        if tool == self.tool:
            self.put_down()
            return
        layer = self._layers.labels_layer
        if layer is not self._layer:
            self.put_down()
        if layer is None:
            return
        if self._layer is None:
            self._hold(layer)
        self._drop_stroke()
        self.tool = tool
        self.changed.emit()

    def put_down(self, *_: object) -> None:
        """Let napari have the mouse again, in the mode of before."""
        layer, mode = self._layer, self._mode_before
        self._let_go(_MOVE_CAMERA)
        if layer is not None and layer in self._viewer.layers:
            layer.mode = mode

    def close(self) -> None:
        """Put the tool down for good."""
        self.put_down()
        self._line.close()

    def _hold(self, layer: Labels) -> None:
        self._viewer.layers.selection.active = layer
        self._layer, self._mode_before = layer, str(layer.mode)
        layer.mode = _MOVE_CAMERA
        self._draw_instead_of_moving(layer)
        layer.mouse_drag_callbacks.append(self._on_press)
        layer.bind_key(_PAN_KEY, self._on_space, overwrite=True)
        layer.bind_key(_PUT_DOWN, self.put_down, overwrite=True)
        self._ends = [
            show_no_mode(self._viewer, layer),
            watch_modes(layer, self._on_mode),
            stop_zoom_by_double_click(self._viewer),
        ]
        connect = self._connections.connect
        connect(self._viewer.layers.selection.events.active, self._on_active)
        connect(self._viewer.dims.events.ndisplay, self.put_down)
        connect(layer.events.visible, self.put_down)

    def _draw_instead_of_moving(self, layer: Labels) -> None:
        layer.mouse_pan = False
        layer.cursor = "cross"

    def _let_go(self, mode: str) -> None:
        """Leave the layer to the mode that it is in, or is brought into."""
        layer, self._layer = self._layer, None
        if layer is None:
            return
        self._connections.close()
        while self._ends:
            self._ends.pop()()
        layer.mouse_drag_callbacks.remove(self._on_press)
        for key in (_PAN_KEY, _PUT_DOWN):
            layer.bind_key(key, None, overwrite=True)
        if mode == _MOVE_CAMERA:
            layer.mouse_pan = True
            layer.cursor = "standard"
        self._panning = False
        self._drop_stroke()
        self.tool = ""
        self.changed.emit()

    def _drop_stroke(self) -> None:
        """Forget a line that is half drawn."""
        self._stroke = None
        self._line.hide()

    def _on_mode(self, mode: str) -> None:
        """Make way for the mode that was chosen, or for that of a hidden layer."""
        layer, before = self._layer, self._mode_before
        self._let_go(mode)
        if layer is not None and not layer.visible:
            _when_visible(layer, before)

    def _on_active(self, _event: object) -> None:
        if self._viewer.layers.selection.active is not self._layer:
            self.put_down()

    def _on_space(self, layer: Labels) -> Generator[None, None, None]:
        """Move the camera as long as the key is down."""
        self._panning, layer.mouse_pan, layer.cursor = True, True, "standard"
        yield
        if layer is self._layer:
            self._panning = False
            self._draw_instead_of_moving(layer)

    def _on_press(self, layer: Labels, event: Any) -> Generator[None, None, None]:
        """Follow the mouse from where the button goes down to where it comes up."""
        if event.button != 1 or event.modifiers or self._panning:
            return
        stroke = self._stroke = object()
        positions = [event.position]
        yield
        while event.type == "mouse_move":
            if stroke is not self._stroke:
                return
            positions.append(event.position)
            self._line.show(layer, positions)
            yield
        if stroke is self._stroke:
            self._drop_stroke()
            self._tell([*positions, event.position])

    def _tell(self, positions: Sequence[Sequence[float]]) -> None:
        """Tell a line in the pixels of the labels, if its plane is one of theirs."""
        shown, layer = self._layers.results.current, self._layer
        if shown is None or shown.layer is not layer:
            return
        beyond = self._viewer.dims.ndim - layer.ndim
        axes = tuple(axis - beyond for axis in self._viewer.dims.displayed)
        vertices = np.array([layer.world_to_data(each) for each in positions])
        if line := shown.binding.channel.line_of_labels(vertices, axes):
            self.drawn.emit(self.tool, line)


def _when_visible(layer: Labels, mode: str) -> None:
    """Bring a layer into a mode when it is in sight again: napari knows another."""

    def bring_back() -> None:
        if layer.visible:
            layer.events.visible.disconnect(bring_back)
            layer.mode = mode

    layer.events.visible.connect(bring_back)
