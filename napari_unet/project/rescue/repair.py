"""Makes a sound project of a damaged one, and destroys nothing.

What is new is written beside what is there: a save under a new number, then journals
without their damaged lines, then the manifest, which is the moment at which all of it
counts. A copy of every file that is replaced or removed is kept before. Killed at any
time, the next call finds the same work again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from napari_unet.core.atomic import storage_error, write_folder_atomically
from napari_unet.errors import InputError, StorageError
from napari_unet.project.layout import JOURNAL, LABELS, MODELS, PROVENANCE, TRAINING
from napari_unet.project.lock import ProjectLock, read_holder
from napari_unet.project.rescue.recover import find_models
from napari_unet.project.rescue.repairer import Recovery, Repairer, RepairResult
from napari_unet.project.rescue.survey import (
    NearImages,
    Survey,
    find_image,
    no_images,
    survey,
)
from napari_unet.project.rescue.verify import is_damaged


def needs_repair(found: Survey) -> bool:
    """Whether anything of a project is damaged that can be repaired or set aside."""
    return bool(
        found.links
        or found.blocked
        or found.damaged_manifests
        or found.has_lost_manifest
        or find_models(found).words
        or any(is_damaged(found, key) for key in found.keys)
    )


def recover_here(
    folder: Path, near: NearImages, when: datetime | None = None
) -> RepairResult:
    """Repair a project where it is; copies of damaged files are kept in it.

    Raises
    ------
    InputError
        If it is no project, or nothing of it can be brought back.
    StorageError
        If it is open elsewhere, or nothing can be written there.
    """
    found = survey(folder)
    if holder := read_holder(folder):
        raise StorageError(
            f"{folder} is open elsewhere ({holder.describe()}); close it there, or "
            "recover it into another folder with --out."
        )
    if not needs_repair(found):
        return RepairResult(tuple(_untouched(found)))
    lock = ProjectLock(folder)
    lock.acquire()
    try:
        return Repairer(survey(folder), near, when or datetime.now(UTC)).run()
    finally:
        lock.release()


def recover_copy(
    folder: Path, out: Path, near: NearImages, when: datetime | None = None
) -> RepairResult:
    """Make a sound copy of a project; the project itself is not touched.

    Raises
    ------
    InputError
        If it is no project, nothing of it can be brought back, or `out` exists.
    StorageError
        If nothing can be written there.
    """
    survey(folder)
    if os.path.lexists(out):
        raise InputError(f"{str(out)!r} exists already; choose another --out.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{str(out)!r} lies in the project; choose another --out.")
    outcomes: list[RepairResult] = []

    def fill(copy: Path) -> None:
        _copy_project(folder, copy)
        now = when or datetime.now(UTC)
        outcome = Repairer(survey(copy), near, now, homes=(folder, out)).run()
        if outcome.kept is not None:
            shutil.rmtree(outcome.kept)
        # The damaged files are where they were: in the project that was copied.
        outcomes.append(replace(outcome, kept=None))

    write_folder_atomically(out, fill)
    return outcomes[0]


def _copy_project(folder: Path, copy: Path) -> None:
    """Copy all that counts: manifests first, journals last.

    So a project that somebody works in is copied as it was at some moment, and later
    changes are in the journal.
    """
    try:
        for path in sorted(folder.glob("project*.json")):
            _copy_file(path, copy / path.name)
        for kind in (LABELS, PROVENANCE, MODELS, TRAINING, JOURNAL):
            for path in sorted((folder / kind).rglob("*")):
                if path.is_file():
                    _copy_file(path, copy / path.relative_to(folder))
    except OSError as error:
        raise storage_error(copy, error) from error


def _copy_file(path: Path, target: Path) -> None:
    if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
        return
    with suppress(PermissionError):  # what cannot be read is told as missing
        path.open("rb").close()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _untouched(found: Survey) -> Iterator[Recovery]:
    for key in found.keys:
        image = find_image(found, key, no_images)
        yield Recovery(image.name if image else key)
