"""Saving annotations and finding them again; see `folder` for the files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.ids import free_id, latest_free_id
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.project.fields import ImageFields
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.manifest import Generation, ImageEntry, Manifest
from napari_unet.project.notices import is_mixed, older_loaded, warned
from napari_unet.project.resolve import (
    Candidate,
    SameContent,
    free_key,
    place_of,
    resolve_entry,
)
from napari_unet.project.segments import (
    JournalRead,
    list_segments,
    read_header,
    read_journal,
)
from napari_unet.tasks import task_of

_NOW = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True, eq=False)
class StoredAnnotation:
    """An annotation as it was read back: a save, and what happened since.

    Parameters
    ----------
    key : str
        The image's name in the project.
    labels, provenance : ndarray
        Fresh arrays: ids or classes as int32, or values as float32 with the variables
        as first axis; and uint8.
    next_id : int
        The smallest id that was never used, in any save.
    saved_at : datetime or None
        When it was saved; None if it never was.
    sequence : int
        The last change of the journal that the arrays hold.
    journal : JournalRead
        Changes before and after that; see `napari_unet.project.recovery`.
    notice : str or None
        What a person must know: that something newer was damaged.
    """

    key: str
    labels: LabelMap | ValueMap
    provenance: ProvenanceMap
    next_id: int
    saved_at: datetime | None
    sequence: int
    journal: JournalRead
    notice: str | None

    @property
    def last(self) -> int:
        """The last change that is known."""
        return max(self.sequence, self.journal.last)


@dataclass(frozen=True, slots=True)
class Found:
    """Where the work on an image is in a project, or will be.

    Parameters
    ----------
    key : str
        Its name in the project.
    known : bool
        Whether there is work.
    twins : tuple of str
        Names of images with the same pixels that have work of their own, if this one
        has none.
    """

    key: str
    known: bool = False
    twins: tuple[str, ...] = ()


class ProjectStore:
    """Saves and loads the annotations of one project folder.

    Parameters
    ----------
    folder : Path
        Made at the first save. Nothing is read or written before a method is called,
        and only `save` writes.
    now : callable
        Returns the time, with a time zone.

    Notes
    -----
    One thread at a time may use a store. Two windows may open the same folder: the
    one that comes second to save an image is refused instead of overwriting.
    """

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = _NOW) -> None:
        self._files = ProjectFolder(folder)
        self._now = now
        self._known: dict[str, tuple[Generation, ...]] = {}
        self._needed: dict[str, frozenset[int]] = {}

    @property
    def folder(self) -> Path:
        """Where the project lies."""
        return self._files.path

    @property
    def files(self) -> ProjectFolder:
        """Its files."""
        return self._files

    def read(self) -> tuple[Manifest, str | None]:
        """Return the manifest, and a notice if it had to be the previous one."""
        return self._files.read_manifest()

    @property
    def entries(self) -> tuple[ImageEntry, ...]:
        """The images of the project."""
        return self._files.read_manifest()[0].images

    def find(self, image: ImageIdentity) -> ImageEntry | None:
        """Return the saved work on an image, None if there is none."""
        return self._files.read_manifest()[0].get(self.look_up(image).key)

    def look_up(
        self,
        image: ImageIdentity,
        taken: Collection[str] = (),
        same_content: SameContent | None = None,
    ) -> Found:
        """Return which work is the work on an image; see `resolve_entry`.

        Parameters
        ----------
        image : ImageIdentity
            The image.
        taken : collection of str
            Keys of other images that somebody works on: one entry belongs to one image.
        same_content : callable
            Says whether a file is still the image that is remembered; believed where
            it is missing.
        """
        manifest = self._files.read_manifest()[0]
        unsaved = self._unsaved(manifest)
        known: list[Candidate] = []
        for key, work, since in _all_work(manifest, unsaved):
            if key not in taken and work.holds(image):
                place = place_of(work, image, self.folder, since, same_content)
                known.append(Candidate(key, work.name, *place))
        found = resolve_entry(image, known)
        if found is not None:
            return Found(found.key, known=True)
        others = {entry.key for entry in manifest.images} | unsaved.keys()
        key = free_key(image, {*taken, *others, *self._files.keys()})
        return Found(key, twins=tuple(each.name for each in known))

    def load(self, key: str) -> StoredAnnotation | None:
        """Load the newest readable save of an image; None if there never was one.

        Raises
        ------
        StorageError
            If there are saves and none can be read.
        """
        manifest, notice = self._files.read_manifest()
        entry = manifest.get(key)
        if entry is None:
            return None
        stored = self._load_newest(entry, notice)
        self._known[key] = (entry.newest,)
        return self._looked_at(stored, entry)

    def load_work(
        self, image: ImageIdentity, found: Found | None = None
    ) -> StoredAnnotation | None:
        """Load all work on an image, also what was never saved; None if there is none.

        Parameters
        ----------
        image : ImageIdentity
            The image.
        found : Found, optional
            Which work it is; it is looked for where that is missing.

        Raises
        ------
        StorageError
            If there is work and it cannot be read.
        """
        found = found or self.look_up(image)
        manifest, notice = self._files.read_manifest()
        if not found.known:
            return None
        if manifest.get(found.key) is not None:
            return self.load(found.key)
        journal = self._read_journal(found.key, image)
        if not (journal.logged or journal.torn or journal.damaged):
            return None
        return self._looked_at(_from_the_start(found.key, image, journal, notice))

    def _looked_at(
        self, stored: StoredAnnotation, entry: ImageEntry | None = None
    ) -> StoredAnnotation:
        """Remember which saves are needed until the work was recovered; say so."""
        self._needed.pop(stored.key, None)
        if not is_mixed(stored, entry):
            return stored
        saves = entry.generations if entry else ()
        self._needed[stored.key] = frozenset(each.number for each in saves)
        return warned(stored, self.folder)

    def _unsaved(self, manifest: Manifest) -> dict[str, tuple[ImageFields, float]]:
        """Return images that were never saved, by key, and when they were changed."""
        heads: dict[str, tuple[ImageFields, float]] = {}
        for segment in list_segments(self._files.journal):
            if manifest.get(segment.key) is None:
                with suppress(StorageError, OSError):
                    image = read_header(segment.path).image
                    heads[segment.key] = image, segment.path.stat().st_mtime
        return heads

    def _load_newest(self, entry: ImageEntry, notice: str | None) -> StoredAnnotation:
        problems: list[str] = []
        for generation in entry.generations:
            try:
                labels, provenance = self._files.read_maps(entry, generation)
            except StorageError as error:
                problems.append(str(error))
                continue
            except MemoryError as error:
                raise StorageError(
                    f"The labels of {entry.name} do not fit into memory; close other "
                    "programs or images."
                ) from error
            if problems:
                told = older_loaded(entry, generation, problems[0])
                notice = f"{notice} {told}" if notice else told
            return StoredAnnotation(
                entry.key,
                labels,
                provenance,
                latest_free_id(entry.next_id, _free_id(labels)),
                generation.saved_at,
                generation.sequence,
                self._read_journal(entry.key, entry.identity),
                notice,
            )
        journal = self._read_journal(entry.key, entry.identity)
        if journal.tells_all(entry.newest.sequence):
            told = f"No save of {entry.name} can be read: {problems[0]} "
            told += "Its journal tells everything, and was used instead."
            notice = f"{notice} {told}" if notice else told
            return _from_the_start(entry.key, entry.identity, journal, notice)
        raise StorageError(
            f"No save of {entry.name} in {self.folder} can be read: {problems[0]} "
            "Bring the folder back from a backup, or choose another one."
        )

    def _read_journal(self, key: str, image: ImageIdentity) -> JournalRead:
        variables = task_of(image.schema).labels.variables(image.schema.names)
        return read_journal(self._files.journal, key, image.labels_shape, variables)

    def save(
        self,
        image: ImageIdentity,
        snapshot: AnnotationSnapshot,
        *,
        key: str | None = None,
        sequence: int = 1,
    ) -> ImageEntry:
        """Save an annotation; labels and provenance always belong together.

        Parameters
        ----------
        image : ImageIdentity
            Whose annotation it is.
        snapshot : AnnotationSnapshot
            The annotation.
        key : str, optional
            The image's name in the project, where it is known.
        sequence : int
            The last change of the journal that it holds. 0 is only for what is empty;
            work that came from elsewhere is the first change.

        Returns
        -------
        ImageEntry
            All saves of the image that are kept.

        Raises
        ------
        StorageError
            If it cannot be written, or if the folder holds a save of this image that
            was not loaded here. What was saved before is unharmed.
        """
        if snapshot.labels.shape != image.values_shape:
            raise InputError(
                f"Expected labels of shape {image.values_shape} for {image.name}, "
                f"found {snapshot.labels.shape}."
            )
        key = key or self.look_up(image).key
        manifest, _ = self._files.read_manifest()
        entry = manifest.get(key)
        self._refuse_unknown(entry)
        number = entry.newest.number + 1 if entry else 1
        hashes = self._files.write_maps(key, number, snapshot, result_axes(image.axes))
        generation = Generation(
            number=number,
            saved_at=self._now(),
            sequence=sequence,
            labels_hash=hashes[0],
            provenance_hash=hashes[1],
        )
        next_id = latest_free_id(snapshot.next_id, _free_id(snapshot.labels))
        fields = ImageFields.of(image, self.folder)
        manifest, entry = manifest.with_save(
            key, fields, generation, next_id, self._needed.get(key, frozenset())
        )
        # Until the commit has succeeded, either save may turn out to be on the disk.
        self._known[key] = (*self._known.get(key, ()), generation)
        self._files.commit(manifest)
        self._known[key] = (generation,)
        self._files.remove_old(entry, self._now())
        return entry

    def update(self, change: Callable[[Manifest], Manifest]) -> Manifest:
        """Change what the manifest says besides images; return it as it is then.

        Raises
        ------
        StorageError
            If it cannot be written; then nothing has changed.
        """
        self._files.make()
        manifest = change(self._files.read_manifest()[0])
        self._files.commit(manifest)
        return manifest

    def forget(self, key: str) -> None:
        """Remove all work on an image, and the project with its last one."""
        manifest = self._files.read_manifest()[0]
        images = tuple(entry for entry in manifest.images if entry.key != key)
        self._files.commit(manifest.model_copy(update={"images": images}))
        self._known.pop(key, None)
        self._files.remove(key, everything=not images)

    def _refuse_unknown(self, entry: ImageEntry | None) -> None:
        if entry and entry.newest not in self._known.get(entry.key, ()):
            raise StorageError(
                f"{self.folder} holds a save of {entry.name} that was not loaded "
                "here, perhaps by another window; close that one and open the image "
                "again, or choose another folder."
            )


def _all_work(
    manifest: Manifest, unsaved: dict[str, tuple[ImageFields, float]]
) -> Iterator[tuple[str, ImageFields, float]]:
    """Yield keys, images and times of all work; what was never saved comes last."""
    for entry in manifest.images:
        yield entry.key, entry, entry.newest.saved_at.timestamp()
    for key, (image, changed) in unsaved.items():
        yield key, image, changed


def _from_the_start(
    key: str, image: ImageIdentity, journal: JournalRead, notice: str | None
) -> StoredAnnotation:
    """Return what there was before the first change, and all changes."""
    meaning = task_of(image.schema).labels
    labels = meaning.nothing(image.schema.names, image.labels_shape)
    provenance = np.zeros(image.labels_shape, np.uint8)
    return StoredAnnotation(key, labels, provenance, 1, None, 0, journal, notice)


def _free_id(labels: LabelMap | ValueMap) -> int:
    """Return an id that labels do not hold; values are no ids."""
    return free_id(labels) if np.issubdtype(labels.dtype, np.integer) else 1
