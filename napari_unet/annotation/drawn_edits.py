"""Edits of objects that a person draws with a line, or a click, over them.

Each is one stroke, as if a brush had painted what is different afterwards: those pixels
become corrected, and the objects that got or lost some are open. A line changes the
plane in which it is drawn, and no other, as a brush does: nobody looks at the next
slice or the next point in time meanwhile.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit, Facts, Tool, register, why_no_labels
from napari_unet.annotation.shaping import (
    NewId,
    Places,
    fill_holes,
    inside,
    may_enclose,
    merge,
    smooth,
    split,
)
from napari_unet.annotation.workspace import MANY, Workspace
from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line, Path
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.geometry.points import marked_points

_INSTEAD = "paint with the brush"


class Plane:
    """The plane of an annotation in which a line is drawn, as a map of two axes."""

    def __init__(self, work: Workspace, line: Line) -> None:
        self._objects = work.pixels.objects
        self._axes = line.axes
        self.box = line.plane(work.pixels.labels.shape)
        shape = tuple(self.box.shape[axis] for axis in self._axes)
        self.path = line.path(shape)
        self.labels = work.pixels.labels[self.box.slices].reshape(shape)

    @property
    def passed(self) -> list[int]:
        """The objects that the line passes, in the order in which it does."""
        path = self.path[inside(self.path, self.labels.shape)]
        found = self.labels[tuple(path.T)].tolist()
        return [each for each in dict.fromkeys(found) if each]

    def box_of(self, object_id: int) -> Box:
        """Return a box of the plane that holds an object, and a pixel around it."""
        return self.box_around([object_id])

    def box_around(self, ids: Sequence[int]) -> Box:
        """Return a box of the plane that holds some objects, and a pixel around."""
        boxes = [self._objects.box(each) for each in ids]
        low = np.min([each.start for each in boxes], axis=0).tolist()
        high = np.max([each.stop for each in boxes], axis=0).tolist()
        start, stop = (tuple(each[axis] for axis in self._axes) for each in (low, high))
        return Box(start, stop).grow(1, self.labels.shape)

    def box_of_line(self) -> Box:
        """Return what of the plane the line passes, and a pixel around it."""
        low, high = (each.tolist() for each in (self.path.min(0), self.path.max(0) + 1))
        return Box(tuple(low), tuple(high)).grow(1, self.labels.shape)

    def box_of_corners(self, line: Line) -> Box:
        """Return the box between the ends of a line."""
        ends = line.vertices[0], line.vertices[-1]
        spans = [sorted(round(end[axis]) for end in ends) for axis in self._axes]
        box = Box(tuple(low for low, _ in spans), tuple(high + 1 for _, high in spans))
        return box.intersect(Box.whole(self.labels.shape))

    def mostly_in(self, box: Box) -> list[int]:
        """Return the objects of which more than half, in this plane, is in a box."""
        if box.empty:
            return []
        ids, inside = np.unique(self.labels[box.slices], return_counts=True)
        found = zip(ids.tolist(), inside.tolist(), strict=True)
        return [each for each, n in found if each and self._is_most(each, n)]

    def _is_most(self, object_id: int, pixels: int) -> bool:
        """Whether so many pixels are more than half of an object in this plane."""
        # In other planes there may be more of it.
        if 2 * pixels > self._objects.pixels(object_id):
            return True
        place = self.box_of(object_id).slices
        return 2 * pixels > int(np.count_nonzero(self.labels[place] == object_id))

    def paint(self, work: Workspace, box: Box, labels: LabelMap) -> Change | None:
        """Give a box of the plane other labels, as one stroke."""
        different = labels != self.labels[box.slices]
        changed = np.count_nonzero(different)
        if not changed:
            return None
        if MANY * changed > different.size:
            return work.paint_region(*self._region(box, different, labels))
        points, after = marked_points(box, different), labels[different]
        whole = [np.full(after.shape, start) for start in self.box.start]
        for axis, along in zip(self._axes, points, strict=True):
            whole[axis] = along
        return work.paint(tuple(whole), after)

    def _region(
        self, box: Box, mask: Mask, labels: LabelMap
    ) -> tuple[Box, Mask, LabelMap]:
        """Return marked pixels of a box of the plane as a region of the whole array."""
        spans = [np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0)]
        tight = tuple(slice(int(at[0]), int(at[-1]) + 1) for at in spans)
        start, shape = list(self.box.start), [1] * len(self.box.start)
        for axis, first, at in zip(self._axes, box.start, tight, strict=True):
            start[axis], shape[axis] = first + at.start, at.stop - at.start
        stop = tuple(a + n for a, n in zip(start, shape, strict=True))
        mask, labels = mask[tight], labels[tight]
        return Box(tuple(start), stop), mask.reshape(shape), labels[mask]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a plane that holds the objects which are to be changed.

    Parameters
    ----------
    labels : ndarray of int32
        A copy, to be changed in place.
    path : ndarray of int
        Where the line is in that part, or beyond it.
    ids : list of int
        The objects.
    new_id : callable
        Returns an id for an object that is new.
    plane, box
        The plane, and the place of the part in it.
    """

    labels: LabelMap
    path: Path
    ids: list[int]
    new_id: NewId
    plane: Plane
    box: Box

    @property
    def places(self) -> Places:
        """Where the objects lie in it, by id."""
        boxes = {each: self.plane.box_of(each) for each in self.ids}
        return {i: box.relative_to(self.box).slices for i, box in boxes.items()}


