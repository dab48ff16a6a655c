"""What a person did, step by step, so that it can be taken back and done again.

Strokes, what was accepted, what was un-verified, starting over, and labels that were
taken from another program are steps of one history, whoever keeps another one. It is a
fold over changes: the same in the moment in which they happen, and when they are read
back from a journal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Literal, TypeAlias

from napari_unet.annotation.change import Change, PixelChange
from napari_unet.annotation.origins import OriginChange
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.relabelling import iter_replay, lie_in_frames
from napari_unet.geometry.box import PlaneIndex
from napari_unet.geometry.maps import ValueMap
from napari_unet.geometry.points import chosen_points

StepKind: TypeAlias = Literal["edit", "accept", "unverify", "replace", "take", "track"]

_MOST_ENTRIES, _MOST_BYTES = 200, 2**28

_SPARSE = 16
"""Of one pixel in so many on, it is quicker to look at all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One step in the history; `number` is the `stroke` of its `Change`.

    `parts` are what it changed: what was there before it, or right before its redo, and
    what was there after it, or right before its undo.
    `open_before` and `open_after` are the objects the person was working on before the
    step, and when it was undone. `settled` is what was settled since, before the next
    step. `origins` is what it made known of ids.
    """

    number: int
    kind: StepKind
    parts: tuple[PixelChange, ...]
    values: tuple[ValueMap, ...]
    open_before: frozenset[int]
    open_after: frozenset[int] = frozenset()
    settled: tuple[PixelChange, ...] = ()
    origins: OriginChange = field(default_factory=dict)

    @property
    def nothing(self) -> bool:
        """Whether it would change nothing."""
        return not (self.parts or self.origins)

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        parts = sum(part.nbytes for part in (*self.parts, *self.settled))
        return parts + sum(values.nbytes for values in self.values)


class History:
    """The last steps that can be undone and redone, as far as memory allows.

    The newest is always remembered. `from_elsewhere` is whether another program has
    made what nobody has verified, and no model since.
    """

    def __init__(self) -> None:
        self._done, self._undone = _Stack(), _Stack()
        self.from_elsewhere = False

    @property
    def done(self) -> tuple[Entry, ...]:
        """What can be undone, oldest first."""
        return tuple(self._done.entries)

    @property
    def undone(self) -> tuple[Entry, ...]:
        """What can be redone, undone last comes last."""
        return tuple(self._undone.entries)

    def note(self, change: Change) -> None:
        """Remember what happened, now or in an earlier life of the program."""
        if change.kind == "settle":
            self._attach(change.parts)
        elif change.kind == "undo":
            if entry := self._done.take(change.stroke):
                self._undone.push(_taken_back(entry, change))
                self.from_elsewhere &= entry.kind != "take"
        elif change.kind == "redo":
            if entry := self._undone.take(change.stroke):
                self._done.push(_done_again(entry, change))
                self.from_elsewhere |= entry.kind == "take"
        elif change.kind == "predict":
            self.from_elsewhere = False
        elif change.parts or change.origins:
            self._begin(change, change.kind)

    def touched(self, ids: frozenset[int]) -> dict[int, set[PlaneIndex]]:
        """Return in which planes strokes touched objects since these are open.

        Of strokes that are not remembered any more nothing is known.
        """
        found: dict[int, set[PlaneIndex]] = {each: set() for each in ids}
        for entry in reversed(self._done.entries):
            if not ids:
                break
            for part in entry.parts if entry.kind == "edit" else ():
                for label, planes in part.planes().items():
                    if label in ids:
                        found[label] |= planes
            ids &= entry.open_before
        return found

    def _begin(self, change: Change, kind: StepKind) -> None:
        parts, values = change.parts, change.values
        if kind in ("take", "replace"):
            self.from_elsewhere = kind == "take"
        if kind == "edit":
            # What was settled right before a stroke is told with it.
            *settled, stroke = parts
            self._attach(settled)
            parts, values = (stroke,), values[-1:]
        if change.certain:
            self._undone.clear()
        if kind == "track" and self._goes_on(change):
            return
        before = change.entry_open if change.stroke else change.open
        entry = Entry(change.stroke, kind, parts, values, before)
        self._done.push(replace(entry, origins=change.origins))

    def _goes_on(self, change: Change) -> bool:
        """Add what is another part of the last step, if it is."""
        last = self._done.entries[-1] if self._done.entries else None
        if last is None or not change.stroke or last.number != change.stroke:
            return False
        parts, origins = (
            (*last.parts, *change.parts),
            {**last.origins, **change.origins},
        )
        self._done.replace_last(replace(last, parts=parts, origins=origins))
        return True

    def _attach(self, settled: Sequence[PixelChange]) -> None:
        """Remember that something was settled after the last step."""
        if self._done.entries and settled:
            last = self._done.entries[-1]
            self._done.replace_last(replace(last, settled=(*last.settled, *settled)))


def _taken_back(entry: Entry, change: Change) -> Entry:
    """Return what redoes a step after its undo: a prediction may have come between."""
    if entry.kind == "track":  # which ids became which is the same, whatever came
        return replace(entry, open_after=change.entry_open)
    own = change.parts[-len(entry.parts) :]
    parts = tuple(part.inverse for part in reversed(own))
    return replace(entry, parts=parts, open_after=change.entry_open)


def _done_again(entry: Entry, change: Change) -> Entry:
    """Return what undoes a step after its redo: a prediction may have come between."""
    if entry.kind == "track":
        return replace(entry, open_after=change.entry_open, settled=())
    own = 1 if entry.kind == "edit" else len(change.parts)
    return replace(
        entry,
        parts=change.parts[:own],
        values=change.values[:own],
        open_after=change.entry_open,
        settled=change.parts[own:],
    )


class _Stack:
    """Entries, newest last, of limited number and memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._nbytes = 0

    def push(self, entry: Entry) -> None:
        """Put one on top, unless it would change nothing."""
        if entry.nothing:
            return
        self.entries.append(entry)
        self._nbytes += entry.nbytes
        while len(self.entries) > 1 and (
            len(self.entries) > _MOST_ENTRIES or self._nbytes > _MOST_BYTES
        ):
            self._nbytes -= self.entries.pop(0).nbytes

    def replace_last(self, entry: Entry) -> None:
        self._nbytes += entry.nbytes - self.entries[-1].nbytes
        self.entries[-1] = entry

    def take(self, number: int) -> Entry | None:
        """Take the newest of that number out."""
        for entry in reversed(self.entries):
            if entry.number == number:
                self.entries.remove(entry)
                self._nbytes -= entry.nbytes
                return entry
        return None

    def clear(self) -> None:
        self.entries.clear()
        self._nbytes = 0


