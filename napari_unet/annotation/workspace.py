"""What edits of an annotation work with: pixels, open objects, and the record of both.

An edit writes through a `Workspace`, which records every part that changes, tells it as
one `Change` and remembers it as a step that can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from napari_unet.annotation.change import Change, Kind, Listener, PixelChange
from napari_unet.annotation.history import (
    Entry,
    History,
    StepKind,
    bring_back,
    settle_again,
    take_back,
)
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import (
    AnnotationSnapshot,
    Provenance,
    ProvenanceMap,
)
from napari_unet.annotation.refresh import Predictions
from napari_unet.annotation.rules import Rules
from napari_unet.annotation.settle import finished_object
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import IdCounter, compact
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap
from napari_unet.geometry.points import Points, chosen_points, ordered_points

NOWHERE: Points = (np.empty(0, np.intp),)


class Workspace:
    """Everything that belongs to an annotation, for edits to change.

    Attributes
    ----------
    live : ndarray of int32
        The array that is shown, in which a person paints; may be ahead of `pixels`.
    open : frozenset of int
        Objects that were touched and not settled.
    listener : callable or None
        Is told of every change, right after it happened.
    """

    def __init__(
        self,
        live: LabelMap,
        provenance: ProvenanceMap,
        rules: Rules,
        next_id: int,
        ring: int,
    ) -> None:
        self.live = live
        self.rules = rules
        self.pixels = Pixels(live, provenance, self._record)
        self.ids = IdCounter(next_id, live)
        self.predictions = Predictions(self.pixels, live, self.ids)
        self.open: frozenset[int] = frozenset()
        self.history = History()
        self.listener: Listener | None = None
        self._ring = ring
        self._steps = 0
        self._parts: list[PixelChange] = []
        self._values: list[ValueMap] = []

    def is_object(self, object_id: int) -> bool:
        """Whether there is an object of that id."""
        exists = object_id in self.pixels.objects
        return exists and bool(self.rules.objects_among(frozenset((object_id,))))

    def in_view(self, box: Box) -> tuple[Box, Mask]:
        """Return which pixels a person means who means a box."""
        box = box.intersect(self.pixels.whole)
        if box.empty:
            return box, np.zeros(box.shape, bool)
        return self.rules.accepted(self.pixels.labels, box, self.pixels.objects)

    def acceptable(self, box: Box) -> tuple[Box, Mask]:
        """Return what is accepted when a box is."""
        return self.in_view(box)

    def finished(self, object_id: int) -> Points:
        """Return the pixels that are right once an object is; a ring is among them."""
        return finished_object(
            self.pixels.labels,
            self.pixels.objects.box(object_id),
            object_id,
            ring=self._ring,
            foreground=self.predictions.foreground,
        )

    def paint(
        self, points: Points, labels: LabelMap, confirmed: Points = NOWHERE
    ) -> Change | None:
        """Let pixels be corrected, as one step.

        Open objects that are not touched are settled first; those that are, are open.

        Parameters
        ----------
        points : tuple of ndarray of int
            Which pixels, in the order of the array, as `numpy.nonzero` gives them.
        labels : ndarray of int32, shape (n,)
            Their new labels; where they are as before, nothing is done.
        confirmed : tuple of ndarray of int
            Unverified pixels whose labels the person has said to be right.
        """
        before = self.pixels.labels[points]
        if not (changed := before != labels).all():
            points = chosen_points(points, changed)
            before, labels = before[changed], labels[changed]
        if not labels.size:
            return self.step("accept", lambda: self.pixels.accept(confirmed))
        touched = self.rules.objects_among(_labels_in(before, labels))
        self._finish(self.open - touched)
        open_before = self.open
        self.live[points] = labels
        if len(confirmed[0]):
            both = tuple(map(np.append, points, confirmed))
            points = ordered_points(both, self.live.shape)
            labels = self.live[points]
        changed = labels != self.pixels.labels[points]
        provenance = np.where(changed, self.rules.painted(labels), Provenance.ACCEPTED)
        self.pixels.write(points, labels, provenance.astype(np.uint8))
        self._set_open(self.open | touched)
        return self._tell_step("edit", open_before)

    def step(
        self,
        kind: StepKind,
        write: Callable[[], None],
        closing: frozenset[int] = frozenset(),
    ) -> Change | None:
        """Let something else than painting be one step, if `write` changes `pixels`.

        `closing` names objects that the person does not work on any more.
        """
        before = self.open
        write()
        if not self._parts:
            return None
        self._set_open(self.open - closing)
        return self._tell_step(kind, before)

    def replace(self, labels: LabelMap, provenance: ProvenanceMap) -> Change | None:
        """Put other labels in the place of all, as one step."""
        write = self.pixels.replace_all
        return self.step("replace", lambda: write(labels, provenance), self.open)

    def restore(self, earlier: AnnotationSnapshot) -> Change | None:
        """Put a snapshot in the place of all, as one step."""
        self.ids.skip_to(earlier.next_id)
        return self.replace(earlier.labels.astype(np.int32), earlier.provenance)

    def settle(self, ids: Iterable[int] | None) -> Change | None:
        """Accept open objects; all of them, unless some are named."""
        were_open = self.open
        self._finish(self.open if ids is None else self.open.intersection(ids))
        return self.tell("settle", anyway=were_open != self.open)

    def tell(
        self,
        kind: Kind,
        *,
        stroke: int = 0,
        entry_open: frozenset[int] = frozenset(),
        certain: bool = False,
        anyway: bool = False,
    ) -> Change | None:
        """Tell what was written since the last time as one change; see `Change`.

        Nothing is told where no pixel changed, unless it shall be told `anyway`.
        """
        parts, values = tuple(self._parts), tuple(self._values)
        self._forget()
        if not (parts or anyway):
            return None
        if not any(p.was_or_is(Provenance.ACCEPTED).any() for p in parts if values):
            values = ()
        if kind == "edit":
            self.ids.skip_past(frozenset().union(*(part.ids for part in parts)))
        facts = (self.ids.next, self.open, stroke, entry_open, certain)
        change = self._completed(Change(kind, parts, *facts, values=values))
        self._note(change)
        if self.listener is not None:
            self.listener(change)
        return change

    def undo(self) -> Change | None:
        """Take the last step back, and what was settled after it."""
        if not self.history.done:
            return None
        entry = self.history.done[-1]
        take_back(self.pixels, entry, self._prepare)
        were_open = self.open
        self._set_open(entry.open_before)
        return self.tell("undo", anyway=True, stroke=entry.number, entry_open=were_open)

    def redo(self) -> Change | None:
        """Do the step again that was undone last, and what was settled after it."""
        if not self.history.undone:
            return None
        entry = self.history.undone[-1]
        bring_back(self.pixels, entry, self._prepare)
        self._set_open((self.open - entry.open_before) | entry.open_after)
        change = self.tell(
            "redo", anyway=True, stroke=entry.number, entry_open=entry.open_after
        )
        left = [settle_again(self.pixels, part) for part in entry.settled]
        were_open = self.open
        self._set_open(self.open.union(*left))
        settled = self.tell("settle", anyway=self.open != were_open)
        if change is None or settled is None:
            return change
        return replace(change, parts=(*change.parts, *settled.parts))

    def repeat(self, change: Change) -> None:
        """Let a change happen again that was told in an earlier life."""
        own = self._translated(change)
        for number, part in enumerate(own.parts):
            if own.values:
                self._know_values(part, own.values[number])
            self.pixels.put(part.region, part.after, part.now)
        self._forget()
        self.recall(change)

    def recall(self, change: Change) -> None:
        """Remember a change of an earlier life whose pixels are here already."""
        change = self._translated(change)
        self._note(change)
        self.ids.skip_past(change.ids, change.next_id)

    def _values_of(self, part: PixelChange) -> ValueMap | None:
        """Return the accepted values of a part that is about to change."""

    def _know_values(self, part: PixelChange, values: ValueMap) -> None:
        """Remember the accepted values of a part that comes back."""

    def _completed(self, change: Change) -> Change:
        """Add what labels stand for, where that is not the labels themselves."""
        return change

    def _translated(self, change: Change) -> Change:
        """Return a change of an earlier life in the labels of this one."""
        return change

    def _prepare(self, entry: Entry, part: int) -> None:
        if entry.values:
            self._know_values(entry.parts[part], entry.values[part])

    def _record(self, part: PixelChange) -> None:
        self._parts.append(part)
        values = self._values_of(part)
        if values is not None:
            self._values.append(values)

    def _forget(self) -> None:
        self._parts.clear()
        self._values.clear()

    def _tell_step(self, kind: StepKind, before: frozenset[int]) -> Change | None:
        self._steps += 1
        return self.tell(kind, stroke=self._steps, entry_open=before, certain=True)

    def _note(self, change: Change) -> None:
        self.history.note(change)
        self._steps = max(self._steps, change.stroke)
        self._set_open(change.open)

    def _finish(self, ids: frozenset[int]) -> None:
        for object_id in sorted(ids):
            self.pixels.accept(self.finished(object_id))
        self.open -= ids

    def _set_open(self, ids: frozenset[int]) -> None:
        # On none that was erased wholly.
        self.open = frozenset(i for i in ids if i in self.pixels.objects)


def _labels_in(*maps: LabelMap) -> frozenset[int]:
    """Return the labels other than 0 that there are."""
    found = (compact(each)[1].tolist() for each in maps)
    return frozenset().union(*found) - {0}
