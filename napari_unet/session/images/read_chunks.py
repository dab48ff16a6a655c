"""The jobs that read labels of an image larger than memory before they are shown."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from napari_unet.annotation.chunked import Chunk, Index
from napari_unet.annotation.large import SavedChunks
from napari_unet.annotation.overview import Marks, marks_of
from napari_unet.core.jobs import Job

ChunksRead: TypeAlias = Mapping[Index, tuple[Chunk, Chunk]]
"""Labels and provenance by chunk."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadChunks(Job[None, ChunksRead]):
    """Read chunks that are saved; a StorageError tells that one is damaged."""

    saved: SavedChunks
    chunks: tuple[Index, ...]

    def run(self) -> Generator[None, None, ChunksRead]:
        """Read them, one after the other."""
        found: dict[Index, tuple[Chunk, Chunk]] = {}
        for index in self.chunks:
            yield
            labels = self.saved.labels(index)
            provenance = self.saved.provenance(index)
            if labels is not None and provenance is not None:
                found[index] = labels, provenance
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ChunkMarked:
    """The marks of a chunk that was read; None of one that cannot be."""

    index: Index
    marks: Marks | None


@dataclass(frozen=True, slots=True, eq=False)
class ReadMarks(Job[ChunkMarked, None]):
    """Read chunks, and tell of each what is seen of it from afar."""

    saved: SavedChunks
    chunks: tuple[Index, ...]
    step: int

    def run(self) -> Generator[ChunkMarked, None, None]:
        """Read them, one after the other."""
        for index in self.chunks:
            labels = self.saved.labels(index)
            provenance = self.saved.provenance(index)
            marks = None
            if labels is not None and provenance is not None:
                marks = marks_of(labels, provenance, self.step)
            yield ChunkMarked(index, marks)
