"""In which OpenGL context a removed layer gives back what it holds."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari.components import LayerList


def free_layers_where_they_are_drawn(layers: LayerList, window: QWidget) -> None:
    """Make the canvas of a window the current OpenGL context before a layer goes.

    napari deletes the programs and textures of a removed layer at once, in whatever
    context is current. That is often the one in which Qt composes the window, and
    then Mesa's software OpenGL (remote desktops, virtual machines) crashes at one of
    the next drawings. It lasts as long as the window does.
    """
    layers.events.removing.connect(_make_current(weakref.ref(window)))


def _make_current(window: weakref.ref[QWidget]) -> Callable[[Any], None]:
    def make_current(_event: Any) -> None:
        widget = window()
        if widget is not None and isalive(widget):
            for canvas in widget.findChildren(QWidget):
                if canvas.inherits("QOpenGLWidget"):
                    canvas.makeCurrent()

    return make_current
