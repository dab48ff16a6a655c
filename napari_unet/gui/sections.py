"""Which plane of a stack or a series is in sight, and how to get to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.section import NOWHERE, Section
from napari_unet.gui.placement import ChannelAxis

if TYPE_CHECKING:
    from napari.components import ViewerModel


def section_in_sight(
    viewer: ViewerModel, layer: Any, channel: ChannelAxis, axes: str
) -> Section:
    """Return the plane of labels in sight, or `NOWHERE`.

    Parameters
    ----------
    viewer : ViewerModel
        In the 2-D view.
    layer : napari layer
        Shows the labels.
    channel : ChannelAxis
        The axis that it has more than these.
    axes : str
        Those of the image.
    """
    dims, letters = viewer.dims, result_axes(axes)
    beyond = dims.ndim - layer.ndim
    displayed = tuple(axis - beyond for axis in dims.displayed)
    here = np.array([layer.world_to_data(dims.point)])
    line = channel.line_of_labels(here, displayed)
    hidden = [axis for axis in range(len(letters)) if line and axis not in line.axes]
    if line is None or not hidden:
        return NOWHERE
    at = tuple(round(each) for each in line.vertices[0])
    depth = letters.find("Z")
    through = depth if depth in hidden else hidden[-1]
    # The slider that was moved last; that of the channels leads to no other labels.
    moved = channel.axis_of_labels(dims.last_used - beyond)
    along = moved if moved in hidden else through
    return Section(at, line.axes, along, through)


def go_to_section(
    viewer: ViewerModel, layer: Any, channel: ChannelAxis, section: Section
) -> None:
    """Move the slider of the axis along which a plane of labels lies."""
    beyond = viewer.dims.ndim - layer.ndim
    axis = channel.axis_in_layer(section.along)
    here = np.array(layer.world_to_data(viewer.dims.point))
    here[axis] = section.at[section.along]
    there = layer.data_to_world(here)
    viewer.dims.set_point(axis + beyond, float(there[axis]))
