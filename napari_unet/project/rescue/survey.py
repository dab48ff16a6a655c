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
from itertools import chain, groupby
from pathlib import Path
from typing import TypeAlias

from napari_unet.core.atomic import LITTER
from napari_unet.errors import InputError
from napari_unet.project.identity import ImageFields, ImageIdentity
from napari_unet.project.journal_reader import Segment, find_header, list_segments
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
    QUARANTINE,
    is_older_manifest,
    parse_map_name,
)
from napari_unet.project.manifest import (
    ImageEntry,
    Manifest,
    ManifestFile,
    read_manifest_file,
)

NearImages: TypeAlias = Callable[[], Iterable[ImageIdentity]]
"""Returns images that may be those of maps of which nothing else is known."""

# The key of an image holds a hash of its content.
_HASH_IN_KEY = re.compile(r"-([0-9a-f]{12})(-[0-9]+)?$")


def no_images() -> Iterable[ImageIdentity]:
    """Return none, where none is to be looked for."""
    return ()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A link, a file in place of a folder, or the reverse, with words for messages."""

    name: str
    what: str
    reason: str = ""
    advice: str = ""
    done: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """All files of a project, by what they are; names are relative to its folder.

    `current` and `previous` are the manifests in use, `older` are copies of older
    formats. `saves` are numbers of saves with at least one map, newest first, and
    `segments` are journal files, oldest first; both by key.
    """

    folder: Path
    current: ManifestFile
    previous: ManifestFile
    older: tuple[ManifestFile, ...] = ()
    saves: dict[str, tuple[int, ...]] = field(default_factory=dict)
    segments: dict[str, tuple[Segment, ...]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    strays: tuple[str, ...] = ()

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
    def has_lost_manifest(self) -> bool:
        """Whether there is no newest manifest, and should be one."""
        there = self.current.present or self.previous.present or bool(self.saves)
        return there and self.current.manifest is None

    def manifest_problems(self, *older: ManifestFile) -> list[str]:
        """Return what is wrong with the manifests that count, and older ones."""
        files = (self.current, self.previous, *older)
        problems = [file.problem for file in files if file.problem]
        if self.has_lost_manifest and not self.current.present:
            problems.append(f"{MANIFEST} is missing.")
        return problems

    def entries(self, key: str) -> list[ImageEntry]:
        """Return what the manifests that count say of an image, the newest first."""
        files = (self.current, self.previous)
        found = (file.manifest.get(key) for file in files if file.manifest)
        return [entry for entry in found if entry]


def survey(folder: Path) -> Survey:
    """Look what lies in a folder; InputError if no project, or a NewerFormatError."""
    older = sorted(filter(is_older_manifest, _names(folder)))
    by_key = groupby(_segments(folder), lambda segment: segment.key)
    found = Survey(
        folder,
        _read_manifest(folder / MANIFEST),
        _read_manifest(folder / PREVIOUS),
        tuple(_read_manifest(folder / name) for name in older),
        _saves(folder),
        {key: tuple(segments) for key, segments in by_key},
        tuple(path.name for path in _entries(folder / MODELS) if path.is_dir()),
        (*_links(folder), *_blocked(folder)),
        tuple(_strays(folder)),
    )
    manifests = (found.current, found.previous, *found.older)
    if not (any(m.present for m in manifests) or found.saves or found.segments):
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
    wanted = _HASH_IN_KEY.search(key) if key in found.saves else None
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


def _links(folder: Path) -> Iterator[Obstacle]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(QUARANTINE))
        for name in (*folders, *sorted(files)):
            path = Path(parent, name)
            if path.is_symlink():
                yield Obstacle(
                    path.relative_to(folder).as_posix(),
                    "is a link",
                    ", which is never followed",
                    "; put there what it leads to",
                    " and was set aside",
                )


def _blocked(folder: Path) -> Iterator[Obstacle]:
    for path in _entries(folder):
        if path.name in FOLDERS and not path.is_dir():
            what = "is a file where a folder should be"
        elif path.name in {MANIFEST, PREVIOUS} and path.is_dir():
            what = "is a folder where a file should be"
        else:
            continue
        yield Obstacle(path.name, what, done=", and was set aside")


def _strays(folder: Path) -> Iterator[str]:
    for path in _entries(folder):
        ours = path.name in {
            MANIFEST,
            PREVIOUS,
            LOCK,
            HOME,
            FINISHED,
            *FOLDERS,
            CHUNKS,
            *LITTER,
        }
        kept = path.name.startswith(QUARANTINE)
        if not (ours or kept or is_older_manifest(path.name)):
            yield path.name
    segments = {segment.path.name for segment in _segments(folder)}
    for kind in (LABELS, PROVENANCE, JOURNAL):
        for path in _entries(folder / kind):
            ours = path.name in segments or parse_map_name(path.name) is not None
            if not ours and path.name not in LITTER:
                yield f"{kind}/{path.name}"
