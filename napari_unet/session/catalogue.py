"""What a project holds, and where its images are now."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from napari_unet.core.jobs import Job
from napari_unet.errors import NapariUnetError, StorageError
from napari_unet.io.read import read_image
from napari_unet.project.identity import ImageFields, content_hash, file_bytes
from napari_unet.project.layout import SUFFIX
from napari_unet.project.manifest import ImageEntry, Manifest
from napari_unet.project.project import Project
from napari_unet.session.status import ProjectImage, ProjectState

_MOST_FILES = 20_000
_MOST_CANDIDATES = 8


@dataclass(frozen=True, slots=True, eq=False)
class ListProject(Job[None, ProjectState]):
    """Read what a project holds; only reads."""

    project: Project

    def run(self) -> Generator[None, None, ProjectState]:
        """Read its manifest, and look for the files.

        Raises
        ------
        StorageError
            If it is no project, or cannot be read.
        """
        project = self.project
        yield
        if not project.store.files.exists:
            raise StorageError(
                f"{project.folder} is not a project: it has no project.json; choose a "
                f"folder {project.folder.stem}{SUFFIX}, or make a new project."
            )
        manifest, notice = project.store.read()
        images = []
        there = _files_there(project.folder, manifest)
        for entry in manifest.images:
            images.append(_describe(project.folder, entry, there))
            yield
        told = " ".join(filter(None, (notice, project.why_read_only())))
        return ProjectState(project.name, project.folder, tuple(images), told)


@dataclass(frozen=True, slots=True, eq=False)
class CreateProject(Job[None, ProjectState]):
    """Make an empty project."""

    project: Project

    def run(self) -> Generator[None, None, ProjectState]:
        """Make its folder.

        Raises
        ------
        StorageError
            If there is something of that name, or it cannot be made.
        """
        project = self.project
        yield
        if project.folder.exists():
            raise StorageError(
                f"{project.folder} exists already; open it, or choose another name."
            )
        project.store.update(lambda manifest: manifest)
        return ProjectState(project.name, project.folder)


def _files_there(folder: Path, manifest: Manifest) -> frozenset[Path]:
    """Return the files of a project that are where they were."""
    paths = (entry.path_from(folder) for entry in manifest.images)
    return frozenset(path for path in paths if path and path.exists())


def _describe(folder: Path, entry: ImageEntry, there: frozenset[Path]) -> ProjectImage:
    saved = entry.newest.saved_at.astimezone()
    return ProjectImage(
        entry.key,
        entry.name,
        entry.task,
        f"{saved:%d %B, %H:%M}",
        locate(folder, entry, there),
        is_file=entry.path is not None,
    )


def locate(
    folder: Path, image: ImageFields, others: Collection[Path] = ()
) -> Path | None:
    """Return where an image of a project is now; None if it is not found.

    Images that were moved or renamed are looked for in the folder that the project
    lies in, and below it: first by the size of the file, then by the content.

    Parameters
    ----------
    folder : Path
        The project folder.
    others : collection of Path
        Files of other images, which may have the same pixels.
    """
    path = image.path_from(folder)
    if path is None or path.exists():
        return path
    alike = (
        found
        for found in islice(_files_below(folder.absolute().parent), _MOST_FILES)
        if found.suffix == path.suffix
        and found not in others
        and file_bytes(found) == image.file_bytes
    )
    # The same name first: most files are moved, not renamed.
    candidates = sorted(
        islice(alike, _MOST_CANDIDATES), key=lambda found: found.name != path.name
    )
    return next((found for found in candidates if holds_image(found, image)), None)


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name for name in folders if name[0] != "." and not name.endswith(SUFFIX)
        ]
        yield from (Path(parent, name) for name in files)


def holds_image(path: Path, image: ImageFields) -> bool:
    """Read a file and say whether it is that image."""
    try:
        return content_hash(read_image(path, stored=True).array) == image.content_hash
    except NapariUnetError:
        return False
