"""Edits that carry objects from plane to plane, of a stack or a series.

Each is one stroke in planes at which the person does not look yet, so it is more
careful than a brush: see `Planes.put`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from scipy.ndimage import binary_fill_holes

from napari_unet.annotation.between import iter_between
from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import (
    NOTHING_PICKED,
    Edit,
    Facts,
    Tool,
    register,
    why_no_labels,
)
from napari_unet.annotation.planes import Planes, with_extent
from napari_unet.annotation.provenance import is_verified
from napari_unet.annotation.workspace import Workspace
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import labels_in
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.section import Section

_NO_PLANES = "This image is one plane: the tool is for stacks and time-lapses."
_NONE_BESIDE = "There is no plane or frame beyond this one."
_NOT_HERE = (
    "Object {} is not in this plane: pick one that is (5), or the background to copy "
    "all that are verified here."
)
_NONE_VERIFIED = (
    "Pick an object first (5). With none picked all verified objects of the plane are "
    "copied, but there are none here."
)
_NOT_IN_STACK = "Object {} is not in this stack: pick one that is (5)."


@dataclass(frozen=True, slots=True)
class PlaneEdit(Edit):
    """An edit that goes from the plane in sight to others."""

    section: Section
    object_id: int

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:
        """Return what is missing to go to other planes."""
        if not facts.has_planes:
            return _NO_PLANES
        return why_no_labels(facts) or out_of_sight


@dataclass(frozen=True, slots=True)
class _Copy(PlaneEdit):
    """The picked object is copied into the plane beside the one in sight.

    Where the label that is picked is no object, all verified objects of the plane are.
    """

    step: ClassVar[int]

    def shows(self) -> Section | None:
        """Return the plane with the copy, so that one can go on from there."""
        return self.section.beside(self.step)

    def do(self, work: Workspace) -> Change | None:
        """Paint the copies, as one stroke."""
        shape = work.live.shape
        if self.section.beside(self.step).box(shape).empty:
            raise InputError(_NONE_BESIDE)
        ids = self._meant(work, self.section.box(shape))
        axis = self.section.along
        here = self.section.at[axis]
        first, last = sorted((here, here + self.step))
        planes = Planes(work, self.section, axis, first, last + 1, ids)
        source = planes.labels[here - first]
        copied = [
            planes.put(here + self.step - first, source == each, each) for each in ids
        ]
        return planes.paint(work) if any(copied) else None

    def _meant(self, work: Workspace, plane: Box) -> list[int]:
        objects, picked = work.pixels.objects, self.object_id
        if picked in objects:
            place = objects.box(picked).intersect(plane)
            if (work.pixels.labels[place.slices] == picked).any():
                return [picked]
            raise InputError(_NOT_HERE.format(picked))
        labels = work.pixels.labels[plane.slices]
        verified = is_verified(work.pixels.provenance[plane.slices])
        found = labels_in(labels[verified]) - labels_in(labels[~verified])
        if not found:
            raise InputError(_NONE_VERIFIED)
        return sorted(found)


def _copy_tool(title: str, beside: str, key: str) -> Tool:
    return Tool(
        title,
        f"Copy the object that is picked (5) into the plane or frame {beside}, and go "
        "there; all verified objects of this plane if the background is picked",
        "plane",
        key=key,
        done="Copied.",
        unchanged=f"Nothing was copied: what is in the plane {beside} is verified, or "
        "other objects take the place.",
        instead=f"paint in the plane {beside}",
    )


@register
@dataclass(frozen=True, slots=True)
class CopyToPrevious(_Copy):
    """Copy into the plane before; see `_Copy`."""

    name: ClassVar[str] = "copy to previous plane"
    step: ClassVar[int] = -1
    tool: ClassVar[Tool | None] = _copy_tool("Copy to previous", "before", "Shift+Left")


@register
@dataclass(frozen=True, slots=True)
class CopyToNext(_Copy):
    """Copy into the next plane; see `_Copy`."""

    name: ClassVar[str] = "copy to next plane"
    step: ClassVar[int] = 1
    tool: ClassVar[Tool | None] = _copy_tool("Copy to next", "after", "Shift+Right")


@dataclass(frozen=True, slots=True)
class _Through(PlaneEdit):
    """The picked object goes through all planes from its first to its last."""

    def misses(self) -> str:
        """Return that no object is chosen, where none is."""
        return "" if self.object_id > 0 else NOTHING_PICKED

    def do(self, work: Workspace) -> Change | None:
        """Paint the shapes, as one stroke."""
        section, picked = self.section, self.object_id
        axis = section.through
        there = self._planes(work)
        if not there:
            raise InputError(_NOT_IN_STACK.format(picked))
        planes = Planes(work, section, axis, there[0], there[-1] + 1, [picked])
        bodies = [planes.labels[each - there[0]] == picked for each in there]
        filled = []
        for (low, body), (high, following) in pairwise(zip(there, bodies, strict=True)):
            shapes = iter_between(body, following, high - low - 1)
            for number, between in enumerate(shapes, low + 1 - there[0]):
                filled.append(between.any() and planes.put(number, between, picked))
        for place, body in zip(there, bodies, strict=True):
            shape = self._shape(body)
            if (shape != body).any():
                filled.append(planes.put(place - there[0], shape, picked))
        return planes.paint(work) if any(filled) else None

    def _shape(self, body: Mask) -> Mask:
        """Return what the object is to be in a plane in which it is already."""
        return body

    def _planes(self, work: Workspace) -> list[int]:
        """Return in which planes of the stack the object is."""
        axis, shape = self.section.through, work.live.shape
        if self.object_id not in work.pixels.objects:
            return []
        stack = with_extent(self.section.box(shape), axis, 0, shape[axis])
        place = stack.intersect(work.pixels.objects.box(self.object_id))
        body = work.pixels.labels[place.slices] == self.object_id
        others = tuple(each for each in range(body.ndim) if each != axis)
        found = np.flatnonzero(body.any(axis=others)) + place.start[axis]
        return [int(each) for each in found]


@register
@dataclass(frozen=True, slots=True)
class Interpolate(_Through):
    """Fill the planes of a stack that lie between those in which an object is."""

    name: ClassVar[str] = "interpolate"
    tool: ClassVar[Tool | None] = Tool(
        "Interpolate",
        "Give the object that is picked (5) a shape in all planes between those in "
        "which it is",
        "plane",
        key="Shift+I",
        done="Interpolated.",
        unchanged="Nothing was filled: paint the object in two planes with others "
        "between them, that are not verified and where no other objects take the "
        "place.",
        instead="paint in each plane",
    )


@register
@dataclass(frozen=True, slots=True)
class FillThrough(_Through):
    """Fill the holes of an object in all its planes, and the planes between them.

    Where it is verified in a plane, that stays as it is.
    """

    name: ClassVar[str] = "fill through"
    tool: ClassVar[Tool | None] = Tool(
        "Fill through",
        "Fill the object that is picked (5) through the planes from its first to its "
        "last: its holes, and planes in which it is missing",
        "plane",
        key="Shift+G",
        done="Filled through the planes.",
        unchanged="Nothing was filled: there are neither holes nor planes missing, or "
        "what is there is verified.",
        instead="paint in each plane",
    )

    def _shape(self, body: Mask) -> Mask:
        return binary_fill_holes(body)
