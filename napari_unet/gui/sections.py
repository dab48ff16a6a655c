"""Which plane of a stack or a series is in sight, and going to another one."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.history import History
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.section import NOWHERE, Section
from napari_unet.gui.camera import with_surroundings
from napari_unet.gui.layers import ViewerLayers
from napari_unet.gui.napari_private import half_drawn
from napari_unet.session.images.image import OpenImage
from napari_unet.session.session import Session

if TYPE_CHECKING:
    from napari.components import ViewerModel

_BY_HAND = ("paint", "erase", "fill", "polygon")
_IN_3D = (
    "In the 3-D view a brush changes planes that nobody looks at. Ctrl+Z takes that "
    "back, and Ctrl+Y goes to the 2-D view."
)


class Sections:
    """Planes of the chosen image's labels, of which one is in sight.

    What a person did in another one, or out of sight, is brought into sight.
    """

    def __init__(
        self, viewer: ViewerModel, session: Session, layers: ViewerLayers
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._layers = layers
        self._results = layers.results
        self._results.edited.connect(self._on_edited)
        session.correcting.done.connect(self._on_done)

    @property
    def in_sight(self) -> Section:
        """The plane of the labels in sight, `NOWHERE` if there is none."""
        image, shown = self._session.images.current, self._results.current
        dims = self._viewer.dims
        if image is None or shown is None or dims.ndisplay != 2:
            return NOWHERE
        layer, channel = shown.layer, shown.binding.channel
        beyond = dims.ndim - layer.ndim
        displayed = tuple(axis - beyond for axis in dims.displayed)
        here = np.array([layer.world_to_data(dims.point)])
        letters = result_axes(image.axes)
        line = channel.line_of_labels(here, displayed)
        hidden = [a for a in range(len(letters)) if line and a not in line.axes]
        if line is None or not hidden:
            return NOWHERE
        at = tuple(round(each) for each in line.vertices[0])
        depth = letters.find("Z")
        through = depth if depth in hidden else hidden[-1]
        # The slider that was moved last; that of the channels leads to no labels.
        moved = channel.axis_of_labels(dims.last_used - beyond)
        along = moved if moved in hidden else through
        return Section(at, line.axes, along, through)

    @property
    def number(self) -> int | None:
        """Which plane is in sight, counted as in a `PlaneTable`; None if it is none."""
        image, section = self._session.images.current, self.in_sight
        if image is None or not _lies_as_planes(section):
            return None
        outside = section.box(image.annotation.labels.shape).empty
        return None if outside else image.annotation.planes.number(section.at)

    def go_to(self, number: int) -> None:
        """Move the sliders to a plane that has a number."""
        image, section = self._session.images.current, self.in_sight
        if image is not None and _lies_as_planes(section):
            at = (*image.annotation.planes.place(number), *section.at[-2:])
            self.look_at(replace(section, at=at))

    @property
    def half_drawn(self) -> bool:
        """Whether a stroke or a polygon in the labels is begun and not ended."""
        shown = self._results.current
        return shown is not None and half_drawn(shown.layer)

    def look_at(self, section: Section) -> None:
        """Move the sliders to a plane; those that are there already stay."""
        shown, dims = self._results.current, self._viewer.dims
        if shown is None:
            return
        layer = shown.layer
        beyond = dims.ndim - layer.ndim
        here = np.array(layer.world_to_data(dims.point))
        channel = shown.binding.channel
        for axis, place in enumerate(section.at):
            own = channel.axis_in_layer(axis)
            there = channel.place_in_layer(axis, place)
            if axis not in section.axes and round(float(here[own])) != there:
                here[own] = there
                world = layer.data_to_world(here)
                dims.set_point(own + beyond, float(world[own]))

    def _on_done(self, image: OpenImage, edit: Edit, change: Change | None) -> None:
        section = edit.shows()
        if change is not None and section and image is self._session.images.current:
            self.look_at(section)

    def _on_edited(self, image: OpenImage, change: Change) -> None:
        shown = self._results.current
        if shown is None or image is not self._session.images.current:
            return
        in_3d = self._viewer.dims.ndisplay == 3
        if in_3d and change.kind == "edit" and str(shown.layer.mode) in _BY_HAND:
            self._session.report("correct", InputError(_IN_3D))
        box = _replayed(image.annotation.history, change)
        if box is not None and not in_3d:
            self._bring(image, box)

    def _bring(self, image: OpenImage, box: Box) -> None:
        """Go to the nearest plane of a box, and move the view if it shows nothing."""
        if (section := self.in_sight) is not NOWHERE:
            section = _nearest(section, box)
            self.look_at(section)
            box = box.intersect(section.box(image.annotation.labels.shape))
        seen = self._layers.visible_box()
        lost = seen is None and image.large
        if lost or (seen is not None and box.intersect(seen).empty):
            self._layers.look_at(image, with_surroundings(box, image.axes))


def _lies_as_planes(section: Section) -> bool:
    """Whether it extends along the last two axes: in a turned view it does not."""
    ndim = len(section.at)
    return ndim > 0 and section.axes == (ndim - 2, ndim - 1)


def _nearest(section: Section, box: Box) -> Section:
    """Return the plane nearest to one in which there is something of a box."""
    ends = zip(section.at, box.start, box.stop, strict=True)
    at = tuple(min(max(place, start), stop - 1) for place, start, stop in ends)
    return replace(section, at=at)


def _replayed(history: History, change: Change) -> Box | None:
    """Return where the step was that was taken back or done again, if it was one."""
    steps = {"undo": history.undone, "redo": history.done}.get(change.kind, ())
    if not steps or steps[-1].number != change.stroke:
        return None
    return reduce(Box.union, (part.bounds for part in steps[-1].parts))
