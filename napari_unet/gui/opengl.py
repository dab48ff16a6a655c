"""Where napari's layers are drawn."""

from __future__ import annotations

import weakref
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
    reference = weakref.ref(window)

    def make_current(_event: Any) -> None:
        widget = reference()
        if widget is not None and isalive(widget):
            for canvas in widget.findChildren(QWidget):
                if canvas.inherits("QOpenGLWidget"):
                    canvas.makeCurrent()

    layers.events.removing.connect(make_current)
