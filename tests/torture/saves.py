"""What every kept save of an image, with the journal, brings back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.history import StepKind
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import StoredAnnotation, recover
from napari_unet.session.images.opening import _annotation
from tests.project.entries import entry_of


def iter_recovered(
    folder: Path, image: ImageIdentity
) -> Iterator[tuple[str, Annotation]]:
    """Yield a name and the annotation for every way to bring work back; only reads.

    The ways are every save that is kept, and, where the journal tells everything, the
    journal alone.
    """
    store = ProjectStore(folder)
    stored = store.load_work(image)
    if stored is None:
        return
    entry = entry_of(store, image)
    for generation in entry.generations if entry else ():
        save = store.files.read_save(entry, generation)
        older = replace(
            stored,
            labels=save.labels,
            provenance=save.provenance,
            sequence=generation.sequence,
        )
        yield f"save {generation.number}", _brought_back(image, older)
    newest = entry.newest.sequence if entry else 0
    if stored.journal.tells_all(newest):
        yield "the journal alone", _brought_back(image, _nothing(image, stored))


def strokes_told(folder: Path, image: ImageIdentity) -> set[int]:
    """Return the numbers of the steps that a journal tells of."""
    stored = ProjectStore(folder).load_work(image)
    logged = stored.journal.logged if stored else ()
    return {
        each.change.stroke for each in logged if each.change.kind in get_args(StepKind)
    }


def _brought_back(image: ImageIdentity, stored: StoredAnnotation) -> Annotation:
    annotation = _annotation(image, stored, large=False)
    found = recover(annotation, stored)
    if found.missing:
        raise StorageError(f"{found.missing} changes are missing")
    return annotation


def _nothing(image: ImageIdentity, stored: StoredAnnotation) -> StoredAnnotation:
    labels = np.zeros(image.values_shape, np.int32)
    if image.schema.task == "regression":
        labels = np.full(image.values_shape, np.nan, np.float32)
    provenance = np.zeros(image.labels_shape, np.uint8)
    return replace(stored, labels=labels, provenance=provenance, sequence=0)
