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
from napari_unet.gui.results import Results
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

    What a person did in another one is brought into sight.
    """

    def __init__(self, viewer: ViewerModel, session: Session, results: Results) -> None:
        self._viewer = viewer
        self._session = session
        self._results = results
        results.edited.connect(self._on_edited)
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

    def look_at(self, section: Section) -> None:
        """Move the sliders to a plane; those that are there already stay."""
        shown, dims = self._results.current, self._viewer.dims
        if shown is None:
            return
        layer = shown.layer
        beyond = dims.ndim - layer.ndim
        here = np.array(layer.world_to_data(dims.point))
        for axis, place in enumerate(section.at):
            own = shown.binding.channel.axis_in_layer(axis)
            if axis not in section.axes and round(float(here[own])) != place:
                here[own] = place
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
        section, box = self.in_sight, _replayed(image.annotation.history, change)
        if box is not None and section is not NOWHERE:
            self.look_at(_nearest(section, box))


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
