"""A tool in hand that a person draws lines with, over the labels on the canvas.

While a tool is in hand the labels layer is in napari's mode to move the camera, but the
left button draws a line instead of moving it, or a box with Shift: no brush paints, and
Space moves the camera as ever. For some tools two clicks are the ends of a line. The
wheel zooms, unless the tool has a use for it. The tool stays in hand for the next line,
until it is put down: by Escape, its key or button, another layer, or a mode of napari.
The layer then has the mode again that it had before, or the one that was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

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

Positions: TypeAlias = Sequence[Sequence[float]]

Turn: TypeAlias = Callable[[str, Line, bool], bool]
"""Is told the tool, where the wheel is turned, and whether away from the person.

Returns whether that meant something."""

_MOVE_CAMERA, _PAN_KEY, _PUT_DOWN = "pan_zoom", "Space", "Escape"
_FOR_BOXES = "Shift"
_STILL = 4
"""Pixels of the screen that the mouse may move during a click."""


class LineGesture:
    """Takes tools in hand for one viewer, and tells the lines that are drawn.

    `turn` is asked what the wheel means over the labels, before it zooms.

    Attributes
    ----------
    tool : str
        The name of the tool in hand, or nothing.
    changed : Signal()
        Another tool is in hand, or none.
    drawn : Signal(str, Line)
        A line was drawn with a tool, in pixels of the labels of the chosen image.
    boxed : Signal(str, Line)
        A box was drawn with a tool; the line is from a corner to the opposite one.
    """

    changed = Signal()
    drawn = Signal(str, Line)
    boxed = Signal(str, Line)

    def __init__(self, viewer: ViewerModel, layers: ViewerLayers, turn: Turn) -> None:
        self._viewer = viewer
        self._layers = layers
        self._turn = turn
        self._turned = 0.0
        self.tool = ""
        self._boxes = self._two_clicks = False
        self._first: Sequence[float] | None = None
        self._layer: Labels | None = None
        self._mode_before = ""
        self._panning = False
        self._stroke: object = None
        self._ends: list[Any] = []
        self._connections = Connections()
        self._line = DrawnLine(viewer)

    def take(self, tool: str, *, boxes: bool = False, two_clicks: bool = False) -> None:
        """Take a tool in hand, or put it down if it is; there is a labels layer.

        One for `boxes` draws these while Shift is down. With one for `two_clicks` these
        are the ends of a line.
        """
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
        self.tool, self._boxes, self._two_clicks = tool, boxes, two_clicks
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
        layer.mouse_wheel_callbacks.append(self._on_wheel)
        layer.mouse_move_callbacks.append(self._on_move)
        layer.bind_key(_PAN_KEY, self._on_space, overwrite=True)
        layer.bind_key(_PUT_DOWN, self._on_escape, overwrite=True)
        self._ends = [
            show_no_mode(self._viewer, layer),
            watch_modes(layer, self._on_mode),
            stop_zoom_by_double_click(self._viewer),
        ]
        connect = self._connections.connect
        connect(self._viewer.layers.selection.events.active, self._on_active)
        connect(self._viewer.dims.events.ndisplay, self.put_down)
        connect(layer.events.visible, self.put_down)
        connect(self._viewer.dims.events.current_step, self._forget_first)

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
        layer.mouse_wheel_callbacks.remove(self._on_wheel)
        layer.mouse_move_callbacks.remove(self._on_move)
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
        self._stroke = self._first = None
        self._line.hide()

    def _forget_first(self, *_: object) -> None:
        """Forget one of two clicks: what it was on is not in sight any more."""
        if self._first is not None:
            self._drop_stroke()

    def _on_escape(self, *_: object) -> None:
        """Take back the first of two clicks, or else put the tool down."""
        if self._first is not None:
            self._drop_stroke()
        else:
            self.put_down()

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
        box = self._boxes and tuple(event.modifiers) == (_FOR_BOXES,)
        if event.button != 1 or self._panning or (event.modifiers and not box):
            return
        stroke = self._stroke = object()
        positions, begun, still = [event.position], np.array(event.pos), True
        yield
        while event.type == "mouse_move":
            if stroke is not self._stroke:
                return
            still &= np.abs(np.array(event.pos) - begun).max() <= _STILL
            positions = [*positions[: 1 if box else None], event.position]
            shown = _around(layer, positions, self._displayed(layer))
            self._line.show(layer, shown if box else positions)
            yield
        if stroke is not self._stroke:
            return
        if self._two_clicks and still:
            self._click(event.position)
            return
        self._drop_stroke()
        self._tell(self.boxed if box else self.drawn, [*positions, event.position])

    def _click(self, position: Sequence[float]) -> None:
        """Begin a line with the first click, end it with the second."""
        first = self._first
        self._drop_stroke()
        if first is None:
            self._first = position
        else:
            self._tell(self.drawn, [first, position])

    def _on_move(self, layer: Labels, event: Any) -> None:
        """Show the line to where the second click would be."""
        if self._first is not None:
            self._line.show(layer, [self._first, event.position])

    def _on_wheel(self, _layer: Labels, event: Any) -> None:
        """Keep the wheel from the camera where it means something."""
        line = None if event.modifiers else self._line_in_pixels([event.position])
        if line is None or not event.delta[1]:
            return
        # A touchpad turns it by small parts.
        self._turned += float(event.delta[1])
        away = self._turned > 0
        if abs(self._turned) < 1:
            return
        self._turned = 0.0
        event.handled = self._turn(self.tool, line, away)

    def _displayed(self, layer: Labels) -> tuple[int, ...]:
        """Return the axes of a layer that are seen."""
        beyond = self._viewer.dims.ndim - layer.ndim
        return tuple(axis - beyond for axis in self._viewer.dims.displayed)

    def _tell(self, signal: Any, positions: Positions) -> None:
        """Tell a line in the pixels of the labels, if its plane is one of theirs."""
        if line := self._line_in_pixels(positions):
            signal.emit(self.tool, line)

    def _line_in_pixels(self, positions: Positions) -> Line | None:
        shown, layer = self._layers.results.current, self._layer
        if shown is None or layer is None or shown.layer is not layer:
            return None
        vertices = np.array([layer.world_to_data(each) for each in positions])
        return shown.binding.channel.line_of_labels(vertices, self._displayed(layer))


def _around(layer: Labels, positions: Positions, axes: tuple[int, ...]) -> Positions:
    """Return the corners of a box of a layer, given two of them, in world coordinates.

    Its sides are those of the pixels, however the layer is turned.
    """
    first, last = (np.array(layer.world_to_data(positions[n])) for n in (0, -1))
    second, fourth = first.copy(), first.copy()
    second[axes[0]], fourth[axes[1]] = last[axes[0]], last[axes[1]]
    corners = (first, second, last, fourth, first)
    return [_in_viewer(layer.data_to_world(each), positions[0]) for each in corners]


def _in_viewer(world: Sequence[float], position: Sequence[float]) -> Sequence[float]:
    """Return a position in all axes of the viewer, of which a layer may have fewer."""
    return (*position[: len(position) - len(world)], *world)


def _when_visible(layer: Labels, mode: str) -> None:
    """Bring a layer into a mode when it is in sight again: napari knows another."""

    def bring_back() -> None:
        if layer.visible:
            layer.events.visible.disconnect(bring_back)
            layer.mode = mode

    layer.events.visible.connect(bring_back)
