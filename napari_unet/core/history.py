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
    stroke : Patch
        The pixels whose labels the person changed, as they were before and after.
    """

    kind: ChangeKind
    box: Box
    stroke: Patch


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One stroke in the history.

    Parameters
    ----------
    stroke : Patch
        The stroke itself.
    open_before, open_after : frozenset of int
        Objects the person was working on before the stroke, and when it was undone.
    settled : tuple of Patch
        What was settled since, before the next stroke.
    """

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

    def clear(self) -> None:
        self.entries.clear()
        self._nbytes = 0
