"""A model that comes as one file, such as a package of BioImage.IO.

It gets a folder of its own in the user's data folder and is loaded from there, as every
model that a person opens. The same file leads to the same folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from napari_unet import exchange, models, weights
from napari_unet.core.atomic import told_in_words
from napari_unet.core.jobs import Job
from napari_unet.errors import ModelError
from napari_unet.models.library import ModelLibrary
from napari_unet.models.record import ModelRecord, new_record, uuid_of
from napari_unet.session.models.loading import Loaded, load_listed


@dataclass(frozen=True, slots=True)
class ImportModel(Job[None, Loaded]):
    """Make a model folder of a file, and load that; see `exchange.import_file`."""

    # A network of others may compute for long, and take much memory.
    apart: ClassVar[bool] = True

    file: Path
    library: ModelLibrary

    def run(self) -> Generator[None, None, Loaded]:
        """Make the folder, unless this file has one already."""
        yield
        file, library = self.file, self.library
        imported = exchange.import_file(file, file.stem[:100])
        yield
        record = imported.record or _record_of(file)
        there = [each.path for each in library.read() if _is(record, each.path)]
        if there:
            return load_listed(there[0], library)
        folder = library.room_for(file.stem[:100])
        with told_in_words(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
        weights.save_model(
            imported.model, folder, record=record, training=imported.training
        )
        told = (*imported.notes, f"It lies in {folder}.")
        return load_listed(folder, library, *told)


def _record_of(file: Path) -> ModelRecord:
    """Return a record of a model that has none: the same for the same file."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return new_record().model_copy(update={"uuid": uuid_of("file", digest)})


def _is(record: ModelRecord, folder: Path) -> bool:
    try:
        return models.read_record(folder).uuid == record.uuid
    except (ModelError, OSError):
        return False
