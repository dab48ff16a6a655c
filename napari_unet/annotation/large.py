"""An annotation of an image larger than memory.

It is an `Annotation` like all others: the same edits, undo and rules. Its labels and
their provenance are in chunks, of which only those in use are in memory; a person
paints in a `Pane` of them. What would need all pixels at once is refused in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, cast

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import PixelChange
from napari_unet.annotation.chunk_planes import NO_FACTS, ChunkedPlanes, ChunkFacts
from napari_unet.annotation.chunked import (
    MOST_BYTES,
    Chunk,
    ChunkedArray,
    Index,
    Read,
    too_large,
)
from napari_unet.annotation.objects import ObjectCounts, ObjectTable
from napari_unet.annotation.origins import Origins
from napari_unet.annotation.overview import Overview
from napari_unet.annotation.pane import SIDE, Pane
from napari_unet.annotation.pixels import Pixels
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.annotation.rules import OBJECTS, Rules
from napari_unet.errors import StorageError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import IdCounter
from napari_unet.geometry.maps import LabelMap, Mask

_MOST_FOREGROUND = 2**27
_MOST_TOLD = 3


class SavedChunks(Protocol):
    """Where chunks are saved."""

    @property
    def indices(self) -> frozenset[Index]:
        """The chunks that are saved."""
        ...

    def labels(self, index: Index) -> Chunk | None:
        """Return the labels of a chunk, None if it was never saved."""
        ...

    def provenance(self, index: Index) -> Chunk | None:
        """Return their provenance."""
        ...


class NothingSaved:
    """No chunk was saved yet."""

    indices: frozenset[Index] = frozenset()

    def labels(self, index: Index) -> None:
        """Return nothing."""

    def provenance(self, index: Index) -> None:
        """Return nothing."""


class SoundChunks:
    """Saved chunks, of which a damaged one is as one that was never saved.

    So one bad file stops nobody from working on all the rest. Any thread may read.

    Attributes
    ----------
    source : SavedChunks
        Where they are.
    damaged : dict of tuple to str
        Which were found damaged by now, and why.
    """

    def __init__(
        self, source: SavedChunks, damaged: Mapping[Index, str] | None = None
    ) -> None:
        self.source = source
        self.damaged = dict(damaged or {})

    @property
    def indices(self) -> frozenset[Index]:
        """The chunks that are saved, and that nobody has found damaged."""
        return self.source.indices - self.damaged.keys()

    def labels(self, index: Index) -> Chunk | None:
        """Return the labels of a chunk; None of one that is damaged."""
        return self._read(self.source.labels, index)

    def provenance(self, index: Index) -> Chunk | None:
        """Return their provenance."""
        return self._read(self.source.provenance, index)

    def _read(self, read: Read, index: Index) -> Chunk | None:
        if index in self.damaged:
            return None
        try:
            return read(index)
        except StorageError as error:
            self.damaged[index] = str(error)
            return None


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A chunk in which something may be verified; nobody writes to it any more.

    It is in memory, or else `saved`; `open` are objects that are being worked on.
    """

    box: Box
    index: Index
    saved: SavedChunks
    here: tuple[Chunk | None, Chunk | None]
    open: frozenset[int]

    def read(self) -> tuple[Chunk, Chunk] | None:
        """Return labels and provenance; None if there are none."""
        labels, provenance = self.here
        if labels is None:
            labels = self.saved.labels(self.index)
        if provenance is None:
            provenance = self.saved.provenance(self.index)
        return None if labels is None or provenance is None else (labels, provenance)


@dataclass(frozen=True, slots=True, eq=False)
class ChunkedSnapshot:
    """What changed since the last save, to be saved; nobody writes to it any more.

    Parameters
    ----------
    shape : tuple of int
        Of all labels.
    chunks : mapping of tuple to (ndarray, ndarray)
        Labels and provenance of the chunks that changed.
    next_id, revision, counts
        As in `AnnotationSnapshot`.
    saved : SavedChunks
        Where all others are.
    damaged : frozenset of tuple
        Chunks that could not be read: what is there is kept, whatever is saved.
    origins
        As in `AnnotationSnapshot`.
    """

    shape: tuple[int, ...]
    chunks: Mapping[Index, tuple[Chunk, Chunk]]
    next_id: int
    revision: int
    counts: ObjectCounts
    saved: SavedChunks
    damaged: frozenset[Index] = frozenset()
    origins: Origins = field(default_factory=dict)


