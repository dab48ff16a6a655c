"""Bring a part of an image into sight."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.gui.napari_private import canvas_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

_AROUND = 0.95
"""Which share of the canvas a view fills: what touches its edge is seen."""


_SMALLEST = 64
"""So many pixels are seen at least: what is tiny is seen with what is around it."""


def with_surroundings(box: Box, axes: str) -> Box:
    """Return a box of labels in whose middle an object fills a quarter of the area."""
    start, stop = list(box.start), list(box.stop)
    for place, axis in enumerate(result_axes(axes)):
        if axis in "YX":
            extent = stop[place] - start[place]
            more = max(extent, _SMALLEST - extent) // 2
            start[place] -= more
            stop[place] += more
    return Box(tuple(start), tuple(stop))


def look_at(viewer: ViewerModel, layer: Any, axes: str, box: Box) -> None:
    """Move the camera, and the sliders, so that a box of the labels fills the canvas.

    Parameters
    ----------
    viewer : ViewerModel
        In the 2-D view.
    layer : napari layer
        Shows the image, whose axes are given; without C where it shows labels or
        colours.
    box : Box
        In the axes of the labels.
    """
    letters = axes if layer.ndim == len(axes) else result_axes(axes)
    ends = dict(
        zip(result_axes(axes), zip(box.start, box.stop, strict=True), strict=True)
    )
    here = layer.world_to_data(viewer.dims.point)
    # Channels stay where they are; a pixel's middle lies on its whole number.
    span = [
        (start - 0.5, stop - 0.5) if letter in ends else (float(at), float(at))
        for letter, at in zip(letters, here, strict=True)
        for start, stop in [ends.get(letter, (0, 0))]
    ]
    corners = np.array([layer.data_to_world(corner) for corner in product(*span)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    beyond = viewer.dims.ndim - layer.ndim
    middle = (low + high) / 2
    for axis in viewer.dims.not_displayed:
        if axis >= beyond:
            viewer.dims.set_point(axis, float(middle[axis - beyond]))
    shown = [axis - beyond for axis in viewer.dims.displayed]
    extent = np.maximum((high - low)[shown], 1e-9)
    # Where the camera belongs since napari 0.9.
    camera = getattr(viewer, "scene", viewer).camera
    camera.center = tuple(middle[shown])
    if (canvas := canvas_of(viewer)) is not None:
        size = np.array([canvas.height(), canvas.width()])
        camera.zoom = _AROUND * float(np.min(size / extent))


def box_in_canvas(viewer: ViewerModel, layer: Any, axes: str) -> Box | None:
    """Return what the canvas shows of an image, as a box of its labels.

    It may reach beyond them. None in a 3-D view and without a window. The camera is
    asked and not the layer: of a pyramid that knows the pixels of a level, and of one
    that was just moved it does not know yet.
    """
    canvas = canvas_of(viewer)
    if canvas is None or viewer.dims.ndisplay != 2:
        return None
    # Where the camera belongs since napari 0.9.
    camera = getattr(viewer, "scene", viewer).camera
    half = np.array([canvas.height(), canvas.width()]) / camera.zoom / 2
    middle = np.asarray(camera.center)[-2:]
    letters = axes if layer.ndim == len(axes) else result_axes(axes)
    point, corners = np.array(viewer.dims.point, float), []
    for signs in product((-1, 1), repeat=2):
        point[list(viewer.dims.displayed)] = middle + np.array(signs) * half
        corners.append(layer.world_to_data(point)[-layer.ndim :])
    # A pixel's middle lies on its whole number.
    low, high = np.floor(np.min(corners, 0) + 0.5), np.ceil(np.max(corners, 0) + 0.5)
    ends = dict(
        zip(letters, zip(low.tolist(), high.tolist(), strict=True), strict=True)
    )
    kept = [ends.get(axis, (0, 1)) for axis in result_axes(axes)]
    start = tuple(int(a) for a, _ in kept)
    return Box(
        start, tuple(max(int(b), a + 1) for (_, b), a in zip(kept, start, strict=True))
    )
