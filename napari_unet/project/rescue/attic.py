"""Where damaged files of a project are kept when whole ones take their place."""

from __future__ import annotations

import filecmp
import os
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from napari_unet.core.atomic import storage_error, sync_folder
from napari_unet.project.rescue.survey import DAMAGED


class Attic:
    """A folder in the project, made with the first file that is put there.

    Parameters
    ----------
    project : Path
        The project folder.
    when : datetime
        The time, for the name.
    """

    def __init__(self, project: Path, when: datetime) -> None:
        self._project = project
        name = f"{DAMAGED}{when.astimezone():%Y%m%d-%H%M%S}"
        taken = {path.name for path in project.glob(f"{DAMAGED}*")}
        names = (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3)))
        self._folder = project / next(n for n in names if n not in taken)

    @property
    def folder(self) -> Path | None:
        """Where it is, if anything is in it."""
        return self._folder if self._folder.is_dir() else None

    def keep(self, path: Path) -> None:
        """Put a second copy of a file, a folder or a link there.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        target = self._folder / path.relative_to(self._project)
        if not os.path.lexists(path) or _is_copy(path, target):
            return
        while os.path.lexists(target):
            target = target.with_name(f"{target.name}~")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)
            sync_folder(target.parent)
        except OSError as error:
            raise storage_error(target, error) from error

    def remove(self, path: Path) -> None:
        """Take away what was kept there before."""
        self.keep(path)
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(path, error) from error


def _is_copy(path: Path, target: Path) -> bool:
    if not path.is_file() or path.is_symlink() or not target.is_file():
        return False
    return filecmp.cmp(path, target, shallow=False)


def _copy(path: Path, target: Path) -> None:
    if path.is_symlink():
        target.symlink_to(path.readlink())
    elif path.is_dir():
        shutil.copytree(path, target, symlinks=True)
    else:
        # Nobody writes into these files any more: they are replaced as a whole.
        with suppress(OSError):
            os.link(path, target)
            return
        shutil.copy2(path, target)
