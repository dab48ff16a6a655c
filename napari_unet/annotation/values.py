"""Regressed values that a person and a model work on together.

::

    marks (what a person paints) --> palette: mark -> (variable, value) --+
                                                                          +--> values
    prediction (what is shown)   --accept--> accepted values -------------+

A prediction is shown beside the marks and never mixed with them. So it may be replaced
at any time; what was accepted is a copy of what was shown then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, ClassVar, cast

import numpy as np

from napari_unet.annotation.annotation import Annotation, EditOf, Mergeable, Predicted
from napari_unet.annotation.change import Change, Mark, PixelChange
from napari_unet.annotation.edit import Edit, register
from napari_unet.annotation.part import Part
from napari_unet.annotation.provenance import (
    AnnotationSnapshot,
    Provenance,
    ProvenanceMap,
)
from napari_unet.annotation.rules import MarkRules
from napari_unet.annotation.workspace import Workspace
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import LARGEST_NEW_ID
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap
from napari_unet.geometry.points import Points, chosen_points
from napari_unet.geometry.runs import Runs
from napari_unet.geometry.tiling import cut_into_bands


class ValueAnnotation(Annotation):
    """An annotation whose labels are marks, each of which stands for a value.

    Painting a mark makes pixels corrected, erasing it makes them unseen.

    Parameters
    ----------
    labels : ndarray of int32
        The marks, 0 is none; painted in, as labels of `Annotation` are.
    variables : int
        How many there are.
    provenance : ndarray of uint8, optional
        As for `Annotation`.
    """

    def __init__(
        self,
        labels: LabelMap,
        variables: int,
        provenance: ProvenanceMap | None = None,
    ) -> None:
        super().__init__(labels, provenance, rules=MarkRules())
        # What a model says of every pixel; NaN where it has said nothing yet.
        self.predicted: ValueMap | None = None
        # What each mark says.
        self.palette: dict[int, Mark] = {}
        self._variables = variables
        # Labels of an earlier life that were no marks, and what they are called here.
        self._strangers: dict[int, int] = {}
        self._accepted: ValueMap | None = None

    @classmethod
    def restored(cls, values: ValueMap, provenance: ProvenanceMap) -> ValueAnnotation:
        """Make an annotation of verified values, as a snapshot holds them."""
        marks, palette = _marks_of(values, provenance)
        made = cls(marks, len(values), provenance)
        made.palette.update(enumerate(palette, 1))
        accepted = provenance == Provenance.ACCEPTED
        if accepted.any():
            made._accepted = np.where(accepted, values, np.nan)
        return made

    @property
    def values(self) -> ValueAnnotation:
        """The annotation itself."""
        return self

    @property
    def has_prediction(self) -> bool:
        """Whether there are values to accept."""
        return self.predicted is not None

    def unseen(self, box: Box) -> Mask:
        """Return of which pixels of a box no model has said anything."""
        if self.predicted is None:
            return np.ones(box.shape, bool)
        return np.asarray(np.isnan(self.predicted[0][box.slices]), bool)

    def mark_for(self, variable: int, value: float) -> int:
        """Return the label to paint with, to say that a variable has a finite value."""
        if not np.isfinite(value) or not 0 <= variable < self._variables:
            raise InputError(
                f"Expected a number for one of {self._variables} variables, found "
                f"{value} for number {variable}; choose another value."
            )
        return self._label_of(Mark(variable, float(np.float32(value))))

    def merging(
        self, predicted: Predicted, box: Box, part: Part | None = None
    ) -> Mergeable:
        """Return a prediction that is to be shown; nothing has to be merged."""
        shape = (self._variables, *box.shape)
        if predicted.shape != shape:
            raise InputError(
                f"Expected predicted values of shape {shape}, found {predicted.shape}; "
                "predict the image that the annotation belongs to."
            )
        room = self._shape if self.predicted is None else None
        return Showing(predicted, room, box, None if part is None else part.core)

    def acceptable(self, box: Box) -> tuple[Box, Mask]:
        """Take the values that are shown in a box, where nobody stands behind any."""
        box = box.intersect(self.pixels.whole)
        mask = np.zeros(box.shape, bool)
        if box.empty or self.predicted is None:
            return box, mask
        accepted = self._room()
        for band in cut_into_bands(box):
            shown = self.predicted[:, *band.slices]
            free = np.isfinite(shown).all(axis=0) & self.pixels.unverified(band.slices)
            np.copyto(accepted[:, *band.slices], shown, where=free)
            mask[band.relative_to(box).slices] = free
        return box, mask

    def restore(self, earlier: AnnotationSnapshot) -> Change | None:
        """Put the values of a snapshot in the place of all, as one step."""
        values = earlier.labels.astype(np.float32)
        marks, palette = _marks_of(values, earlier.provenance)
        labels = np.array([0, *map(self._label_of, palette)], np.int32)[marks]

        def write() -> None:
            # In two parts, so that each pixel of a part has one accepted value.
            nobody = np.zeros_like(earlier.provenance)
            self.pixels.replace_all(np.zeros_like(marks), nobody)
            becomes = earlier.provenance == Provenance.ACCEPTED
            np.copyto(self._room(), values, where=becomes)
            self.pixels.replace_all(labels, earlier.provenance)

        return self.step("replace", write)

    @property
    def _shape(self) -> tuple[int, ...]:
        return (self._variables, *self.live.shape)

    def _room(self) -> ValueMap:
        if self._accepted is None:
            self._accepted = np.full(self._shape, np.nan, np.float32)
        return self._accepted

    def _label_of(self, mark: Mark) -> int:
        for label, known in self.palette.items():
            if known == mark:
                return label
        label = self._new_number()
        self.palette[label] = mark
        return label

    def _new_number(self) -> int:
        """Return a number for a mark; also after somebody painted the largest one."""
        if self.ids.next <= LARGEST_NEW_ID:
            return self.ids.take()
        taken = {*self.palette, *self._strangers, *self._strangers.values()}
        numbers = (n for n in count(1) if n not in taken)
        return next(n for n in numbers if n not in self.pixels.objects)

    def _to_save(self) -> ValueMap:
        """Return what is verified: accepted values, and marks over them."""
        values = np.full(self._shape, np.nan, np.float32)
        if self._accepted is not None:
            accepted = self.provenance == Provenance.ACCEPTED
            np.copyto(values, self._accepted, where=accepted)
        marks = self.pixels.labels
        painted = np.nonzero(marks)
        # By number, not by a table: a person may paint any number that there is.
        found, index = np.unique(marks[painted], return_inverse=True)
        known = [self.palette.get(label) for label in found.tolist()]
        for variable in range(self._variables):
            said = [m.value if m and m.variable == variable else np.nan for m in known]
            values[variable][painted] = np.array(said, np.float32)[index]
        return values

    def _values_of(self, part: PixelChange) -> ValueMap:
        values = np.full((self._variables, part.count), np.nan, np.float32)
        if self._accepted is not None:
            there = self._accepted[_of_all_variables(part.points)]
            np.copyto(values, there, where=part.was_or_is(Provenance.ACCEPTED))
        return values

    def _know_values(self, part: PixelChange, values: ValueMap | None) -> None:
        """Remember accepted values, also those that a mark has hidden."""
        if values is not None:
            known = np.asarray(np.isfinite(values).all(axis=0))
            points = chosen_points(part.points, known)
            self._room()[_of_all_variables(points)] = values[:, known]

    def _completed(self, change: Change) -> Change:
        known = self.palette
        marks = {label: known[label] for label in change.ids if label in known}
        return replace(change, marks=marks)

    def _translated(self, change: Change) -> Change:
        """Numbers of marks are not saved, only what they say."""
        own = {0: 0}
        for label in change.ids:
            if mark := change.marks.get(label):
                own[label] = self._label_of(mark)
                continue
            if label not in self._strangers:
                self._strangers[label] = self._new_number()
            own[label] = self._strangers[label]

        def translated(runs: Runs) -> Runs:
            runs = runs.copy()
            runs[0::2] = [own[label] for label in runs[0::2].tolist()]
            return runs

        parts = (
            replace(part, before=translated(part.before), after=translated(part.after))
            for part in change.parts
        )
        return replace(change, parts=tuple(parts))


@register
@dataclass(frozen=True, slots=True, eq=False)
class ShowValues(Edit):
    """A model's values inside a box are shown beside the marks; nothing else changes.

    `predicted` is what it says of `whole`, or of those of its pixels that are `known`;
    `room` is where to show it, if nothing is shown yet. Both have the variables as
    first axis.
    """

    name: ClassVar[str] = "show values"
    predicted: Predicted
    room: ValueMap | None
    whole: Box
    known: Mask | None
    box: Box

    def do(self, work: Workspace) -> Change | None:
        """Show them in the place of those that were shown."""
        values = cast("ValueAnnotation", work)
        if values.predicted is None:
            values.predicted = self.room
        if values.predicted is None:
            raise InputError("There is no room for values; predict the image again.")
        box = self.box.intersect(self.whole)
        if box.empty:
            return None
        local = box.relative_to(self.whole).slices
        known = True if self.known is None else self.known[local]
        shown = values.predicted[:, *box.slices]
        np.copyto(shown, self.predicted[:, *local], where=known)
        return Change("predict", (), work.ids.next, work.open_objects, shown=box)


@dataclass(frozen=True, slots=True, eq=False)
class Showing:
    """Predicted values; `room` is the shape of all of them, if none are shown yet."""

    predicted: Predicted
    room: tuple[int, ...] | None
    box: Box
    known: Mask | None = None

    def merge(self) -> EditOf:
        """Make room for them, which takes long for large images."""
        shape = self.room
        room = None if shape is None else np.full(shape, np.nan, np.float32)
        return partial(ShowValues, self.predicted, room, self.box, self.known)

    def outcome(self) -> tuple[Predicted, Predicted]:
        """Return the values that would be shown; what is shown now is not copied."""
        return self.predicted, self.predicted


def _marks_of(
    values: ValueMap, provenance: ProvenanceMap
) -> tuple[LabelMap, list[Mark]]:
    """Return marks where values were painted, and what those from 1 on say."""
    marks = np.zeros(provenance.shape, np.int32)
    palette: list[Mark] = []
    corrected = provenance == Provenance.CORRECTED
    for variable, known in enumerate(values):
        painted = corrected & np.isfinite(known)
        found, index = np.unique(known[painted], return_inverse=True)
        marks[painted] = len(palette) + 1 + index
        palette += [Mark(variable, float(value)) for value in found]
    return marks, palette


def _of_all_variables(points: Points) -> Any:
    """Return the index of pixels in an array with the variables as first axis."""
    return (slice(None), *points)
