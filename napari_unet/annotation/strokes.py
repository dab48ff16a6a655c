"""From what a person does to steps that can be undone, and objects that are open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, Protocol, TypeAlias

import numpy as np

from napari_unet.annotation.change import Change, Kind
from napari_unet.annotation.history import Edit, History, StepKind
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.replay import Prepare, bring_back, settle_again, take_back
from napari_unet.annotation.rules import Rules
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.points import (
    Points,
    chosen_points,
    marked_points,
    ordered_points,
)

FindFinished: TypeAlias = Callable[[int], Points]

NOWHERE: Points = (np.empty(0, np.intp),)


class Tell(Protocol):
    """Tells what was written since the last time as one change."""

    def __call__(self, kind: Kind, *, anyway: bool = False, **facts: Any) -> None:
        """Tell it, or nothing where nothing changed unless it shall be told anyway."""
        ...


class Strokes:
    """Notices what a person paints, and undoes and redoes their steps.

    Parameters
    ----------
    pixels : Pixels
        What was noticed so far.
    live : ndarray of int32
        The array in which the person paints.
    rules : Rules
        What labels mean.
    finished : callable
        Returns which pixels are right once the object of that id is finished.
    tell : callable
        Tells a change, which comes back to `note`.
    prepare : callable
        See `napari_unet.annotation.replay`.

    Attributes
    ----------
    open : frozenset of int
        Objects that were touched and not settled.
    history : History
        What can be undone and redone.
    """

    def __init__(
        self,
        pixels: Pixels,
        live: LabelMap,
        rules: Rules,
        finished: FindFinished,
        tell: Tell,
        prepare: Prepare,
    ) -> None:
        self.open: frozenset[int] = frozenset()
        self.history = History()
        self._pixels = pixels
        self._live = live
        self._rules = rules
        self._finished = finished
        self._tell = tell
        self._prepare = prepare
        self._count = 0

    def notice(self, box: Box, repainted: Points) -> Edit | None:
        """Find out what the person did in a box; see `Annotation.notice_change`."""
        box = box.intersect(self._pixels.whole)
        if box.empty:
            return None
        changed = marked_points(
            box, self._live[box.slices] != self._pixels.labels[box.slices]
        )
        confirmed = self._confirmed(repainted)
        if not len(changed[0]):
            if self.decide("accept", lambda: self._pixels.accept(confirmed)) is None:
                return None
            entry = self.history.done[-1]
            return Edit("accept", entry.box, entry)
        return self._edit(changed, confirmed)

    def settle(self, ids: Iterable[int] | None) -> Box | None:
        """Accept open objects; return where provenance changed."""
        were_open = self.open
        box = self._finish(self.open if ids is None else self.open.intersection(ids))
        self._tell("settle", anyway=were_open != self.open)
        return box

    def decide(
        self,
        kind: StepKind,
        write: Callable[[], Box | None],
        closing: frozenset[int] = frozenset(),
    ) -> Box | None:
        """Let a person do something else than to paint, as one step.

        Parameters
        ----------
        kind : str
            What it is.
        write : callable
            Does it; returns where something changed.
        closing : frozenset of int
            Objects that the person does not work on any more.
        """
        before = self.open
        box = write()
        if box is not None:
            self._set_open(self.open - closing)
            self._step(kind, before)
        return box

    def undo(self) -> Edit | None:
        """Take the last step back, and what was settled after it."""
        if not self.history.done:
            return None
        entry = self.history.done[-1]
        take_back(self._pixels, entry, self._prepare)
        were_open = self.open
        self._set_open(entry.open_before)
        self._tell("undo", anyway=True, stroke=entry.number, entry_open=were_open)
        return Edit("undo", entry.box, entry)

    def redo(self) -> Edit | None:
        """Do the step again that was undone last, and what was settled after it."""
        if not self.history.undone:
            return None
        entry = self.history.undone[-1]
        bring_back(self._pixels, entry, self._prepare)
        self._set_open((self.open - entry.open_before) | entry.open_after)
        self._tell(
            "redo", anyway=True, stroke=entry.number, entry_open=entry.open_after
        )
        left = [settle_again(self._pixels, part) for part in entry.settled]
        were_open = self.open
        self._set_open(self.open.union(*left))
        self._tell("settle", anyway=self.open != were_open)
        return Edit("redo", entry.box, entry)

    def note(self, change: Change) -> None:
        """Remember a change that happened, now or in an earlier life."""
        self.history.note(change)
        self._count = max(self._count, change.stroke)
        self._set_open(change.open)

    def repeat(self, change: Change) -> None:
        """Let a change happen again that was told in an earlier life."""
        for part in change.parts:
            self._pixels.put(part.region, part.after, part.now)

    def _finish(self, ids: frozenset[int]) -> Box | None:
        boxes = [self._pixels.accept(self._finished(i)) for i in sorted(ids)]
        self.open -= ids
        found = [box for box in boxes if box is not None]
        return reduce(Box.union, found) if found else None

    def _confirmed(self, repainted: Points) -> Points:
        """Return the unverified pixels among those that were painted as they are."""
        if not len(repainted[0]) or not self._rules.repainting_accepts:
            return NOWHERE
        points = ordered_points(repainted, self._live.shape)
        same = self._live[points] == self._pixels.labels[points]
        return chosen_points(points, same & self._pixels.free(points))

    def _edit(self, changed: Points, confirmed: Points) -> Edit:
        ids = _labels_in(self._pixels.labels[changed], self._live[changed])
        touched = self._rules.objects_among(ids)
        settled = self._finish(self.open - touched)
        before = self.open
        points = changed
        if len(confirmed[0]):
            both = tuple(map(np.append, changed, confirmed))
            points = ordered_points(both, self._live.shape)
        labels = self._live[points]
        painted = labels != self._pixels.labels[points]
        self._pixels.write(
            points,
            labels,
            np.where(painted, self._rules.painted(labels), Provenance.ACCEPTED).astype(
                np.uint8
            ),
        )
        self._set_open(self.open | touched)
        self._step("edit", before)
        entry = self.history.done[-1]
        box = entry.parts[-1].region.box
        return Edit("edit", settled.union(box) if settled else box, entry)

    def _step(self, kind: StepKind, open_before: frozenset[int]) -> None:
        self._count += 1
        self._tell(kind, stroke=self._count, entry_open=open_before, certain=True)

    def _set_open(self, ids: frozenset[int]) -> None:
        """Work on these objects, but on none that was erased wholly."""
        self.open = frozenset(i for i in ids if i in self._pixels.objects)


def _labels_in(*maps: LabelMap) -> frozenset[int]:
    """Return the labels other than 0 that there are."""
    found = (compact(each)[1].tolist() for each in maps)
    return frozenset().union(*found) - {0}
