"""Copying the work on files from beside them into a project, one after the other."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.jobs import Job, drain
from napari_unet.errors import NapariUnetError, StorageError
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.manifest import Manifest
from napari_unet.project.model_store import copy_models
from napari_unet.project.project import Project
from napari_unet.session.export_work import SavedEntry, SavedWork, iter_saved
from napari_unet.session.status import Problem
from napari_unet.session.worklist.entry import NO_WORK, Work
from napari_unet.tasks import goes_with


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file of the list, and where its work may be: the first place that has any."""

    source: object
    path: Path
    homes: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """What a project has of an image now, or the problem with its work."""

    source: object
    work: Work = NO_WORK
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class BringAlong(Job[Brought, int]):
    """Copy the work on files into a project that is claimed; return how many had any.

    Work of all tasks comes; what is told is that of the schema. `taken` are keys of
    images that are on their way by themselves.
    """

    project: Project
    parcels: tuple[Parcel, ...]
    schema: LabelSchema
    taken: frozenset[str] = frozenset()

    def run(self) -> Generator[Brought, None, int]:
        """Copy one after the other; what is wrong with one stops no other."""
        number = 0
        for parcel in self.parcels:
            brought = Brought(parcel.source)
            try:
                for entry in self._works(parcel):
                    number += 1
                    work = self._bring(entry, parcel.path)
                    if goes_with(entry.image.identity.schema, self.schema):
                        brought = replace(brought, work=work)
            except (NapariUnetError, OSError) as error:
                why = Problem.of(error).text
                brought = replace(brought, problem=f"Its labels stay beside it: {why}")
            yield brought
        return number

    def _works(self, parcel: Parcel) -> tuple[SavedEntry, ...]:
        for home in parcel.homes:
            found = drain(iter_saved((SavedWork(home, parcel.path),), None))
            if found:
                self._bring_models(home)
                return found
        return ()

    def _bring(self, entry: SavedEntry, path: Path) -> Work:
        annotation = entry.annotation()
        store = self.project.store
        identity = replace(entry.image.identity, path=path)
        found = store.look_up(identity, self.taken)
        if found.known:
            raise StorageError(f"{self.project.name} has other labels of it already.")
        saved = store.save(identity, annotation.snapshot(), key=found.key)
        self._bring_settings(entry, found.key)
        return Work.of_save(saved.newest.done)

    def _bring_settings(self, entry: SavedEntry, key: str) -> None:
        """Let the image be read, and its objects be as large, as it was said."""
        said = entry.found.manifest.settings
        size = said.diameters.get(entry.key)
        reading = said.readings.get(entry.image.content_hash)
        if size is None and reading is None:
            return

        def with_settings(manifest: Manifest) -> Manifest:
            sizes, readings = manifest.settings.diameters, manifest.settings.readings
            if size is not None:
                sizes = {**sizes, key: size}
            if reading is not None:
                readings = {**readings, entry.image.content_hash: reading}
            return manifest.with_settings(diameters=sizes, readings=readings)

        self.project.store.update(with_settings)

    def _bring_models(self, home: Path) -> None:
        old, new = ProjectFolder(home), self.project.store.files
        # What cannot be copied stays where it is: nobody removes it there.
        with suppress(StorageError, OSError):
            named, there = (each.read_manifest()[0].models for each in (old, new))
            copy_models(old.models, new.models, named, there)
