"""Reads and writes the files of a project folder; `layout` says where they lie.

A save writes both maps under a new number, each atomically. Then the manifest is
replaced, which is the one moment at which the save counts: killed before, the save
before is still whole; killed after, the new one is. Then all but the last saves go.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from napari_unet.annotation.large import ChunkedSnapshot, NothingSaved
from napari_unet.annotation.objects import ObjectCounts
from napari_unet.annotation.provenance import AnnotationSnapshot, Provenance
from napari_unet.core.atomic import sync_folder, told_in_words, write_atomically
from napari_unet.errors import StorageError
from napari_unet.geometry.axes import result_axes
from napari_unet.project import layout
from napari_unet.project.chunks import ChunkFolder, all_chunks, remove_others
from napari_unet.project.layout import (
    CHUNKS,
    FINISHED,
    FOLDERS,
    HOME,
    JOURNAL,
    LABELS,
    LOCK,
    MANIFEST,
    MODELS,
    PREVIOUS,
    PROVENANCE,
    TRAINING,
)
from napari_unet.project.manifest import (
    FORMAT_VERSION,
    Done,
    Generation,
    ImageEntry,
    Manifest,
    ManifestFile,
    NewerFormatError,
    format_version,
    origin_fields,
    read_manifest_file,
)
from napari_unet.project.maps import Pair, read_maps, write_maps
from napari_unet.project.stored import Save, arrays_of

_ABANDONED_SECONDS = 3600


class NoRoomError(StorageError):
    """The work on an image does not fit into memory."""


class ProjectFolder:
    """Reads and writes the files of one project; a path that leads out is refused."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def journal(self) -> Path:
        """The folder of journals."""
        return self._inside(JOURNAL)

    @property
    def models(self) -> Path:
        """The folder of models."""
        return self._inside(MODELS)

    @property
    def training(self) -> Path:
        """The folder where a training keeps what it needs to go on."""
        return self._inside(TRAINING)

    @property
    def exists(self) -> bool:
        """Whether there is a project already."""
        return any(self._inside(name).is_file() for name in (MANIFEST, PREVIOUS)) or (
            self.journal.is_dir()
        )

    def read_manifest(self) -> tuple[Manifest, str | None]:
        """Return the manifest, and a notice if it had to be the copy.

        An empty or missing folder has an empty manifest. Raises a StorageError if there
        is a manifest and it cannot be used.
        """
        current = self._manifest_file(MANIFEST)
        if current.manifest is not None:
            return current.manifest, None
        if not current.present and not self._inside(PREVIOUS).exists():
            return Manifest(), None
        reason = current.problem or f"{MANIFEST} is missing."
        previous = self._manifest_file(PREVIOUS).manifest
        if previous is None:
            raise StorageError(
                f"{self.path} cannot be opened: {reason} Bring it back from a "
                "backup, or choose another folder."
            )
        return previous, f"{reason} The project was opened from {PREVIOUS}, its copy."

    def _manifest_file(self, name: str) -> ManifestFile:
        try:
            path = self._inside(name)
            return read_manifest_file(path, shown=str(path))
        except NewerFormatError:
            if name == MANIFEST:
                raise
            return ManifestFile(name, present=True)
        except StorageError as error:
            return ManifestFile(name, present=True, problem=str(error))

    def commit(self, manifest: Manifest) -> None:
        """Replace the manifest, the moment at which a save begins to count.

        Its copy comes second: killed between the two, there are two whole manifests,
        and no save was removed yet that either of them names.
        """
        self._keep_older_format()
        text = manifest.as_bytes()
        for name in (MANIFEST, PREVIOUS):
            write_atomically(self._inside(name), lambda file: file.write(text))

    def _keep_older_format(self) -> None:
        """Keep a copy of a manifest that an older version of the program wrote."""
        try:
            text = self._inside(MANIFEST).read_bytes()
        except OSError:
            return  # it is new, or cannot be read: then there is nothing to keep
        version = format_version(text)
        copy = self._inside(layout.older_manifest(version))
        if 0 < version < FORMAT_VERSION and not copy.exists():
            write_atomically(copy, lambda file: file.write(text))

    def read_save(self, entry: ImageEntry, generation: Generation) -> Save:
        """Return labels and provenance of one save after checking both.

        Raises a StorageError if one is missing, damaged, or not the one that was saved,
        and a NoRoomError if they do not fit into memory.
        """
        if (saved := self.chunks_of(entry, generation)) is not None:
            return Save(generation, *arrays_of(saved), chunks=saved)
        pair = self.pair(entry.key, generation.number)
        shapes = entry.values_shape, entry.labels_shape
        hashes = generation.labels_hash, generation.provenance_hash
        try:
            return Save(generation, *read_maps(pair, shapes, hashes))
        except MemoryError as error:
            raise NoRoomError(
                f"The labels of {entry.name} do not fit into memory; close other "
                "programs or images."
            ) from error

    def write_save(
        self,
        key: str,
        number: int,
        snapshot: AnnotationSnapshot | ChunkedSnapshot,
        axes: str,
        sequence: int,
        now: datetime,
    ) -> Generation:
        """Write both maps of a save; it counts once a committed manifest names it."""
        self.make()
        if isinstance(snapshot, ChunkedSnapshot):
            index = self._write_chunks(key, number, snapshot, result_axes(axes))
            hashes, done = (index, index), _done_of(snapshot.counts)
            origins = snapshot.origins
        else:
            pair = self.pair(key, number)
            hashes = write_maps(pair, snapshot, result_axes(axes))
            done, origins = _done(snapshot), snapshot.origins
        return Generation(
            number=number,
            saved_at=now,
            sequence=sequence,
            labels_hash=hashes[0],
            provenance_hash=hashes[1],
            done=done,
            origins=origin_fields(origins),
        )

    def _write_chunks(
        self, key: str, number: int, snapshot: ChunkedSnapshot, axes: str
    ) -> str:
        path, before = self.chunk_folder(key), snapshot.saved
        if isinstance(before, ChunkFolder) and before.path != path:
            snapshot, before = all_chunks(snapshot, before), NothingSaved()
        known = before.entries if isinstance(before, ChunkFolder) else {}
        return ChunkFolder(path, snapshot.shape, known).write(number, snapshot, axes)

    def chunk_folder(self, key: str) -> Path:
        """Return where the chunks of an image lie."""
        return _within(self._inside(CHUNKS), self.path / CHUNKS / key)

    def chunks_of(
        self, entry: ImageEntry, generation: Generation
    ) -> ChunkFolder | None:
        """Return the chunks of a save; None for one of an image that fits in memory."""
        path, number = self.chunk_folder(entry.key), generation.number
        if not (path / f"{number}.json").exists():
            return None
        expected = generation.labels_hash
        return ChunkFolder.open(path, entry.labels_shape, number, expected)

    def _remove_old_chunks(self, entry: ImageEntry) -> None:
        path, kept = self.chunk_folder(entry.key), list[tuple[int, ChunkFolder]]()
        if not path.is_dir():
            return
        with suppress(StorageError):  # what is damaged is not taken for old
            for each in entry.generations:
                if (found := self.chunks_of(entry, each)) is not None:
                    kept.append((each.number, found))
            remove_others(kept, path)

    def remove_old(self, entry: ImageEntry, now: datetime) -> None:
        """Remove the image's saves that no longer count, and what a crash left."""
        kept = {self.pair(entry.key, each.number)[0].name for each in entry.generations}
        abandoned = now.timestamp() - _ABANDONED_SECONDS
        self._remove_old_chunks(entry)
        # What cannot be removed now, perhaps open elsewhere, goes with a later save.
        with suppress(OSError):
            for kind in (LABELS, PROVENANCE):
                for path in self._inside(kind).glob(f"{entry.key}.*.tif"):
                    if path.name not in kept:
                        path.unlink()
            for path in self.path.glob("**/.*.tmp"):
                if path.stat().st_mtime < abandoned:
                    path.unlink()

    def remove(self, key: str, *, everything: bool) -> None:
        """Remove the files of an image that the manifest names no more, if possible."""
        with suppress(OSError):
            for kind in (LABELS, PROVENANCE, JOURNAL):
                for path in self._inside(kind).glob(f"{key}.*"):
                    path.unlink()
        if self.chunk_folder(key).is_dir():
            shutil.rmtree(self.chunk_folder(key), ignore_errors=True)
        if everything and self._is_bare():
            shutil.rmtree(self.path, ignore_errors=True)

    def _is_bare(self) -> bool:
        """Whether nothing is left but what a project without images has.

        A model, a training that can go on, a snapshot, or any file of somebody else:
        nothing of that was saved elsewhere.
        """
        ours = {MANIFEST, PREVIOUS, LOCK, HOME, FINISHED}
        with suppress(OSError):
            return all(
                path.name in ours
                or (
                    path.name in {*FOLDERS, CHUNKS}
                    and not path.is_symlink()
                    and path.is_dir()
                    and not any(path.iterdir())
                )
                for path in self.path.iterdir()
            )
        return False

    def keys(self) -> set[str]:
        """Return the keys of all maps that lie here, named by a manifest or not."""
        maps = (self._inside(kind).glob("*.tif") for kind in (LABELS, PROVENANCE))
        chunks = {path.name for path in self._inside(CHUNKS).glob("*")}
        return {path.name.split(".")[0] for each in maps for path in each} | chunks

    def make(self) -> None:
        """Make the folder, if it is not there; never those above it."""
        with told_in_words(self.path):
            if self.path.is_relative_to(layout.unfiled_folder()):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                # An unplugged drive would be missed, and its mount point written to.
                self.path.mkdir()
                sync_folder(self.path.parent)
            for kind in (LABELS, PROVENANCE, JOURNAL):
                self._inside(kind).mkdir(exist_ok=True)

    def pair(self, key: str, number: int) -> Pair:
        """Return where the labels and the provenance of a save lie."""
        labels, provenance = (
            _within(self._inside(kind), layout.map_path(self.path, kind, key, number))
            for kind in (LABELS, PROVENANCE)
        )
        return labels, provenance

    def _inside(self, name: str) -> Path:
        return _within(self.path, self.path / name)


def _done(snapshot: AnnotationSnapshot) -> Done | None:
    """Count what is done in a copy, where its annotation has counted most of it."""
    counts = snapshot.counts
    if counts is None:
        return None
    return Done(
        objects=counts.objects,
        verified_objects=counts.verified_objects,
        pixels=counts.pixels,
        verified_pixels=counts.verified_pixels,
        predicted=bool((snapshot.provenance == Provenance.PREDICTED).any()),
    )


def _done_of(counts: ObjectCounts) -> Done | None:
    return Done(
        objects=counts.objects,
        verified_objects=counts.verified_objects,
        pixels=counts.pixels,
        verified_pixels=counts.verified_pixels,
        # Who verifies a part of a large image has the rest predicted, or not yet.
        predicted=counts.objects > counts.verified_objects,
    )


def _within(folder: Path, path: Path) -> Path:
    """Return a path, unless it is a link that leads out of a folder."""
    try:
        lies_there = path.resolve().parent == folder.resolve()
    except RuntimeError:  # a link to itself; from Python 3.13 on it resolves to itself
        lies_there = False
    if not lies_there:
        raise StorageError(
            f"{path} is a link that leads out of the project; replace it by what "
            "it leads to."
        )
    return path
