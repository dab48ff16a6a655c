"""Where an image layer lies, what its axes mean, and what of it is in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_unet.core.axes import guess_axes, parse_axes, result_axes
from napari_unet.core.box import Box
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel


def source_of(layer: Image) -> Any:
    """Return the pixels of a layer, those of full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def axes_of(layer: Image) -> str | None:
    """Return the axes of a layer: from its metadata, its axis labels, or a guess.

    None if there are too many to guess.
    """
    source = source_of(layer)
    named = "".join(layer.axis_labels) + ("C" if layer.rgb else "")
    for candidate in (layer.metadata.get("axes"), named):
        if isinstance(candidate, str):
            try:
                return parse_axes(candidate, source.ndim)
            except InputError:
                continue
    # Whether it is a colour image napari knows better than the shape tells.
    shape = source.shape[:-1] if layer.rgb else source.shape
    if len(shape) not in (2, 3, 4, 5):
        return None
    return guess_axes(shape, float) + ("C" if layer.rgb else "")


def pixel_size(layer: Image) -> float | None:
    """Return the width of a pixel in micrometres, where the layer has such a unit."""
    unit = layer.units[-1]
    if not unit.is_compatible_with("micrometer"):
        return None
    width = float((layer.scale[-1] * unit).to("micrometer").magnitude)
    return width if width > 0 else None


def box_in_sight(viewer: ViewerModel, layer: Any) -> Box:
    """Return what of a layer is in sight, in its own pixels."""
    first, last = np.asarray(layer.corner_pixels).astype(int)
    # Out of sight napari gives the pixel of the border that is nearest.
    seen = last > first
    start = first.tolist()
    stop = np.where(seen, last + 1, first).tolist()
    point = layer.world_to_data(viewer.dims.point)
    for axis in viewer.dims.not_displayed:
        own = axis - (viewer.dims.ndim - layer.ndim)
        if own >= 0:
            start[own] = round(float(point[own]))
            stop[own] = start[own] + 1
    return Box(tuple(start), tuple(stop))


def without_channel(box: Box, axes: str) -> Box:
    """Return a box of an image as a box of its labels, which have no channels."""
    kept = [i for i, axis in enumerate(axes) if axis in result_axes(axes)]
    return Box(tuple(box.start[i] for i in kept), tuple(box.stop[i] for i in kept))