@dataclass(frozen=True, slots=True)
class DrawnEdit(Edit):
    """An edit of the objects that a line passes."""

    along_line: ClassVar[bool] = False
    """Whether it may change what lies along the line, too."""

    line: Line

    @classmethod
    def why_not(cls, facts: Facts, out_of_sight: str) -> str:
        """Return what is missing to change objects."""
        return why_no_labels(facts) or out_of_sight

    def do(self, work: Workspace) -> Change | None:
        """Paint what is different afterwards, as one stroke."""
        if self.line.plane(work.pixels.labels.shape).empty:
            return None
        plane = Plane(work, self.line)
        if not (ids := self._meant(plane)):
            return None
        whole = plane.box_around(ids)
        if self.along_line:
            whole = whole.union(plane.box_of_line())
        labels = plane.labels[whole.slices].copy()
        path = plane.path - whole.start
        self._change(Part(labels, path, ids, work.ids.take, plane, whole))
        return plane.paint(work, whole, labels)

    def _meant(self, plane: Plane) -> list[int]:
        """Return the objects that are to be changed."""
        return plane.passed

    @abstractmethod
    def _change(self, part: Part) -> None:
        """Change the labels of a part of the plane in place."""


@register
@dataclass(frozen=True, slots=True)
class Split(DrawnEdit):
    """Cut the objects that a line crosses; see `annotation.shaping.split`."""

    name: ClassVar[str] = "split"
    tool: ClassVar[Tool | None] = Tool(
        "Split",
        "Draw a line across objects, or click both its ends, to cut them in two; the "
        "largest part keeps its number",
        "line",
        key="K",
        done="Split.",
        unchanged="Nothing was cut: draw the line right across an object, from one "
        "side of it to the other.",
        instead=_INSTEAD,
        gesture="Draw a line across an object, or click both its ends, to cut it",
        two_clicks=True,
    )

    def _change(self, part: Part) -> None:
        split(part.labels, part.path, part.places, part.new_id)


@register
@dataclass(frozen=True, slots=True)
class Merge(DrawnEdit):
    """Make the objects that a line passes one; see `annotation.shaping.merge`."""

    name: ClassVar[str] = "merge"
    tool: ClassVar[Tool | None] = Tool(
        "Merge",
        "Draw a line from object to object, or click both, to make them one, with the "
        "number of the first; a gap is bridged along the line",
        "line",
        key="J",
        done="Merged.",
        unchanged="Nothing was merged: draw the line from one object into another.",
        instead=_INSTEAD,
        gesture="Draw a line from one object into others, or click two, to join them",
        two_clicks=True,
    )
    along_line: ClassVar[bool] = True

    def _change(self, part: Part) -> None:
        merge(part.labels, part.path, part.places)


@register
@dataclass(frozen=True, slots=True)
class Delete(DrawnEdit):
    """Make background of the objects that a line touches."""

    name: ClassVar[str] = "delete"
    tool: ClassVar[Tool | None] = Tool(
        "Delete",
        "Click an object, draw over several, or draw a box around them with Shift: "
        "there is background instead",
        "line",
        key="Q",
        done="Deleted.",
        unchanged="Nothing was deleted: click an object, or draw over some.",
        instead=_INSTEAD,
        gesture="Click an object, draw over several, or Shift and draw a box to delete",
        boxed="delete in box",
    )

    def _change(self, part: Part) -> None:
        part.labels[np.isin(part.labels, part.ids)] = 0


@register
@dataclass(frozen=True, slots=True)
class DeleteInBox(Delete):
    """Make background of all objects that lie in a box with more than half of theirs.

    The line leads from a corner of the box to the opposite one.
    """

    name: ClassVar[str] = "delete in box"
    tool: ClassVar[Tool | None] = None

    def _meant(self, plane: Plane) -> list[int]:
        return plane.mostly_in(plane.box_of_corners(self.line))


@register
@dataclass(frozen=True, slots=True)
class FillHoles(DrawnEdit):
    """Fill what the objects that a line touches enclose, or the one around a hole."""

    name: ClassVar[str] = "fill holes"
    tool: ClassVar[Tool | None] = Tool(
        "Fill",
        "Click an object, or a hole in it, to fill its holes; other objects in them "
        "stay",
        "line",
        key="G",
        done="Filled.",
        unchanged="Nothing was filled: there are no holes in what you clicked.",
        instead=_INSTEAD,
        gesture="Click an object, or a hole in it, to fill its holes",
    )

    def _meant(self, plane: Plane) -> list[int]:
        first = plane.path[0]
        if plane.passed or not inside(plane.path[:1], plane.labels.shape).all():
            return plane.passed
        return list(may_enclose(plane.labels, (int(first[0]), int(first[1]))))

    def _change(self, part: Part) -> None:
        fill_holes(part.labels, part.path, part.places)


@register
@dataclass(frozen=True, slots=True)
class Smooth(DrawnEdit):
    """Give objects that a line touches a smoother outline."""

    name: ClassVar[str] = "smooth"
    tool: ClassVar[Tool | None] = Tool(
        "Smooth",
        "Click an object, or draw over several, for a smoother outline; neighbours "
        "stay as they are",
        "line",
        key="U",
        done="Smoothed.",
        unchanged="Nothing was smoothed: click an object whose outline is rough.",
        instead=_INSTEAD,
        gesture="Click an object, or draw over several, to smooth the outline",
    )

    def _change(self, part: Part) -> None:
        smooth(part.labels, part.path, part.places)
