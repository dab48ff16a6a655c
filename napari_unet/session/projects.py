"""Project folders in use, what they hold, and in which one new work is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from psygnal import Signal

from napari_unet.core.jobs import Job, drain
from napari_unet.errors import NapariUnetError, StorageError
from napari_unet.io.read import read_image
from napari_unet.io.source import open_source
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.identity import (
    ImageFields,
    content_hash,
    file_bytes,
    iter_sample_hash,
    path_from,
)
from napari_unet.project.journal import Syncer
from napari_unet.project.layout import SUFFIX, default_folder, kept_folder
from napari_unet.project.manifest import ImageEntry, Manifest
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.worklist.status import ProjectImage, ProjectState

E = TypeVar("E")
R = TypeVar("R")

_MOST_FILES = 20_000
_MOST_CANDIDATES = 8


class Projects:
    """All project folders of one session; one of them may be chosen.

    Without a chosen one, every image has a project of its own, beside its file.

    Attributes
    ----------
    chosen : Project or None
        The project that the person chose.
    opened : Signal(Project)
        The person went to a project that exists, and what it holds is told.
    created : Signal(Project, Project or None)
        The person made a project, to which the work goes that is listed now; it was in
        another project, or beside the images.
    closed : Signal()
        Work is kept beside the images again.
    busy : set of Project
        Where something is being written.
    """

    opened = Signal(Project)
    created = Signal(Project, object)
    closed = Signal()

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._syncer = Syncer()
        self._all: dict[Path, Project] = {}
        self.chosen: Project | None = None
        self.busy: set[Project] = set()

    def at(self, folder: Path) -> Project:
        """Return the project of a folder: always the same one, by whatever path."""
        real = folder.resolve()
        if real not in self._all:
            self._all[real] = Project(folder.absolute(), self._syncer)
        return self._all[real]

    def for_image(self, path: Path | None, name: str) -> Project:
        """Return where work on an image is kept."""
        return self.chosen or self.at(home_of(path, name))

    def kept_for(self, project: Project) -> Project:
        """Return where work is kept that cannot be saved in a project."""
        return self.at(kept_folder(project.folder))

    def open(self, folder: Path) -> None:
        """Go to a project that exists; the state tells what it holds, or why not."""
        project = self.at(folder)

        def arrive(_before: Project | None) -> None:
            self.opened.emit(project)

        self._go_to(project, ListProject(project), "open", arrive)

    def create(self, folder: Path) -> None:
        """Make a project folder and go there; all work of the list comes along."""
        if folder.suffix != SUFFIX:
            folder = folder.with_name(folder.name + SUFFIX)
        project = self.at(folder)

        def arrive(before: Project | None) -> None:
            self.created.emit(project, before)

        self._go_to(project, CreateProject(project), "new", arrive)

    def leave(self) -> None:
        """Keep work beside the images from now on."""
        self.chosen = None
        self._hub.clear("project")
        words = "Work is kept beside each image."
        self._hub.say(words, "project", project=None)
        self.closed.emit()

    def list_again(self) -> None:
        """Look again what the chosen project holds."""
        project = self.chosen
        if project is None:
            return
        self._hub.start(
            ListProject(project), lambda state: self._tell(project, state), "project"
        )

    def write(
        self,
        project: Project,
        job: Job[E, R],
        done: Callable[[R | Exception], object],
        hear: Callable[[E], object] = lambda _: None,
    ) -> Running:
        """Start a job that writes in a project which is not busy.

        The manifest is one for all images, so there is one writer at a time.
        """

        def end(outcome: R | Exception) -> None:
            self.busy.discard(project)
            done(outcome)

        def stop() -> None:
            end(StorageError("Saving was interrupted."))

        self.busy.add(project)
        handlers = Handlers(event=hear, result=end, error=end, closed=stop)
        return self._hub.runner.start(job, handlers)

    def close(self) -> None:
        """Push what was written to the disk, and let others work."""
        for project in self._all.values():
            project.close()
        self._syncer.close()

    def _go_to(
        self,
        project: Project,
        job: Job[None, ProjectState],
        word: str,
        done: Callable[[Project | None], None],
    ) -> None:
        def arrive(state: ProjectState) -> None:
            before, self.chosen = self.chosen, project
            self._tell(project, state)
            self._hub.say(f"The project {project.name} is {word}.", "project")
            done(before)

        self._hub.clear("project")
        self._hub.start(job, arrive, "project")

    def _tell(self, project: Project, state: ProjectState) -> None:
        if project is self.chosen:
            self._hub.show(project=state)


def home_of(path: Path | None, name: str) -> Path:
    """Return the folder for work on an image: beside the file, or beside a link to it.

    A link may lead to a store in which nobody may write.
    """
    beside = default_folder(path, name)
    if path is None or not path.is_symlink() or ProjectFolder(beside).exists:
        return beside
    there = default_folder(path.resolve(), name)
    return there if there.exists() or os.access(there.parent, os.W_OK) else beside


@dataclass(frozen=True, slots=True, eq=False)
class ListProject(Job[None, ProjectState]):
    """Read what a project holds; only reads."""

    project: Project

    def run(self) -> Generator[None, None, ProjectState]:
        """Read its manifest, and look for the files."""
        project = self.project
        yield
        if not project.store.files.exists:
            raise StorageError(
                f"{project.folder} is not a project: it has no project.json; choose "
                f"another folder whose name ends in {SUFFIX}, or make a new project."
            )
        manifest, notice = project.store.read()
        images = []
        there = _files_there(project.folder, manifest)
        for entry in manifest.images:
            images.append(_describe(project.folder, entry, there))
            yield
        told = " ".join(filter(None, (notice, project.why_read_only())))
        listed = tuple(path_from(each, project.folder) for each in manifest.listed)
        return ProjectState(project.name, project.folder, tuple(images), told, listed)


@dataclass(frozen=True, slots=True, eq=False)
class CreateProject(Job[None, ProjectState]):
    """Make an empty project."""

    project: Project

    def run(self) -> Generator[None, None, ProjectState]:
        """Make its folder; a StorageError if there is something of that name."""
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
        names=entry.names,
        done=entry.newest.done,
    )


def locate(
    folder: Path, image: ImageFields, others: Collection[Path] = ()
) -> Path | None:
    """Return where an image of a project is now; None if it is not found.

    Images that were moved or renamed are looked for in the folder that the project
    lies in, and below it: first by the size of the file, then by the content.
    `others` are files of other images, which may have the same pixels.
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


def _is_it_by_samples(path: Path, image: ImageFields) -> bool:
    """Whether a file is an image that is known by parts of it."""
    with open_source(path) as source:
        if tuple(source.shape) != image.shape:
            return False
        return drain(iter_sample_hash(source, image.axes)) == image.content_hash


def holds_image(path: Path, image: ImageFields) -> bool:
    """Read a file and say whether it is that image."""
    try:
        if _is_it_by_samples(path, image):
            return True
        return content_hash(read_image(path, stored=True).array) == image.content_hash
    except NapariUnetError:
        return False
