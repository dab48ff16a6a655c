"""Which project folders are in use, and in which one new work is kept."""

from __future__ import annotations

from pathlib import Path

from napari_unet.project.folder import default_folder
from napari_unet.project.project import Project
from napari_unet.project.syncer import Syncer


class Projects:
    """All project folders of one session; one of them may be chosen.

    Without a chosen one, every image has a project of its own, beside its file.
    """

    def __init__(self) -> None:
        self._syncer = Syncer()
        self._open: dict[Path, Project] = {}
        self._chosen: Project | None = None

    @property
    def chosen(self) -> Project | None:
        """The project that the person opened, or None."""
        return self._chosen

    def choose(self, folder: Path | None) -> None:
        """Keep work on images that are opened from now on in this folder."""
        self._chosen = self.at(folder) if folder is not None else None

    def at(self, folder: Path) -> Project:
        """Return the project of a folder: always the same one."""
        folder = folder.absolute()
        if folder not in self._open:
            self._open[folder] = Project(folder, self._syncer)
        return self._open[folder]

    def for_image(self, path: Path | None, name: str) -> Project:
        """Return where work on an image is kept."""
        return self._chosen or self.at(default_folder(path, name))

    def close(self) -> None:
        """Push what was written to the disk, and let others work."""
        for project in self._open.values():
            project.close()
        self._syncer.close()
