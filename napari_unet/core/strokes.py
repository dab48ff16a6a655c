"""From writes into an array to strokes, and to objects that are being worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from typing import TypeAlias

from napari_unet.core.box import Box
from napari_unet.core.change import Change
from napari_unet.core.history import ChangeKind, Edit, Entry, History
from napari_unet.core.patch import Patch
from napari_unet.core.pixels import Pixels
from napari_unet.core.points import Points, marked_points
from napari_unet.core.provenance import LabelMap, Mask
from napari_unet.core.replay import bring_back, take_back
from napari_unet.core.rules import Rules

FindFinished: TypeAlias = Callable[[int], Points]


class Strokes:
    """Notices what a person paints, undoes and redoes.

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

    Attributes
    ----------
    open : frozenset of int
        Objects that were touched and not settled.
    history : History
        What can be undone and redone.
    """

    def __init__(
        self, pixels: Pixels, live: LabelMap, rules: Rules, finished: FindFinished
    ) -> None:
        self.open: frozenset[int] = frozenset()
        self._pixels = pixels
        self._live = live
        self._rules = rules
        self._finished = finished
        self.history = History()
        self._count = 0

    def notice(self, box: Box, kind: ChangeKind | None) -> Edit | None:
        """Find out what the person did in a box; see `Annotation.notice_change`."""
        box = box.intersect(self._pixels.whole)
        if box.empty:
            return None
        points = marked_points(
            box, self._live[box.slices] != self._pixels.labels[box.slices]
        )
        if not len(points[0]):
            return None
        change = self._pixels.patch(points, self._live[points])
        edit = None
        if kind in ("undo", None):
            edit = self._undo(change)
        if edit is None and kind in ("redo", None):
            edit = self._redo(change)
        if kind == "edit":
            self.history.forget_undone()
        return edit or self._edit(change)

    def settle(self, ids: Iterable[int] | None) -> Box | None:
        """Accept open objects; return where provenance changed."""
        chosen = self.open if ids is None else self.open.intersection(ids)
        self.open -= chosen
        patches = [self._settle_object(object_id) for object_id in sorted(chosen)]
        settled = [patch for patch in patches if patch]
        self.history.attach(settled)
        return reduce(Box.union, (p.box for p in settled)) if settled else None

    def release(self, box: Box, mask: Mask) -> None:
        """Let no undo unsettle the marked pixels of a box."""
        self.history.release(box, mask)

    def repeat(self, change: Change) -> None:
        """Let a change happen again that was told in an earlier life."""
        for part in change.parts:
            patch = part.patch
            self._pixels.write(patch.points, patch.after, part.provenance)
            self._live[patch.points] = patch.after
        self.recall(change)

    def recall(self, change: Change) -> None:
        """Remember a change whose pixels are here already."""
        self.history.recall(change)
        self._count = max(self._count, change.stroke)
        self._set_open(change.open)

    def _undo(self, change: Patch) -> Edit | None:
        entry = self.history.take_undo(change, self._pixels.labels, self._live)
        if entry is None:
            return None
        take_back(self._pixels, entry)
        entry = replace(entry, open_after=self.open)
        self.history.record_undone(entry)
        self._set_open(entry.open_before)
        return Edit("undo", entry.box, entry)

    def _redo(self, change: Patch) -> Edit | None:
        undone = self.history.take_redo(change, self._live)
        if undone is None:
            return None
        painted = self._rules.painted(undone.stroke.after)
        entry = bring_back(self._pixels, undone, painted)
        self.history.record(entry)
        self._set_open((self.open - entry.open_before) | entry.open_after)
        return Edit("redo", undone.box, entry)

    def _edit(self, change: Patch) -> Edit:
        touched = self._rules.objects_among(change.ids)
        settled = self.settle(self.open - touched)
        stroke = change
        if settled:  # which may have changed the provenance of these pixels
            stroke = self._pixels.patch(change.points, change.after)
        painted = self._rules.painted(stroke.after)
        self._pixels.write(stroke.points, stroke.after, painted)
        self._count += 1
        entry = Entry(self._count, stroke, self.open)
        self.history.record(entry)
        self._set_open(self.open | touched)
        return Edit("edit", settled.union(stroke.box) if settled else stroke.box, entry)

    def _set_open(self, ids: frozenset[int]) -> None:
        """Work on these objects, but on none that was erased wholly."""
        self.open = frozenset(i for i in ids if i in self._pixels.objects)

    def _settle_object(self, object_id: int) -> Patch | None:
        return self._pixels.accept(self._finished(object_id))
