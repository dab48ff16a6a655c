"""Files of a project that are copied, kept and set aside; none is destroyed."""

from __future__ import annotations

import filecmp
import os
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from napari_unet.core.atomic import sync_folder, told_in_words
from napari_unet.project.layout import (
    JOURNAL,
    LABELS,
    MODELS,
    PROVENANCE,
    QUARANTINE,
    TRAINING,
)


class Quarantine:
    """A folder in the project, made with the first file that is put there."""

    def __init__(self, project: Path, when: datetime) -> None:
        self._project = project
        name = f"{QUARANTINE}{when.astimezone():%Y%m%d-%H%M%S}"
        taken = {path.name for path in project.glob(f"{QUARANTINE}*")}
        names = (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3)))
        self._folder = project / next(n for n in names if n not in taken)

    @property
    def folder(self) -> Path | None:
        """Where it is, if anything is in it."""
        return self._folder if self._folder.is_dir() else None

    def keep(self, path: Path) -> None:
        """Put a second copy of a file, a folder or a link there."""
        target = self._folder / path.relative_to(self._project)
        if not os.path.lexists(path) or _is_copy(path, target):
            return
        while os.path.lexists(target):
            target = target.with_name(f"{target.name}~")
        with told_in_words(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)
            sync_folder(target.parent)

    def remove(self, path: Path) -> None:
        """Remove a file, a folder or a link from the project, after it was kept."""
        self.keep(path)
        with told_in_words(path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


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


def copy_project(folder: Path, copy: Path) -> None:
    """Copy all that counts: manifests first, journals last.

    So a project that somebody works in is copied as it was at some moment, and later
    changes are in the journal.
    """
    for path in sorted(folder.glob("project*.json")):
        _copy_file(path, copy / path.name)
    for kind in (LABELS, PROVENANCE, MODELS, TRAINING, JOURNAL):
        for path in sorted((folder / kind).rglob("*")):
            if path.is_file():
                _copy_file(path, copy / path.relative_to(folder))


def _copy_file(path: Path, target: Path) -> None:
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        return
    with suppress(PermissionError):  # what cannot be read is told as missing
        path.open("rb").close()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
