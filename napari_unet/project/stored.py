"""A save of an image and its journal, and the annotation that they bring back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import prod
from pathlib import Path
from typing import cast

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.chunked import ChunkedArray
from napari_unet.annotation.origins import Origins
from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.annotation.schema import LabelSchema
from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.project.chunks import ChunkFolder
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal_reader import JournalRead
from napari_unet.project.manifest import Generation
from napari_unet.tasks import task_of

_MOST_PIXELS, _MOST_OF_STACKS = 2**28, 2**32


@dataclass(frozen=True, slots=True, eq=False)
class Save:
    """One save as it was read."""

    generation: Generation
    labels: LabelMap | ValueMap
    provenance: ProvenanceMap
    chunks: ChunkFolder | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StoredAnnotation:
    """An annotation as it was read back: a save, if there is one, and the journal.

    The arrays are fresh: int32 ids or classes, or float32 values with variables first.
    They hold the changes up to `sequence`. `next_id` was never used in any save.
    `notice` tells a person that something newer was damaged.
    """

    key: str
    labels: LabelMap | ValueMap
    provenance: ProvenanceMap
    next_id: int
    saved_at: datetime | None
    sequence: int
    journal: JournalRead
    notice: str | None = None
    chunks: ChunkFolder | None = None
    origins: Origins = field(default_factory=dict)

    @classmethod
    def of_save(
        cls, key: str, save: Save, journal: JournalRead, next_id: int = 1
    ) -> StoredAnnotation:
        """Return a save and the journal, in the arrays of the save."""
        generation, maps = save.generation, (save.labels, save.provenance)
        at, sequence = generation.saved_at, generation.sequence
        origins, chunks = generation.known_origins, save.chunks
        found = *maps, next_id, at, sequence, journal
        return cls(key, *found, chunks=chunks, origins=origins)

    @classmethod
    def of_nothing(
        cls,
        key: str,
        image: ImageFields,
        journal: JournalRead,
        next_id: int = 1,
        *,
        large: bool = False,
    ) -> StoredAnnotation:
        """Return what there was before the first change, and the journal."""
        if large or _too_many(image.labels_shape):
            nothing = ChunkFolder(Path(), image.labels_shape, {})
            found = arrays_of(nothing)
            return cls(key, *found, next_id, None, 0, journal, chunks=nothing)
        return cls(key, *empty_maps(image), next_id, None, 0, journal)

    @property
    def last(self) -> int:
        """The last change that is known."""
        return max(self.sequence, self.journal.last)

    def told(self, notice: str | None) -> StoredAnnotation:
        """Return it with one more thing that a person must know."""
        both = " ".join(filter(None, [self.notice, notice]))
        return replace(self, notice=both or None)


def _too_many(shape: tuple[int, ...]) -> bool:
    """Whether labels are read chunk by chunk, whoever asks."""
    return prod(shape) > (_MOST_PIXELS if len(shape) == 2 else _MOST_OF_STACKS)


def arrays_of(chunks: ChunkFolder) -> tuple[LabelMap, ProvenanceMap]:
    """Return labels and provenance that are read chunk by chunk."""
    labels = ChunkedArray(chunks.shape, np.int32, chunks.labels)
    provenance = ChunkedArray(chunks.shape, np.uint8, chunks.provenance)
    # They are indexed as numpy's arrays are, and are no more than that.
    return cast("LabelMap", labels), cast("ProvenanceMap", provenance)


def empty_maps(image: ImageFields) -> tuple[LabelMap | ValueMap, ProvenanceMap]:
    """Return labels and provenance of an image on which nobody worked yet."""
    try:
        provenance = np.zeros(image.labels_shape, np.uint8)
        labels = task_of(image).labels.nothing(image.names, image.labels_shape)
        return labels, provenance
    except MemoryError as error:
        raise StorageError(
            f"The labels of {image.name} do not fit into memory; close other programs."
        ) from error


@dataclass(frozen=True, slots=True)
class Recovered:
    """Changes of a journal that were replayed on the last save, and when they ended.

    `torn`: a stroke under way was dropped. `missing` changes cannot be read.
    """

    changes: int = 0
    torn: bool = False
    missing: int = 0
    until: datetime | None = None

    def describe(self) -> str:
        """Return it in words; nothing where there is nothing to tell."""
        words = []
        if self.changes and self.until is not None:
            until = self.until.astimezone()
            words.append(
                f"Recovered after a crash: {count(self.changes, 'change')} after the "
                f"last save, up to {until:%d %B, %H:%M:%S}."
            )
        if self.torn:
            words.append("A stroke was under way when the program ended; it is lost.")
        if self.missing:
            words.append(
                f"{count(self.missing, 'change')} in the journal cannot be read; look "
                "at the labels, and bring the folder back from a backup if something "
                "is missing."
            )
        return " ".join(words)


NOTHING = Recovered()


def saved_annotation(schema: LabelSchema, stored: StoredAnnotation) -> Annotation:
    """Return the annotation as saved, without the journal; InputError for bad maps."""
    if stored.chunks is not None:
        known = stored.chunks
        facet, (objects, facts) = task_of(schema).labels, known.objects()
        saved = known if known.entries else None
        found = saved, objects, stored.next_id, facts
        large = facet.large(schema.names, known.shape, *found)
        large.origins = stored.origins
        return large
    restored = task_of(schema).labels.restored
    annotation = restored(stored.labels, stored.provenance, stored.next_id)
    annotation.origins = stored.origins
    return annotation


def recover(annotation: Annotation, stored: StoredAnnotation) -> Recovered:
    """Replay the journal on an annotation that holds what was saved.

    Strokes before the save can be undone, too.
    """
    journal = stored.journal
    after = journal.after(stored.sequence)
    for logged in journal.logged:
        if logged.sequence <= stored.sequence:
            annotation.recall(logged.change)
    for logged in after:
        annotation.repeat(logged.change)
    # What is torn or damaged before the end of the save is in the save.
    end = journal.last + journal.trailing
    torn = journal.torn and end >= stored.sequence
    missing = journal.missing(stored.sequence, end)
    return Recovered(len(after), torn, missing, after[-1].time if after else None)


def rebuild(
    schema: LabelSchema, stored: StoredAnnotation
) -> tuple[Annotation, Recovered]:
    """Return the annotation after the last change; StorageError if there is none."""
    try:
        annotation = saved_annotation(schema, stored)
        return annotation, recover(annotation, stored)
    except (InputError, ValueError, IndexError) as error:
        raise StorageError(f"The saved labels make no sense: {error}") from error
    except MemoryError as error:
        raise StorageError(
            f"The labels of {stored.key} do not fit into memory; close other programs."
        ) from error


def count(number: int, noun: str) -> str:
    """Return how many, in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
