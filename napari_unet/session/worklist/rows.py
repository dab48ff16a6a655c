"""The entries of the list in their order, found by what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from psygnal import Signal

from napari_unet.annotation.stage import Stage
from napari_unet.session.images.reading import Manners
from napari_unet.session.worklist.entry import Entry


class Rows:
    """Entries, and how many of them are how far; one change costs one row.

    Attributes
    ----------
    manners : Manners or None
        How a person reads images like these.
    listed : Signal()
        There are other entries, or another order.
    changed : Signal(object)
        Something else is known of one entry; its source.
    """

    listed = Signal()
    changed = Signal(object)

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._places: dict[object, int] = {}
        self._stages: Counter[Stage] = Counter()
        self.manners: Manners | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, place: int) -> Entry:
        return self._entries[place]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def place(self, source: object) -> int:
        """Return the row of an entry, -1 if it is not in the list."""
        return self._places.get(source, -1)

    def find(self, source: object) -> Entry | None:
        """Return the entry of a source, None if it is not in the list."""
        place = self.place(source)
        return None if place < 0 else self._entries[place]

    def count(self, stage: Stage) -> int:
        """Return how many entries are so far."""
        return self._stages[stage]

    def beyond(self, source: object, by: int) -> Entry | None:
        """Return the next entry that can be opened, or the one before; or None."""
        place = self._places.get(source, -1 if by > 0 else len(self._entries))
        step = 1 if by > 0 else -1
        end = len(self._entries) if by > 0 else -1
        way = (self._entries[at] for at in range(place + step, end, step))
        return next((each for each in way if not each.why_not), None)

    def put(self, entries: Sequence[Entry]) -> None:
        """List these entries, in this order."""
        if list(entries) == self._entries:
            return
        self._entries = list(entries)
        self._places = {each.source: n for n, each in enumerate(entries)}
        self._stages = Counter(each.work.stage for each in entries)
        self.listed.emit()

    def replace(self, entry: Entry) -> None:
        """Put an entry in the place of the one with its source, if there is one."""
        place = self.place(entry.source)
        if place < 0 or self._entries[place] == entry:
            return
        self._stages[self._entries[place].work.stage] -= 1
        self._stages[entry.work.stage] += 1
        self._entries[place] = entry
        self.changed.emit(entry.source)

    def manners_for(self, path: Path) -> Manners | None:
        """Return how a file of the list is read of which nothing else is known."""
        entry = self.find(path.resolve())
        return None if entry is None or entry.loose else self.manners

    def note_problem(self, source: object, problem: str) -> None:
        """Note what was wrong with an image; nothing takes it back."""
        if entry := self.find(source):
            self.replace(replace(entry, problem=problem))
