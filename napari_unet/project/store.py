"""Saving annotations and finding them again; see `folder` for the files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from napari_unet.annotation.large import ChunkedSnapshot
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.ids import free_id, latest_free_id
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.project.folder import NoRoomError, ProjectFolder
from napari_unet.project.identity import ImageFields, ImageIdentity
from napari_unet.project.journal_reader import list_segments, read_header, read_journal
from napari_unet.project.manifest import Generation, ImageEntry, Manifest
from napari_unet.project.resolve import (
    Candidate,
    SameContent,
    free_key,
    place_of,
    resolve_entry,
)
from napari_unet.project.stored import StoredAnnotation

_NOW = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True)
class Found:
    """The key of an image in a project, and whether there is work (`known`).

    `twins` are the names of images with the same pixels and work of their own.
    """

    key: str
    known: bool = False
    twins: tuple[str, ...] = ()


class ProjectStore:
    """Saves and loads the annotations of one project folder.

    The folder is made at the first save. Nothing is read or written before a method is
    called. One thread at a time may use a store. Two windows may open the same folder:
    the one that comes second to save an image is refused instead of overwriting.
    """

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = _NOW) -> None:
        self.files = ProjectFolder(folder)
        self._now = now
        self._known: dict[str, tuple[Generation, ...]] = {}
        self._needed: dict[str, frozenset[int]] = {}

    @property
    def folder(self) -> Path:
        """Where the project lies."""
        return self.files.path

    def note(self, key: str, copy: ProjectStore) -> None:
        """Note which saves of an image a copy in another process has read."""
        self._known[key] = copy._known.get(key, ())
        self._needed[key] = copy._needed.get(key, frozenset())

    def note_saved(self, entry: ImageEntry) -> None:
        """Note what a copy in another process has saved."""
        self._known[entry.key] = (entry.newest,)

    def read(self) -> tuple[Manifest, str | None]:
        """Return the manifest, and a notice if it had to be the previous one."""
        return self.files.read_manifest()

    def look_up(
        self,
        image: ImageIdentity,
        taken: Collection[str] = (),
        same_content: SameContent | None = None,
    ) -> Found:
        """Return which work is the work on an image; see `resolve_entry`.

        `taken` are keys of other images in use: one entry belongs to one image. Without
        `same_content`, a file at the remembered place is taken for the same image.
        """
        all_work = self._all_work(self.files.read_manifest()[0])
        known: list[Candidate] = []
        for key, (work, since) in all_work.items():
            if key not in taken and work.holds(image):
                place = place_of(work, image, self.folder, since, same_content)
                known.append(Candidate(key, work.name, *place))
        found = resolve_entry(image, known)
        if found is not None:
            return Found(found.key, known=True)
        key = free_key(image, {*taken, *all_work, *self.files.keys()})
        return Found(key, twins=tuple(each.name for each in known))

    def load(self, key: str) -> StoredAnnotation | None:
        """Load the newest readable save; None if there never was one."""
        manifest, notice = self.files.read_manifest()
        entry = manifest.get(key)
        if entry is None:
            return None
        stored = self._load_newest(entry)
        self._known[key] = (entry.newest,)
        return self._looked_at(stored, notice, entry)

    def load_work(
        self,
        image: ImageIdentity,
        found: Found | None = None,
        *,
        large: bool = False,
    ) -> StoredAnnotation | None:
        """Load the work on an image, also if only the journal has it; else None.

        Of a `large` image labels are read chunk by chunk; a save says itself whether
        it is of one.
        """
        found = found or self.look_up(image)
        manifest, notice = self.files.read_manifest()
        if not found.known:
            return None
        if manifest.get(found.key) is not None:
            return self.load(found.key)
        fields = ImageFields.of(image, self.folder)
        journal = read_journal(self.files.journal, found.key, fields)
        if not (journal.logged or journal.torn or journal.damaged):
            return None
        stored = StoredAnnotation.of_nothing(found.key, fields, journal, large=large)
        return self._looked_at(stored, notice)

    def _looked_at(
        self,
        stored: StoredAnnotation,
        notice: str | None,
        entry: ImageEntry | None = None,
    ) -> StoredAnnotation:
        """Remember which saves are needed until the work was recovered; say so."""
        told = replace(stored, notice=notice).told(stored.notice)
        self._needed.pop(stored.key, None)
        if not _is_mixed(stored, entry):
            return told
        saves = entry.generations if entry else ()
        self._needed[stored.key] = frozenset(each.number for each in saves)
        return told.told(
            "Two windows have written under one name, and some of the work may be in "
            "older saves only, which are kept: close the image and run napari-unet "
            f'project recover "{self.folder}" to bring all of it back.'
        )

    def _all_work(self, manifest: Manifest) -> dict[str, tuple[ImageFields, float]]:
        """Return images and times of all work; what was never saved comes last."""
        work: dict[str, tuple[ImageFields, float]] = {
            entry.key: (entry, entry.newest.saved_at.timestamp())
            for entry in manifest.images
        }
        for segment in list_segments(self.files.journal):
            if manifest.get(segment.key) is None:
                with suppress(StorageError, OSError):
                    image = read_header(segment.path).image
                    work[segment.key] = image, segment.path.stat().st_mtime
        return work

    def _load_newest(self, entry: ImageEntry) -> StoredAnnotation:
        journal = read_journal(self.files.journal, entry.key, entry)
        problems: list[str] = []
        for generation in entry.generations:
            try:
                save = self.files.read_save(entry, generation)
            except NoRoomError:
                raise
            except StorageError as error:
                problems.append(str(error))
                continue
            own = 1 if save.chunks else _free_id(save.labels)
            next_id = latest_free_id(entry.next_id, own)
            stored = StoredAnnotation.of_save(entry.key, save, journal, next_id)
            if problems:
                return stored.told(_older_loaded(entry, generation, problems[0]))
            return stored
        if journal.tells_all(entry.newest.sequence):
            return StoredAnnotation.of_nothing(entry.key, entry, journal).told(
                f"No save of {entry.name} can be read: {problems[0]} "
                "Its journal tells everything, and was used instead."
            )
        raise StorageError(
            f"No save of {entry.name} in {self.folder} can be read: {problems[0]} "
            "Bring the folder back from a backup, or choose another one."
        )

    def save(
        self,
        image: ImageIdentity,
        snapshot: AnnotationSnapshot | ChunkedSnapshot,
        *,
        key: str | None = None,
        sequence: int = 1,
    ) -> ImageEntry:
        """Save an annotation; return all saves of the image that are kept.

        `sequence` is the last change of the journal that it holds; 0 only if it is
        empty, 1 for work that came from elsewhere. Raises a StorageError if it cannot
        be written, or if the folder holds a save that was not loaded here; older saves
        are unharmed.
        """
        shape, used = _shape_and_free_id(snapshot)
        if shape != image.values_shape:
            raise InputError(
                f"Expected labels of shape {image.values_shape} for {image.name}, "
                f"found {shape}."
            )
        key = key or self.look_up(image).key
        manifest, _ = self.files.read_manifest()
        entry = manifest.get(key)
        if entry and entry.newest not in self._known.get(key, ()):
            raise StorageError(
                f"{self.folder} holds a save of {entry.name} that was not loaded "
                "here, perhaps by another window; close that one and open the image "
                "again, or choose another folder."
            )
        number = entry.newest.number + 1 if entry else 1
        generation = self.files.write_save(
            key, number, snapshot, image.axes, sequence, self._now()
        )
        next_id = latest_free_id(snapshot.next_id, used)
        fields = ImageFields.of(image, self.folder)
        manifest, entry = manifest.with_save(
            key, fields, generation, next_id, self._needed.get(key, frozenset())
        )
        # Until the commit has succeeded, either save may turn out to be on the disk.
        self._known[key] = (*self._known.get(key, ()), generation)
        self.files.commit(manifest)
        self._known[key] = (generation,)
        self.files.remove_old(entry, self._now())
        return entry

    def update(self, change: Callable[[Manifest], Manifest]) -> Manifest:
        """Change what the manifest says besides images; return it as it is then."""
        self.files.make()
        manifest = change(self.files.read_manifest()[0])
        self.files.commit(manifest)
        return manifest

    def forget(self, key: str) -> None:
        """Remove all work on an image, and the project with its last one."""
        manifest = self.files.read_manifest()[0]
        images = tuple(entry for entry in manifest.images if entry.key != key)
        self.files.commit(manifest.model_copy(update={"images": images}))
        self._known.pop(key, None)
        self.files.remove(key, everything=not images)


def _is_mixed(stored: StoredAnnotation, entry: ImageEntry | None) -> bool:
    """Whether two windows wrote under one name, so that changes do not count up.

    The first release allowed it. Work can go on; older saves are kept for `recover`.
    """
    saves = entry.generations if entry else ()
    falls = any(new.sequence < old.sequence for new, old in pairwise(saves))
    return falls or not stored.journal.ordered


def _older_loaded(entry: ImageEntry, loaded: Generation, problem: str) -> str:
    """Say that the newest save cannot be read, and which one was loaded."""
    newest, older = (
        f"{each.saved_at.astimezone():%Y-%m-%d %H:%M:%S}"
        for each in (entry.newest, loaded)
    )
    return (
        f"The newest save of {entry.name} ({newest}) cannot be read: {problem} "
        f"The one of {older} was loaded instead."
    )


def _shape_and_free_id(
    snapshot: AnnotationSnapshot | ChunkedSnapshot,
) -> tuple[tuple[int, ...], int]:
    if isinstance(snapshot, ChunkedSnapshot):
        return snapshot.shape, 1
    return snapshot.labels.shape, _free_id(snapshot.labels)


def _free_id(labels: LabelMap | ValueMap) -> int:
    """Return an id that labels do not hold; values are no ids."""
    return free_id(labels) if np.issubdtype(labels.dtype, np.integer) else 1
