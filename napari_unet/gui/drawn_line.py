"""The line that is being drawn, over everything on the canvas.

It is no layer: what lies in the layer list for the length of a stroke would be in a
person's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from vispy.scene.visuals import Line

from napari_unet.gui.napari_private import scene_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

# A light line with a dark rim is seen on every image and every colour of labels.
_LOOKS = (("black", 5), ("white", 2))
_ON_TOP = 1_000_000
_MOST = 500


class DrawnLine:
    """Shows a line in a viewer; nothing where there is no canvas."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._lines: list[Line] = []

    def show(self, layer: Layer, positions: Sequence[Sequence[float]]) -> None:
        """Show a line where a layer is seen.

        `positions` are in world coordinates, with an entry for every axis of the
        viewer.
        """
        scene = scene_of(self._viewer, layer)
        across = list(self._viewer.dims.displayed)[::-1]
        points = np.array([[each[axis] for axis in across] for each in positions])
        points = points[np.append(True, (points[1:] != points[:-1]).any(axis=1))]
        # Of a long one, some: vispy takes long for more.
        points = np.concatenate([points[: -1 : 1 + len(points) // _MOST], points[-1:]])
        if scene is None or len(points) < 2:
            return
        if not self._lines:
            self._lines = [_line(*look, _ON_TOP + i) for i, look in enumerate(_LOOKS)]
        for line in self._lines:
            if line.parent is not scene:
                line.parent = scene
            line.set_data(pos=points.astype(np.float32))
            line.visible = True

    def hide(self) -> None:
        """Show no line."""
        for line in self._lines:
            line.visible = False

    def close(self) -> None:
        """Take the line out of the scene."""
        self.hide()
        for line in self._lines:
            line.parent = None
        self._lines = []


def _line(color: str, width: int, order: int) -> Line:
    line = Line(color=color, width=width, method="agg", antialias=True)
    line.order = order
    line.set_gl_state("translucent", depth_test=False)
    return line
