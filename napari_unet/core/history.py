"""What a person did, so that it is known again when it is taken back.

napari's undo writes the old labels back into the array and tells nobody. Every stroke
is therefore remembered with its exact pixels: a change that turns all of them, and
nothing else, back to what they were is the undo of that stroke.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from napari_unet.core.box import Box
from napari_unet.core.change import Change
from napari_unet.core.patch import Patch
from napari_unet.core.provenance import LabelMap, Mask

ChangeKind: TypeAlias = Literal["edit", "undo", "redo"]


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """What `Annotation.notice_change` found.

    Parameters
    ----------
    kind : str
        "edit", "undo" or "redo".
    box : Box
        Everything that changed, labels or provenance: the stroke, and objects that
        were settled or came unsettled with it.
    entry : Entry
        The stroke as it is remembered.
    """

    kind: ChangeKind
    box: Box
    entry: Entry

    @property
    def stroke(self) -> Patch:
        """The pixels whose labels the person changed, before and after."""
        return self.entry.stroke


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One stroke in the history.

    Parameters
    ----------
    number : int
        Counts from 1; no other stroke of the annotation has it.
    stroke : Patch
        The stroke itself.
    open_before, open_after : frozenset of int
        Objects the person was working on before the stroke, and when it was undone.
    settled : tuple of Patch
        What was settled since, before the next stroke.
    """

    number: int
    stroke: Patch
    open_before: frozenset[int]
    open_after: frozenset[int] = frozenset()
    settled: tuple[Patch, ...] = ()

    @property
    def box(self) -> Box:
        """Everything that undoing or redoing may change."""
        box = self.stroke.box
        for patch in self.settled:
            box = box.union(patch.box)
        return box

    def brought_back(self, now: Patch, settled: tuple[Patch, ...]) -> Entry:
        """Return what undoes the stroke after it was redone.

        Parameters
        ----------
        now : Patch
            Its pixels as they were right before the redo.
        settled : tuple of Patch
            What was settled again with it.
        """
        # napari's undo will write `before` again. What was accepted meanwhile for that
        # label still holds then; for another label it says nothing.
        same = now.before == self.stroke.before
        earlier = np.where(same, now.provenance, self.stroke.provenance)
        return replace(
            self, stroke=replace(self.stroke, provenance=earlier), settled=settled
        )


class History:
    """The last strokes that can be undone and redone.

    Parameters
    ----------
    entries : int
        How many are remembered. napari remembers 100.
    nbytes : int
        How much memory strokes may take; the newest is always remembered.
    """

    def __init__(self, entries: int = 200, nbytes: int = 2**28) -> None:
        self._done = _Stack(entries, nbytes)
        self._undone = _Stack(entries, nbytes)

    @property
    def done(self) -> tuple[Entry, ...]:
        """What can be undone, oldest first."""
        return tuple(self._done.entries)

    @property
    def undone(self) -> tuple[Entry, ...]:
        """What can be redone, undone last comes last."""
        return tuple(self._undone.entries)

    def record(self, entry: Entry) -> None:
        """Remember a stroke that was done, or done again."""
        self._done.push(entry)

    def record_undone(self, entry: Entry) -> None:
        """Remember a stroke that was undone."""
        self._undone.push(entry)

    def forget_undone(self) -> None:
        """After a new stroke nothing can be redone."""
        self._undone.clear()

    def attach(self, settled: list[Patch]) -> None:
        """Remember that something was settled after the last stroke."""
        entries = self._done.entries
        if entries and settled:
            last = entries[-1]
            entries[-1] = replace(last, settled=(*last.settled, *settled))

    def take_undo(
        self, change: Patch, noticed: LabelMap, live: LabelMap
    ) -> Entry | None:
        """Take out the newest stroke that a change takes back, wholly and exactly.

        Parameters
        ----------
        change : Patch
            What changed, as far as one has looked.
        noticed, live : ndarray of int32
            The whole label map before the change and now.
        """
        for entry in reversed(self._done.entries):
            stroke = entry.stroke
            if (
                stroke.has_all_of(change)
                and np.array_equal(live[stroke.points], stroke.before)
                and np.array_equal(noticed[stroke.points], stroke.after)
            ):
                self._done.remove(entry)
                return entry
        return None

    def take_redo(self, change: Patch, live: LabelMap) -> Entry | None:
        """Take out the stroke, last undone first, that a change brings back.

        What its pixels were before does not matter: a prediction may have changed
        them since the stroke was undone.
        """
        for entry in reversed(self._undone.entries):
            stroke = entry.stroke
            if stroke.has_all_of(change) and np.array_equal(
                live[stroke.points], stroke.after
            ):
                self._undone.remove(entry)
                return entry
        return None

    def recall(self, change: Change) -> None:
        """Remember what happened in an earlier life of the program."""
        patches = [part.patch for part in change.parts]
        if change.kind == "edit":
            *settled, stroke = patches
            self.attach(settled)
            if change.certain:
                self.forget_undone()
            self.record(Entry(change.stroke, stroke, change.entry_open))
        elif change.kind == "settle":
            self.attach(patches)
        elif change.kind == "undo":
            if entry := self._done.take(change.stroke):
                self.record_undone(replace(entry, open_after=change.entry_open))
        elif change.kind == "redo":
            stroke, *settled = patches
            if entry := self._undone.take(change.stroke):
                again = entry.brought_back(stroke, tuple(settled))
                self.record(replace(again, open_after=change.entry_open))
        elif change.region is not None:
            self.release(change.region.box, change.region.mask)

    def release(self, box: Box, mask: Mask) -> None:
        """Let no undo unsettle the marked pixels: a person accepted them meanwhile."""
        entries = self._done.entries
        for index, entry in enumerate(entries):
            if any(not p.box.intersect(box).empty for p in entry.settled):
                settled = tuple(patch.without(box, mask) for patch in entry.settled)
                entries[index] = replace(entry, settled=settled)


class _Stack:
    """Entries, newest last, of limited number and memory."""

    def __init__(self, most_entries: int, most_bytes: int) -> None:
        self.entries: list[Entry] = []
        self._nbytes = 0
        self._most_entries = most_entries
        self._most_bytes = most_bytes

    def push(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._nbytes += entry.stroke.nbytes
        while len(self.entries) > 1 and (
            len(self.entries) > self._most_entries or self._nbytes > self._most_bytes
        ):
            self.remove(self.entries[0])

    def remove(self, entry: Entry) -> None:
        self.entries.remove(entry)
        self._nbytes -= entry.stroke.nbytes

    def take(self, number: int) -> Entry | None:
        found = next((e for e in self.entries if e.number == number), None)
        if found is not None:
            self.remove(found)
        return found

    def clear(self) -> None:
        self.entries.clear()
        self._nbytes = 0
