"""The project folder `NAME.unet` on disk: its files, and the order of writing them.

::

    cells.unet/
        project.json                     the manifest: names the saves that count
        project.previous.json            its copy, if the first is damaged
        project.v2.json                  a manifest of an older version, as it was
        labels/cells-1f2e3d.7.tif        int32 (regressed values: float32), save
                                         number 7 of one image
        provenance/cells-1f2e3d.7.tif    uint8, its other half
        journal/cells-1f2e3d.000001.jsonl    every change since, line by line
        models/3-round-1/                a version of the model
        training/                        where a training can go on after a crash
        lock.json                        who works here now

A save writes both maps under a new number, each atomically. Then the manifest is
replaced, which is the one moment at which the save counts: killed before, the save
before is still whole; killed after, the new one is. Then all but the last saves go.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

import numpy as np
import platformdirs

from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.core.atomic import storage_error, sync_folder, write_atomically
from napari_unet.errors import StorageError
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.project.manifest import (
    FORMAT_VERSION,
    Generation,
    ImageEntry,
    Manifest,
    NewerFormatError,
    format_version,
    parse_manifest,
)
from napari_unet.project.maps import read_map, write_map
from napari_unet.tasks import task_of

SUFFIX = ".unet"

_MANIFEST = "project.json"
_PREVIOUS = "project.previous.json"
_LABELS = "labels"
_PROVENANCE = "provenance"
_JOURNAL = "journal"
_MODELS = "models"
_TRAINING = "training"
_ABANDONED_SECONDS = 3600
_LONGEST_NAME = 255
_OF_NO_USE = ("lock.json", "home.json")


def default_folder(image_path: Path | None, name: str) -> Path:
    """Return where an image's project lies unless the person says otherwise.

    Beside the image; for images that are no files, in the user's data folder.
    """
    if image_path is not None:
        plain = image_path.with_name(image_path.stem + SUFFIX)
        # Where file systems count letters there may be work under the whole name.
        if os.path.exists(plain):  # noqa: PTH110 - a Path raises if it is too long
            return plain
        return image_path.with_name(_short(image_path.stem) + SUFFIX)
    safe = "".join(c if c.isalnum() or c in " -_" else "-" for c in name).strip(" -")
    return _unfiled_folder() / f"{safe[:60] or 'image'}{SUFFIX}"


def _short(stem: str) -> str:
    """Return the name of an image such that the one of its project is not too long.

    File systems count bytes. What is cut off is told apart by a hash.
    """
    content = os.fsencode(stem)
    if len(content) + len(SUFFIX) <= _LONGEST_NAME:
        return stem
    digest = blake2b(content, digest_size=6).hexdigest()
    begin = first_bytes(stem, _LONGEST_NAME - len(SUFFIX) - len(digest) - 1).rstrip()
    return f"{begin}-{digest}"


def first_bytes(name: str, most: int) -> str:
    """Return the beginning of a name, without half a letter at its end."""
    return os.fsencode(name)[:most].decode("utf-8", "ignore")


def _unfiled_folder() -> Path:
    return platformdirs.user_data_path("napari-unet", appauthor=False) / "projects"


def kept_root() -> Path:
    """Return the folder for work that could not be saved where it belongs."""
    return _unfiled_folder() / "kept"


class ProjectFolder:
    """Reads and writes the files of one project; every path stays inside it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def journal(self) -> Path:
        """The folder of journals."""
        return self._inside(_JOURNAL)

    @property
    def models(self) -> Path:
        """The folder of models."""
        return self._inside(_MODELS)

    @property
    def training(self) -> Path:
        """The folder where a training keeps what it needs to go on."""
        return self._inside(_TRAINING)

    @property
    def exists(self) -> bool:
        """Whether there is a project already."""
        return any(self._inside(name).is_file() for name in (_MANIFEST, _PREVIOUS)) or (
            self.journal.is_dir()
        )

    def read_manifest(self) -> tuple[Manifest, str | None]:
        """Return the manifest, and a notice if it had to be the copy.

        An empty or missing folder has an empty manifest.

        Raises
        ------
        StorageError
            If there is a manifest and it cannot be used.
        """
        try:
            return self._parse(_MANIFEST), None
        except NewerFormatError:
            raise
        except FileNotFoundError:
            if not self._inside(_PREVIOUS).exists():
                return Manifest(), None
            reason = f"{_MANIFEST} is missing."
        except StorageError as error:
            reason = str(error)
        try:
            manifest = self._parse(_PREVIOUS)
        except (StorageError, FileNotFoundError) as error:
            raise StorageError(
                f"{self.path} cannot be opened: {reason} Bring it back from a "
                "backup, or choose another folder."
            ) from error
        return manifest, f"{reason} The project was opened from {_PREVIOUS}, its copy."

    def _parse(self, name: str) -> Manifest:
        path = self._inside(name)
        try:
            return parse_manifest(path.read_bytes())
        except (StorageError, FileNotFoundError):
            raise
        except NotADirectoryError as error:
            # A file is in the place of the project: there is no work to be read.
            raise FileNotFoundError(path) from error
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error

    def commit(self, manifest: Manifest) -> None:
        """Replace the manifest, the moment at which a save begins to count.

        Its copy comes second: killed between the two, there are two whole manifests,
        and no save was removed yet that either of them names.
        """
        self._keep_older_format()
        for name in (_MANIFEST, _PREVIOUS):
            _write_text(self._inside(name), manifest)

    def _keep_older_format(self) -> None:
        """Keep a copy of a manifest that an older version of the program wrote."""
        try:
            text = self._inside(_MANIFEST).read_bytes()
        except OSError:
            return  # it is new, or cannot be read: then there is nothing to keep
        version = format_version(text)
        copy = self._inside(f"project.v{version}.json")
        if 0 < version < FORMAT_VERSION and not copy.exists():
            write_atomically(copy, lambda file: file.write(text))

    def read_maps(
        self, entry: ImageEntry, generation: Generation
    ) -> tuple[LabelMap | ValueMap, ProvenanceMap]:
        """Return labels and provenance of one save after checking both.

        Raises
        ------
        StorageError
            If one is missing, damaged, or not the one that was saved.
        """
        labels_path, provenance_path = self._pair(entry.key, generation.number)
        shape = entry.labels_shape
        provenance = read_map(
            provenance_path, shape, np.uint8, generation.provenance_hash
        )
        labels = _read_labels(labels_path, entry, generation)
        if provenance.max() > max(Provenance):
            raise StorageError(
                f"{provenance_path.name} holds values that do not exist."
            )
        return labels, provenance

    def write_maps(
        self, key: str, number: int, snapshot: AnnotationSnapshot, axes: str
    ) -> tuple[str, str]:
        """Write labels and provenance of one save; return their content hashes.

        Raises
        ------
        StorageError
            If one could not be written; then neither of them is there.
        """
        self.make()
        paths = self._pair(key, number)
        try:
            return (
                write_map(paths[0], snapshot.labels, _axes_of(snapshot, axes)),
                write_map(paths[1], snapshot.provenance, axes),
            )
        except StorageError:
            # A full disk stays full if its leftovers stay.
            for path in paths:
                with suppress(OSError):
                    path.unlink()
            raise

    def remove_old(self, entry: ImageEntry, now: datetime) -> None:
        """Remove the image's saves that no longer count, and what a crash left."""
        kept = {f"{entry.key}.{each.number}.tif" for each in entry.generations}
        abandoned = now.timestamp() - _ABANDONED_SECONDS
        # What cannot be removed now, perhaps open elsewhere, goes with a later save.
        with suppress(OSError):
            for kind in (_LABELS, _PROVENANCE):
                for path in self._inside(kind).glob(f"{entry.key}.*.tif"):
                    if path.name not in kept:
                        path.unlink()
            for path in self.path.glob("**/.*.tmp"):
                if path.stat().st_mtime < abandoned:
                    path.unlink()

    def remove(self, key: str, *, everything: bool) -> None:
        """Remove the files of an image that the manifest names no more.

        What cannot be removed stays: nobody asks for it.
        """
        with suppress(OSError):
            for kind in (_LABELS, _PROVENANCE, _JOURNAL):
                for path in self._inside(kind).glob(f"{key}.*"):
                    path.unlink()
        if everything and self._is_bare():
            shutil.rmtree(self.path, ignore_errors=True)

    def _is_bare(self) -> bool:
        """Whether nothing is left but what a project without images has.

        A model, a training that can go on, a snapshot, or any file of somebody else:
        nothing of that was saved elsewhere.
        """
        ours = {_MANIFEST, _PREVIOUS, *_OF_NO_USE}
        folders = {_LABELS, _PROVENANCE, _JOURNAL, _MODELS, _TRAINING}
        with suppress(OSError):
            return all(
                path.name in ours
                or (
                    path.name in folders
                    and not path.is_symlink()
                    and path.is_dir()
                    and not any(path.iterdir())
                )
                for path in self.path.iterdir()
            )
        return False

    def keys(self) -> set[str]:
        """Return the keys of all maps that lie here, named by a manifest or not."""
        maps = (self._inside(kind).glob("*.tif") for kind in (_LABELS, _PROVENANCE))
        return {path.name.split(".")[0] for each in maps for path in each}

    def make(self) -> None:
        """Make the folder, if it is not there.

        Raises
        ------
        StorageError
            If that cannot be done, or the folder above it is gone.
        """
        try:
            if self.path.is_relative_to(_unfiled_folder()):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                # Never those above: an unplugged drive would be missed, and its
                # mount point written to.
                self.path.mkdir()
                sync_folder(self.path.parent)
            for kind in (_LABELS, _PROVENANCE, _JOURNAL):
                self._inside(kind).mkdir(exist_ok=True)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(self.path, error) from error

    def _pair(self, key: str, number: int) -> tuple[Path, Path]:
        name = f"{key}.{number}.tif"
        return (
            _within(self._inside(_LABELS), name),
            _within(self._inside(_PROVENANCE), name),
        )

    def _inside(self, name: str) -> Path:
        return _within(self.path, name)


def _within(folder: Path, name: str) -> Path:
    """Return the path of something that lies in a folder, and not behind a link.

    Raises
    ------
    StorageError
        If it is a link that leads elsewhere.
    """
    path = folder / name
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


def _axes_of(snapshot: AnnotationSnapshot, axes: str) -> str:
    """Return the axes of labels; regressed variables come first."""
    return "C" + axes if snapshot.labels.ndim > snapshot.provenance.ndim else axes


def _read_labels(
    path: Path, entry: ImageEntry, generation: Generation
) -> LabelMap | ValueMap:
    dtype = task_of(entry).labels.dtype
    return read_map(path, entry.values_shape, dtype, generation.labels_hash)


def _write_text(path: Path, manifest: Manifest) -> None:
    write_atomically(path, lambda file: file.write(manifest.as_bytes()))
