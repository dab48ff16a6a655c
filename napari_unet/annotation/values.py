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
from itertools import count
from typing import Any

import numpy as np

from napari_unet.annotation.annotation import Annotation, Predicted
from napari_unet.annotation.change import Change, PixelChange
from napari_unet.annotation.history import Entry
from napari_unet.annotation.mark import Mark
from napari_unet.annotation.merge import Merged, ShownValues
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.annotation.rules import MarkRules
from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.errors import InputError
from napari_unet.geometry.bands import cut_into_bands
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import LARGEST_NEW_ID
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.geometry.points import Points, chosen_points
from napari_unet.geometry.runs import Runs


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

    Attributes
    ----------
    predicted : ndarray of float32 or None
        What a model says of every pixel, with the variables as first axis. NaN where
        it has said nothing yet. None until it says something.
    """

    def __init__(
        self,
        labels: LabelMap,
        variables: int,
        provenance: ProvenanceMap | None = None,
    ) -> None:
        super().__init__(labels, provenance, rules=MarkRules())
        self.predicted: ValueMap | None = None
        self._variables = variables
        self._palette: dict[int, Mark] = {}
        # Labels of an earlier life that were no marks, and what they are called here.
        self._strangers: dict[int, int] = {}
        self._accepted: ValueMap | None = None
        self._chronicle.values_of = self._accepted_in

    @classmethod
    def restored(cls, values: ValueMap, provenance: ProvenanceMap) -> ValueAnnotation:
        """Make an annotation of verified values, as a snapshot holds them.

        Parameters
        ----------
        values : ndarray of float32
            With the variables as first axis; NaN where they are unknown.
        provenance : ndarray of uint8
            Of every pixel.
        """
        marks, palette = _marks_of(values, provenance)
        made = cls(marks, len(values), provenance)
        made._palette = dict(enumerate(palette, 1))
        if (provenance == Provenance.ACCEPTED).any():
            made._accepted = np.where(provenance == Provenance.ACCEPTED, values, np.nan)
        return made

    @property
    def values(self) -> ValueAnnotation:
        """The annotation itself."""
        return self

    @property
    def has_prediction(self) -> bool:
        """Whether there are values to accept."""
        return self.predicted is not None

    @property
    def palette(self) -> dict[int, Mark]:
        """What each mark says."""
        return dict(self._palette)

    def mark_for(self, variable: int, value: float) -> int:
        """Return the label to paint with, to say that a variable has a value.

        Raises
        ------
        InputError
            If the value is no finite number.
        """
        if not np.isfinite(value) or not 0 <= variable < self._variables:
            raise InputError(
                f"Expected a number for one of {self._variables} variables, found "
                f"{value} for number {variable}; choose another value."
            )
        mark = Mark(variable, float(np.float32(value)))
        for label, known in self._palette.items():
            if known == mark:
                return label
        label = self._new_number()
        self._palette[label] = mark
        return label

    def snapshot(self) -> AnnotationSnapshot:
        """Return copies of the verified values and of the provenance."""
        return AnnotationSnapshot(
            self._values(), self.provenance.copy(), self.next_id, self.revision
        )

    def accept(self, box: Box) -> Box | None:
        """Take the values that are shown in a box as right, where nothing is verified.

        Returns
        -------
        Box or None
            Where provenance changed; None also where nothing was predicted.
        """
        box = box.intersect(self._pixels.whole)
        if box.empty or self.predicted is None:
            return None
        accepted = self._room()
        mask = np.zeros(box.shape, bool)
        for band in cut_into_bands(box):
            shown = self.predicted[:, *band.slices]
            free = np.isfinite(shown).all(axis=0) & self._pixels.unverified(band)
            np.copyto(accepted[:, *band.slices], shown, where=free)
            mask[band.relative_to(box).slices] = free
        return self._accept(box, mask)

    def bring_back(self, earlier: AnnotationSnapshot) -> Box | None:
        """Put a snapshot in the place of everything; see `Annotation.bring_back`."""
        values = earlier.labels.astype(np.float32)
        marks, palette = _marks_of(values, earlier.provenance)
        own = [0, *(self.mark_for(each.variable, each.value) for each in palette)]
        labels = np.array(own, np.int32)[marks]

        def write() -> Box:
            # In two parts, so that each pixel of a part has one accepted value.
            nobody = np.zeros_like(earlier.provenance)
            self._pixels.replace_all(np.zeros_like(marks), nobody)
            becomes = earlier.provenance == Provenance.ACCEPTED
            np.copyto(self._room(), values, where=becomes)
            return self._pixels.replace_all(labels, earlier.provenance)

        return self._strokes.decide("replace", write)

    def merging(self, predicted: Predicted, box: Box) -> _Showing:
        """Return a prediction that is to be shown; nothing has to be merged."""
        shape = (self._variables, *box.shape)
        if predicted.shape != shape:
            raise InputError(
                f"Expected predicted values of shape {shape}, found {predicted.shape}; "
                "predict the image that the annotation belongs to."
            )
        whole = (self._variables, *self.labels.shape)
        return _Showing(predicted, box, None if self.has_prediction else whole)

    def apply(self, merged: Merged, box: Box) -> Box | None:
        """Show predicted values inside a box; see `Annotation.apply`."""
        if not isinstance(merged, ShownValues):
            raise InputError("Expected predicted values, found object ids or classes.")
        if self.predicted is None:
            self.predicted = merged.room
        if self.predicted is None:
            raise InputError("There is no room for values; predict the image again.")
        box = box.intersect(merged.box)
        local = box.relative_to(merged.box).slices
        self.predicted[:, *box.slices] = merged.values[:, *local]
        return None if box.empty else box

    def repeat(self, change: Change) -> None:
        """Let a change happen again; see `Annotation.repeat`."""
        change = self._in_own_marks(change)
        for part, values in zip(change.parts, change.values, strict=False):
            self._accept_values(part.points, values)
        super().repeat(change)

    def recall(self, change: Change) -> None:
        """Remember a change; see `Annotation.recall`."""
        super().recall(self._in_own_marks(change))

    def _prepare(self, entry: Entry, part: int) -> None:
        """Know again which values were accepted, also those that a mark has hidden."""
        if entry.values:
            self._accept_values(entry.parts[part].points, entry.values[part])

    def _room(self) -> ValueMap:
        if self._accepted is None:
            shape = (self._variables, *self.labels.shape)
            self._accepted = np.full(shape, np.nan, np.float32)
        return self._accepted

    def _accept_values(self, points: Points, values: ValueMap) -> None:
        known = np.asarray(np.isfinite(values).all(axis=0))
        place = _of_all_variables(chosen_points(points, known))
        self._room()[place] = values[:, known]

    def _completed(self, change: Change) -> Change:
        known = self._palette
        marks = {label: known[label] for label in change.ids if label in known}
        return replace(change, marks=marks)

    def _accepted_in(self, part: PixelChange) -> ValueMap:
        """Return what is accepted in a part before it or after it; NaN elsewhere."""
        values = np.full((self._variables, part.count), np.nan, np.float32)
        if self._accepted is not None:
            there = self._accepted[_of_all_variables(part.points)]
            np.copyto(values, there, where=part.was_or_is(Provenance.ACCEPTED))
        return values

    def _in_own_marks(self, change: Change) -> Change:
        """Return a change in the numbers that its marks have here.

        Numbers of marks are not saved, only what they say.
        """
        own = {0: 0}
        for label in change.ids:
            mark = change.marks.get(label)
            if mark is not None:
                own[label] = self.mark_for(mark.variable, mark.value)
                continue
            if label not in self._strangers:
                self._strangers[label] = self._new_number()
            own[label] = self._strangers[label]

        def translated(runs: Runs) -> Runs:
            runs = runs.copy()
            runs[0::2] = [own[label] for label in runs[0::2].tolist()]
            return runs

        return replace(
            change,
            parts=tuple(
                replace(p, before=translated(p.before), after=translated(p.after))
                for p in change.parts
            ),
        )

    def _new_number(self) -> int:
        """Return a number for a mark; also after somebody painted the largest one."""
        if self.next_id <= LARGEST_NEW_ID:
            return self.new_id()
        taken = {*self._palette, *self._strangers, *self._strangers.values()}
        numbers = (n for n in count(1) if n not in taken)
        return next(n for n in numbers if n not in self._pixels.objects)

    def _values(self) -> ValueMap:
        """Return what is verified: accepted values, and marks over them."""
        shape = (self._variables, *self.labels.shape)
        values = np.full(shape, np.nan, np.float32)
        if self._accepted is not None:
            accepted = self.provenance == Provenance.ACCEPTED
            np.copyto(values, self._accepted, where=accepted)
        marks = self._pixels.labels
        painted = np.nonzero(marks)
        # By number, not by a table: a person may paint any number that there is.
        found, index = np.unique(marks[painted], return_inverse=True)
        known = [self._palette.get(label) for label in found.tolist()]
        for variable in range(self._variables):
            said = [m.value if m and m.variable == variable else np.nan for m in known]
            values[variable][painted] = np.array(said, np.float32)[index]
        return values


@dataclass(frozen=True, slots=True, eq=False)
class _Showing:
    """A prediction, and the shape of what is shown where nothing is shown yet."""

    values: ValueMap
    box: Box
    whole: tuple[int, ...] | None

    def merge(self) -> ShownValues:
        """Make room, which takes long for large images."""
        room = None
        if self.whole is not None:
            room = np.full(self.whole, np.nan, np.float32)
        return ShownValues(self.values, self.box, room)


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