class LargeAnnotation(Annotation):
    """An annotation whose labels are in chunks.

    Parameters
    ----------
    shape : tuple of int
        Of the labels.
    saved : SavedChunks
        Where chunks are that are not in memory.
    objects : ObjectTable, optional
        The objects of all chunks that are saved.
    rules, next_id
        As in `Annotation`.
    side : int
        Pixels of the pane along the last two axes.
    facts : ChunkFacts
        What the chunks hold that are saved.

    Attributes
    ----------
    pane : Pane
        What is shown.
    overview : Overview
        What is labelled in a plane, seen from afar.
    """

    in_chunks = True

    def __init__(
        self,
        shape: tuple[int, ...],
        saved: SavedChunks | None = None,
        objects: ObjectTable | None = None,
        *,
        rules: Rules = OBJECTS,
        next_id: int = 1,
        side: int = SIDE,
        facts: ChunkFacts = NO_FACTS,
    ) -> None:
        self._verified = set(facts.verified)
        self._saved = saved = SoundChunks(saved or NothingSaved())
        self._told: set[Index] = set()
        self._labels = ChunkedArray(shape, np.int32, saved.labels)
        self._provenance = ChunkedArray(
            shape, np.uint8, saved.provenance, most_bytes=MOST_BYTES // 4
        )
        self.pane = Pane(self._labels, side)
        self._shown_provenance = np.zeros(self.pane.array.shape, np.uint8)
        self.overview = Overview(self._labels, self._provenance)
        objects = objects or ObjectTable(self._labels.size)
        # They are indexed as numpy's arrays are, and are no more than that.
        labels = cast("LabelMap", self._labels)
        live = cast("LabelMap", self.pane)
        provenance = cast("ProvenanceMap", self._provenance)
        planes = ChunkedPlanes(self._labels, self._provenance, facts)
        pixels = Pixels(labels, live, provenance, objects, self._record, planes)
        ids = IdCounter(next_id, np.array(sorted(objects.ids), np.int32))
        self.labels = self.live = live
        self._begin(pixels, ids, rules)

    @property
    def saved(self) -> SavedChunks:
        """Where chunks are that are not in memory; what is damaged is empty."""
        return self._saved

    def tell_damage(self) -> str:
        """Say which parts of the labels were found damaged since this was asked last.

        Nothing is returned where there are none.
        """
        new = [i for i in sorted(self._saved.damaged) if i not in self._told]
        self._told.update(new)
        if not new:
            return ""
        places = ", ".join(self._labels.place(i).in_words for i in new[:_MOST_TOLD])
        more = f", and {len(new) - _MOST_TOLD} more" if len(new) > _MOST_TOLD else ""
        return (
            f"Labels at {places}{more} cannot be read, and are empty here: "
            f"{self._saved.damaged[new[0]]} Bring the project back from a backup, or "
            "predict this part again; the damaged file is kept."
        )

    @property
    def shown(self) -> LabelMap:
        """The labels in the pane."""
        return self.pane.array

    @property
    def shown_box(self) -> Box:
        """Where the pane lies."""
        return self.pane.box

    @property
    def shown_provenance(self) -> ProvenanceMap:
        """Provenance in the pane, as it was when `show_provenance` was called."""
        return self._shown_provenance

    def show_provenance(self, box: Box) -> None:
        """Bring the provenance of a box up to date, where it is shown."""
        box = box.intersect(self.pane.box)
        if not box.empty:
            place = box.relative_to(self.pane.box).slices
            self._provenance.read_into(box, self._shown_provenance[place])

    def missing(self, box: Box) -> list[Index]:
        """Return the chunks of a box that have to be read before it is shown."""
        every = self._labels.chunks_of(box)
        return [i for i in every if not self._labels.in_memory(i)]

    def offer(self, chunks: Mapping[Index, tuple[Chunk, Chunk]]) -> None:
        """Take in what was read of chunks: labels and provenance."""
        for number, array in enumerate((self._labels, self._provenance)):
            array.offer({index: both[number] for index, both in chunks.items()})

    @property
    def nbytes_in_memory(self) -> int:
        """What chunks and pane take."""
        arrays = (self._labels, self._provenance)
        return sum(a.nbytes_in_memory for a in arrays) + self.pane.array.nbytes

    def no_foreground(self) -> Mask:
        """Return a mask in chunks, of which those that are not used are forgotten."""
        found = ChunkedArray(
            self._labels.shape, bool, most_bytes=_MOST_FOREGROUND, forgetful=True
        )
        return cast("Mask", found)

    def snapshot(self) -> NoReturn:
        """Refuse: a copy of all of it does not fit into memory."""
        raise too_large(self.shape)

    def trainable(self) -> NoReturn:
        """Refuse, too; see `verified_parts`."""
        raise too_large(self.shape)

    @property
    def untouched(self) -> bool:
        """Whether nothing was written; what is damaged is not nothing."""
        written = self._saved.source.indices | self._provenance.here
        return self.empty and not written

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the labels."""
        return self._labels.shape

    def lessons(self) -> list[Lesson]:
        """Return the chunks in which something may be verified; it copies none."""
        return [
            Lesson(
                self._labels.place(i),
                i,
                self._saved,
                (self._labels.if_here(i), self._provenance.if_here(i)),
                self.open_objects,
            )
            for i in sorted(self._verified)
        ]

    def _record(self, part: PixelChange) -> None:
        if (part.now[0::2] >= Provenance.ACCEPTED).any():
            self._verified.update(self._labels.chunks_of(part.box))
        self.overview.note(part.box)
        super()._record(part)

    def plane_acceptable(self, plane: Box) -> Iterator[tuple[Box, Mask]]:
        """Yield what is accepted of a plane, chunk by chunk: where something is said.

        Where nobody has predicted or painted there is nothing to accept.
        """
        for index in self._labels.chunks_of(plane):
            if self._provenance.find(index) is not None:
                box = self._labels.place(index).intersect(plane)
                yield box, ~self.unseen(box)

    def to_save(self) -> ChunkedSnapshot:
        """Return what changed since the last save; it costs nothing."""
        changed = self._labels.unsaved | self._provenance.unsaved
        return ChunkedSnapshot(
            self._labels.shape,
            {i: (self._labels.lend(i), self._provenance.lend(i)) for i in changed},
            self.next_id,
            self.revision,
            self.counts(),
            self._saved.source,
            frozenset(changed & self._saved.damaged.keys()),
            self.origins,
        )

    def note_saved(self, done: ChunkedSnapshot, saved: SavedChunks) -> None:
        """Take note that all that changed up to a snapshot can be read again."""
        left = self._saved.damaged.keys() - done.chunks.keys()
        damaged = {index: self._saved.damaged[index] for index in left}
        self._saved = now = SoundChunks(saved, damaged)
        self._labels.read_from(now.labels)
        self._provenance.read_from(now.provenance)
        self._labels.note_saved({i: both[0] for i, both in done.chunks.items()})
        self._provenance.note_saved({i: both[1] for i, both in done.chunks.items()})
