"""Saves of an image as they are read when a project is checked or mended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.errors import StorageError
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.project.fields import ImageFields
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.manifest import Generation, ImageEntry
from napari_unet.project.rescue.rebuild import empty_maps
from napari_unet.project.segments import JournalRead
from napari_unet.project.store import StoredAnnotation


@dataclass(frozen=True, slots=True, eq=False)
class Save:
    """One save as it was read."""

    generation: Generation
    labels: LabelMap | ValueMap
    provenance: ProvenanceMap


def read_save(folder: Path, entry: ImageEntry, generation: Generation) -> Save:
    """Read the maps of a save and compare them with their hashes.

    Raises
    ------
    StorageError
        If they cannot be used.
    """
    try:
        return Save(generation, *ProjectFolder(folder).read_maps(entry, generation))
    except MemoryError as error:
        raise StorageError(
            f"Save {generation.number} of {entry.name} does not fit into memory."
        ) from error


def stored(
    key: str, save: Save, journal: JournalRead, next_id: int
) -> StoredAnnotation:
    """Return a save and a journal to be brought back, in the arrays of the save."""
    maps, generation = (save.labels, save.provenance), save.generation
    return StoredAnnotation(
        key, *maps, next_id, generation.saved_at, generation.sequence, journal, None
    )


def save_of_nothing(image: ImageFields, like: Save) -> Save:
    """Return what there was before the first change, as if it had been saved.

    Raises
    ------
    StorageError
        If it does not fit into memory.
    """
    generation = like.generation.model_copy(update={"sequence": 0})
    return Save(generation, *empty_maps(image))
