"""What lies in a project folder, before anything of it is believed; only reads.

Opening a project asks the manifest what there is. Whoever checks or repairs one looks
at the files themselves as well, since the manifest may be what is damaged.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from napari_unet.core.atomic import LITTER
from napari_unet.errors import InputError
from napari_unet.project.identity import ImageFields, ImageIdentity
from napari_unet.project.journal_reader import Segment, find_header, list_segments
from napari_unet.project.layout import (
    HOME,
    JOURNAL,
    LABELS,
    LOCK,
    MANIFEST,
    MODELS,
    PREVIOUS,
    PROVENANCE,
    QUARANTINE,
    TRAINING,
    is_older_manifest,
    parse_map_name,
)
from napari_unet.project.manifest import (
    Generation,
    ImageEntry,
    Manifest,
    ManifestFile,
    read_manifest_file,
)

NearImages: TypeAlias = Callable[[], Iterable[ImageIdentity]]
"""Returns images that may be those of maps of which nothing else is known."""

_FOLDERS = {LABELS, PROVENANCE, JOURNAL, MODELS, TRAINING}
_HASH_IN_KEY = re.compile(r"-([0-9a-f]{12})(-[0-9]+)?$")


def no_images() -> Iterable[ImageIdentity]:
    """Return none, where none is to be looked for."""
    return ()


@dataclass(frozen=True, slots=True)
class Survey:
    """All files of a project, by what they are.

    Parameters
    ----------
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

    @property
    def has_lost_manifest(self) -> bool:
        """Whether there is no newest manifest, and should be one."""
        there = self.current.present or self.previous.present or bool(self.saves)
        return there and self.current.manifest is None

    @property
    def damaged_manifests(self) -> list[ManifestFile]:
        """Manifests that cannot be read."""
        files = (self.current, self.previous, *self.older)
        return [file for file in files if file.problem]

    def entries(self, key: str) -> list[ImageEntry]:
        """Return what the manifests that count say of an image, the newest first."""
        files = (self.current, self.previous)
        found = (file.manifest.get(key) for file in files if file.manifest)
        return [entry for entry in found if entry]

    def expected(self, entry: ImageEntry) -> list[Generation]:
        """Return the saves of an image that have to be there, newest first.

        The manifest before may name one that was removed when the next one was written.
        """
        there = self.saves.get(entry.key, ())
        whole = self.current.manifest is not None
        return [each for each in entry.generations if whole or each.number in there]


def survey(folder: Path) -> Survey:
    """Look what lies in a folder.

    Raises
    ------
    InputError
        If there is no such folder, or it cannot be looked into.
    NewerFormatError
        If a newer version of the program wrote in it.
    """
    older = sorted(filter(is_older_manifest, _names(folder)))
    segments: defaultdict[str, list[Segment]] = defaultdict(list)
    for segment in _segments(folder):
        segments[segment.key].append(segment)
    found = Survey(
        folder,
        _read_manifest(folder / MANIFEST),
        _read_manifest(folder / PREVIOUS),
        tuple(_read_manifest(folder / name) for name in older),
        _saves(folder),
        {key: tuple(each) for key, each in segments.items()},
        tuple(path.name for path in _entries(folder / MODELS) if path.is_dir()),
        tuple(_links(folder)),
        tuple(_strays(folder)),
        tuple(_blocked(folder)),
    )
    if not found.is_project:
        raise InputError(
            f"{str(folder)!r} is not a project: it holds no {MANIFEST}, no saved "
            "labels and no journal; name a folder NAME.unet."
        )
    return found


def find_image(found: Survey, key: str, near: NearImages) -> ImageFields | None:
    """Return what the image is, from the most reliable file that tells it."""
    if entries := found.entries(key):
        return entries[0]
    if header := find_header(found.segments.get(key, ())):
        return header.image
    named = (file.manifest.images for file in found.older if file.manifest)
    loose = (file.loose for file in (found.current, found.previous))
    for entry in chain(*named, *loose):
        if entry.key == key:
            return entry
    return _find_near(found, key, near) if key in found.saves else None


def blocked_words(name: str) -> str:
    """Return what is wrong with something that is in the way, without its name."""
    file, folder = "a file", "a folder"
    kinds = (file, folder) if name in _FOLDERS else (folder, file)
    return "is {} where {} should be".format(*kinds)


def _find_near(found: Survey, key: str, near: NearImages) -> ImageFields | None:
    """Return the image whose content is the one of which the key holds a hash."""
    wanted = _HASH_IN_KEY.search(key)
    for image in near() if wanted else ():
        own = _HASH_IN_KEY.search(image.key)
        if own and wanted and own[1] == wanted[1]:
            return ImageFields.of(image, found.folder)
    return None


def _names(folder: Path) -> list[str]:
    name = repr(str(folder))
    try:
        return [path.name for path in folder.iterdir()]
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


def _read_manifest(path: Path) -> ManifestFile:
    if path.is_symlink():
        problem = f"{path.name} is a link."
        return ManifestFile(path.name, present=True, problem=problem)
    return read_manifest_file(path)


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
            if name := parse_map_name(path.name):
                found[name[0]].add(name[1])
    return {key: tuple(sorted(found[key], reverse=True)) for key in sorted(found)}


def _links(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(QUARANTINE))
        for name in (*folders, *sorted(files)):
            path = Path(parent, name)
            if path.is_symlink():
                yield path.relative_to(folder).as_posix()


def _blocked(folder: Path) -> Iterator[str]:
    for path in _entries(folder):
        ours = path.name in {MANIFEST, PREVIOUS, *_FOLDERS}
        if ours and path.is_dir() != (path.name in _FOLDERS):
            yield path.name


def _strays(folder: Path) -> Iterator[str]:
    for path in _entries(folder):
        ours = path.name in {MANIFEST, PREVIOUS, LOCK, HOME, *_FOLDERS, *LITTER}
        kept = path.name.startswith(QUARANTINE)
        if not (ours or kept or is_older_manifest(path.name)):
            yield path.name
    segments = {segment.path.name for segment in _segments(folder)}
    for kind in (LABELS, PROVENANCE, JOURNAL):
        for path in _entries(folder / kind):
            ours = path.name in segments or parse_map_name(path.name) is not None
            if not ours and path.name not in LITTER:
                yield f"{kind}/{path.name}"
