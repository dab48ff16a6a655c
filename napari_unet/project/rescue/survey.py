"""What lies in a project folder, before anything of it is believed; only reads.

Opening a project asks the manifest what there is. Whoever checks or mends one looks at
the files themselves as well, since the manifest may be what is damaged.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_unet.errors import InputError, StorageError
from napari_unet.project.away import HOME
from napari_unet.project.fields import ImageFields
from napari_unet.project.lock import LOCK
from napari_unet.project.manifest import (
    ImageEntry,
    Manifest,
    NewerFormatError,
    parse_manifest,
)
from napari_unet.project.segments import Segment, list_segments

CURRENT = "project.json"
PREVIOUS = "project.previous.json"
LABELS, PROVENANCE, JOURNAL = "labels", "provenance", "journal"
MODELS, TRAINING = "models", "training"
DAMAGED = "damaged-"

_FOLDERS = {LABELS, PROVENANCE, JOURNAL, MODELS, TRAINING}
_OLDER = re.compile(r"project\.v[0-9]{1,3}\.json")
_MAP = re.compile(
    r"(?P<key>[a-z0-9][a-z0-9-]{0,99})\.(?P<number>[1-9][0-9]{0,15})\.tif"
)
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
_LARGEST = 2**26


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A manifest, or why it cannot be used.

    Parameters
    ----------
    name : str
        Of the file.
    present : bool
        Whether there is something of that name.
    manifest : Manifest or None
        What it says; None where it is missing or damaged.
    problem : str
        What is wrong with it, or nothing.
    loose : tuple of ImageEntry
        Entries of a damaged one that are whole by themselves. Their key, which holds a
        hash of content and shape, fits the rest of them.
    """

    name: str
    present: bool = False
    manifest: Manifest | None = None
    problem: str = ""
    loose: tuple[ImageEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """All files of a project, by what they are.

    Parameters
    ----------
    folder : Path
        The project.
    current, previous : ManifestFile
        The two that count.
    older : tuple of ManifestFile
        Copies of older formats.
    saves : dict of str to tuple of int
        Numbers of saves of which a map is there, by key, newest first.
    segments : dict of str to tuple of Segment
        Of journals, by key, oldest first.
    models : tuple of str
        Folders of models.
    links, strays : tuple of str
        Links, which are never followed, and files that do not belong there; relative.
    blocked : tuple of str
        Files where there should be folders, and folders where there should be files.
    """

    folder: Path
    current: ManifestFile
    previous: ManifestFile
    older: tuple[ManifestFile, ...] = ()
    saves: dict[str, tuple[int, ...]] = field(default_factory=dict)
    segments: dict[str, tuple[Segment, ...]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def manifest(self) -> Manifest:
        """The newest manifest that can be read; an empty one where none can."""
        return self.current.manifest or self.previous.manifest or Manifest()

    @property
    def keys(self) -> tuple[str, ...]:
        """All images of which there is anything; those of the manifest first."""
        named = [entry.key for entry in self.manifest.images]
        return tuple(dict.fromkeys([*named, *sorted({*self.saves, *self.segments})]))

    @property
    def is_project(self) -> bool:
        """Whether there is anything that only a project has."""
        manifests = (self.current, self.previous, *self.older)
        return bool(any(m.present for m in manifests) or self.saves or self.segments)

    def path_of(self, kind: str, key: str, number: int) -> Path:
        """Return where a map of a save lies."""
        return self.folder / kind / f"{key}.{number}.tif"


def survey(folder: Path) -> Survey:
    """Look what lies in a folder.

    Raises
    ------
    InputError
        If there is no such folder, or it cannot be looked into.
    NewerFormatError
        If a newer version of the program wrote in it.
    """
    names = _names(folder)
    older = sorted(name for name in names if _OLDER.fullmatch(name))
    segments: defaultdict[str, list[Segment]] = defaultdict(list)
    for segment in _segments(folder):
        segments[segment.key].append(segment)
    found = Survey(
        folder,
        _read_manifest(folder, CURRENT),
        _read_manifest(folder, PREVIOUS),
        tuple(_read_manifest(folder, name) for name in older),
        _saves(folder),
        {key: tuple(each) for key, each in segments.items()},
        tuple(path.name for path in _entries(folder / MODELS) if path.is_dir()),
        tuple(_links(folder)),
        tuple(_strays(folder)),
        tuple(_blocked(folder)),
    )
    if not found.is_project:
        raise InputError(
            f"{str(folder)!r} is not a project: it holds no {CURRENT}, no saved labels "
            "and no journal; name a folder NAME.unet."
        )
    return found


def blocked_words(name: str) -> str:
    """Return what is wrong with something that is in the way, without its name."""
    file, folder = "a file", "a folder"
    kinds = (file, folder) if name in _FOLDERS else (folder, file)
    return "is {} where {} should be".format(*kinds)


def key_fits(image: ImageFields, key: str) -> bool:
    """Whether a key is the one of that content, shape and task."""
    own = image.identity.key
    return key.rpartition(own)[:2] == ("", own) and bool(
        re.fullmatch(r"(-[0-9]+)?", key[len(own) :])
    )


def _names(folder: Path) -> list[str]:
    name = repr(str(folder))
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError as error:
        raise InputError(f"There is no folder {name}; check the name.") from error
    except NotADirectoryError as error:
        raise InputError(
            f"{name} is a file; name the project, a folder such as NAME.unet."
        ) from error
    except OSError as error:
        raise InputError(
            f"Cannot read the folder {name}: {error.strerror}; change its permissions."
        ) from error


def _read_manifest(folder: Path, name: str) -> ManifestFile:
    path = folder / name
    if path.is_symlink():
        return ManifestFile(name, present=True, problem=f"{name} is a link.")
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST)
    except FileNotFoundError:
        return ManifestFile(name)
    except OSError as error:
        words = f"{name} cannot be read: {error.strerror}."
        return ManifestFile(name, present=True, problem=words)
    try:
        return ManifestFile(name, present=True, manifest=parse_manifest(text))
    except NewerFormatError:
        raise
    except StorageError as error:
        words = str(error).replace(CURRENT, name)
        loose = tuple(_loose_entries(text))
        return ManifestFile(name, present=True, problem=words, loose=loose)


def _loose_entries(text: bytes) -> Iterator[ImageEntry]:
    try:
        found: Any = json.loads(text)
        images = [json.dumps(image) for image in found["images"]]
    except (ValueError, RecursionError, KeyError, TypeError):
        return
    for image in images:
        with suppress(ValidationError):
            entry = ImageEntry.model_validate_json(image)
            if key_fits(entry, entry.key):
                yield entry


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder of the project that is no link itself."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    try:
        return sorted(path for path in folder.iterdir() if not path.is_symlink())
    except OSError as error:
        raise InputError(
            f"Cannot read the folder {str(folder)!r}: {error.strerror}; change its "
            "permissions."
        ) from error


def _segments(folder: Path) -> list[Segment]:
    return [] if (folder / JOURNAL).is_symlink() else list_segments(folder / JOURNAL)


def _saves(folder: Path) -> dict[str, tuple[int, ...]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for kind in (LABELS, PROVENANCE):
        for path in _entries(folder / kind):
            if name := _MAP.fullmatch(path.name):
                found[name["key"]].add(int(name["number"]))
    return {key: tuple(sorted(found[key], reverse=True)) for key in sorted(found)}


def _links(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(DAMAGED))
        for name in (*folders, *sorted(files)):
            path = Path(parent, name)
            if path.is_symlink():
                yield path.relative_to(folder).as_posix()


def _blocked(folder: Path) -> Iterator[str]:
    for path in _entries(folder):
        ours = path.name in {CURRENT, PREVIOUS, *_FOLDERS}
        if ours and path.is_dir() != (path.name in _FOLDERS):
            yield path.name


def _strays(folder: Path) -> Iterator[str]:
    for path in _entries(folder):
        ours = path.name in {CURRENT, PREVIOUS, LOCK, HOME, *_FOLDERS}
        ours = ours or bool(_OLDER.fullmatch(path.name))
        if not (ours or path.name in _LITTER or path.name.startswith(DAMAGED)):
            yield path.name
    segments = {segment.path.name for segment in _segments(folder)}
    for kind in (LABELS, PROVENANCE, JOURNAL):
        for path in _entries(folder / kind):
            ours = path.name in segments or bool(_MAP.fullmatch(path.name))
            if not ours and path.name not in _LITTER:
                yield f"{kind}/{path.name}"
