"""Where an image layer lies, what its axes mean, and what of it is in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_unet.geometry.axes import axes_of_names, result_axes
from napari_unet.geometry.box import Box

if TYPE_CHECKING:
    from napari.components import ViewerModel


def source_of(layer: Image) -> Any:
    """Return the pixels of a layer, those of full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def stated_axes(layer: Image) -> str | None:
    """Return the axes that a layer states: in its metadata, or by its axes' names.

    None if it states nothing, or nothing that fits its pixels.
    """
    ndim = source_of(layer).ndim
    names = [*layer.axis_labels, *("c" if layer.rgb else "")]
    for stated in (layer.metadata.get("axes"), names):
        if isinstance(stated, str | list | tuple) and (
            axes := axes_of_names([str(name) for name in stated], ndim)
        ):
            return axes
    return None


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
