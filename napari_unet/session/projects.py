"""Which project folders are in use, and in which one new work is kept."""

from __future__ import annotations

import os
from pathlib import Path

from psygnal import Signal

from napari_unet.project.folder import ProjectFolder
from napari_unet.project.journal import Syncer
from napari_unet.project.layout import SUFFIX, default_folder, kept_folder
from napari_unet.project.project import Project
from napari_unet.session.catalogue import CreateProject, ListProject
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import ProjectState


class Projects:
    """All project folders of one session; one of them may be chosen.

    Without a chosen one, every image has a project of its own, beside its file.

    Attributes
    ----------
    opened : Signal(Project)
        The person went to a project that exists, and what it holds is told.
    created : Signal(Project)
        The person made a project, to which the work goes that is open now.
    closed : Signal()
        Work is kept beside the images again.
    busy : set of Project
        Where something is being written: the manifest is one for all images, so
        there is one writer at a time.
    """

    opened = Signal(Project)
    created = Signal(Project)
    closed = Signal()

    def __init__(self, runner: Runner, holder: StateHolder) -> None:
        self._runner = runner
        self._holder = holder
        self._syncer = Syncer()
        self._all: dict[Path, Project] = {}
        self._chosen: Project | None = None
        self.busy: set[Project] = set()

    @property
    def chosen(self) -> Project | None:
        """The project that the person chose, or None."""
        return self._chosen

    def at(self, folder: Path) -> Project:
        """Return the project of a folder: always the same one, by whatever path."""
        real = folder.resolve()
        if real not in self._all:
            self._all[real] = Project(folder.absolute(), self._syncer)
        return self._all[real]

    def for_image(self, path: Path | None, name: str) -> Project:
        """Return where work on an image is kept."""
        return self._chosen or self.at(_home(path, name))

    def kept_for(self, project: Project) -> Project:
        """Return where work is kept that cannot be saved in a project."""
        return self.at(kept_folder(project.folder))

    def open(self, folder: Path) -> None:
        """Go to a project that exists; the state tells what it holds, or why not."""
        project = self.at(folder)
        self._holder.clear("project")
        self._runner.start(
            ListProject(project),
            Handlers(
                result=lambda state: self._on_listed(project, state),
                error=lambda error: self._holder.report("project", error),
            ),
        )

    def create(self, folder: Path) -> None:
        """Make a project folder and go there; what is open comes along."""
        if folder.suffix != SUFFIX:
            folder = folder.with_name(folder.name + SUFFIX)
        project = self.at(folder)
        self._holder.clear("project")
        self._runner.start(
            CreateProject(project),
            Handlers(
                result=lambda state: self._on_created(project, state),
                error=lambda error: self._holder.report("project", error),
            ),
        )

    def leave(self) -> None:
        """Keep work beside the images from now on."""
        self._chosen = None
        self._holder.clear("project")
        words = "Work is kept beside each image."
        self._holder.say(words, "project", project=None)
        self.closed.emit()

    def list_again(self) -> None:
        """Look again what the chosen project holds."""
        project = self._chosen
        if project is None:
            return
        self._runner.start(
            ListProject(project),
            Handlers(
                result=lambda state: self._tell(project, state),
                error=lambda error: self._holder.report("project", error),
            ),
        )

    def close(self) -> None:
        """Push what was written to the disk, and let others work."""
        for project in self._all.values():
            project.close()
        self._syncer.close()

    def _on_listed(self, project: Project, state: ProjectState) -> None:
        self._chosen = project
        self._tell(project, state)
        words = f"The project {project.name} is open."
        self._holder.say(words, "project")
        self.opened.emit(project)

    def _on_created(self, project: Project, state: ProjectState) -> None:
        self._chosen = project
        self._tell(project, state)
        words = f"The project {project.name} is new."
        self._holder.say(words, "project")
        self.created.emit(project)

    def _tell(self, project: Project, state: ProjectState) -> None:
        if project is self._chosen:
            self._holder.show(project=state)


def _home(path: Path | None, name: str) -> Path:
    """Return the folder for work on an image: beside the file, or beside a link to it.

    A link may lead to a store in which nobody may write.
    """
    beside = default_folder(path, name)
    if path is None or not path.is_symlink() or ProjectFolder(beside).exists:
        return beside
    there = default_folder(path.resolve(), name)
    return there if there.exists() or os.access(there.parent, os.W_OK) else beside