Know: TypeAlias = Callable[[PixelChange, ValueMap | None], None]
"""Is told of the accepted values of a part, if any, before that is replayed."""


def iter_take_back(
    pixels: Pixels, entry: Entry, know: Know, time: int | None = None
) -> Iterator[None]:
    """Undo the last step, and first what was settled after it; yield after each part.

    Parts are the frames where ids are taken back, or else all of it.

    All that changed since is what predictions did. Where the step left pixels
    unverified, theirs goes: what the person had stood behind comes back as it was.
    Where the step gave ids, these are taken back from the objects as they are now;
    `time` is the axis of the frames.
    """
    for part in reversed(entry.settled):
        _open_again(pixels, part)
    if entry.kind == "track" and time is not None and lie_in_frames(entry.parts, time):
        yield from iter_replay(pixels, entry.parts, time, back=True)
        return
    for part, values in reversed([*zip_longest(entry.parts, entry.values)]):
        know(part, values)
        pixels.put(part, part.before, part.was)
    yield


def _open_again(pixels: Pixels, part: PixelChange) -> None:
    """Let nobody stand behind what was settled, where nothing else was said since."""
    if _SPARSE * part.count < math.prod(part.box.shape):
        points = part.points
        still = pixels.provenance[points] == Provenance.ACCEPTED
        points = chosen_points(points, still)
        pixels.write(points, pixels.labels[points], part.provenance_before[still])
        return
    mask, place = part.mask, part.box.slices
    still = pixels.provenance[place][mask] == Provenance.ACCEPTED
    mask[mask] = still
    was = part.provenance_before[still]
    pixels.write_mask(part.box, mask, pixels.labels[place][mask], was)


def iter_bring_back(
    pixels: Pixels, entry: Entry, know: Know, time: int | None = None
) -> Iterator[None]:
    """Redo a step, in the same way.

    Between undo and redo a prediction may have changed pixels. What a person has not
    seen is not accepted.
    """
    if entry.kind == "track" and time is not None and lie_in_frames(entry.parts, time):
        yield from iter_replay(pixels, entry.parts, time, back=False)
        return
    for part, values in zip_longest(entry.parts, entry.values):
        know(part, values)
        if entry.kind == "accept":
            settle_again(pixels, part)
        else:
            pixels.put(part, part.after, part.now)
    yield


def settle_again(pixels: Pixels, part: PixelChange) -> frozenset[int]:
    """Accept pixels whose labels are those that the person saw.

    Return the objects that are not the same: they are open once more.
    """
    box, mask, seen = part.box, part.mask, part.labels_after
    same = pixels.labels[box.slices][mask] == seen
    mask[mask] = same
    pixels.accept_mask(box, mask)
    return frozenset(seen[~same].tolist()) - {0}
