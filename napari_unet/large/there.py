"""What lies in the place of a prediction: its result, or what is left of another."""

from __future__ import annotations

import math
import shutil
from typing import Any

from napari_unet.core.atomic import told_in_words
from napari_unet.errors import InputError, StorageError
from napari_unet.images.source import CanonicalImage
from napari_unet.io.reader import in_words
from napari_unet.large.folder import Seen
from napari_unet.large.result import disk_needed
from napari_unet.large.settings import fingerprint_of, identity
from napari_unet.large.task import Task


def identity_of(task: Task) -> str:
    """Return what is another text where a task would give other labels."""
    return identity(task.settings, fingerprint_of(task.source), task.model)


def finished(task: Task, own: str) -> dict[str, Any] | None:
    """Return what the result that is there says of itself, if nothing of it is empty.

    Raises an InputError where something else is there that is not to be replaced.
    """
    place = task.place
    if not place.path.exists():
        return None
    note = place.note()
    path = str(place.path)
    if note is None and place.path.is_dir():
        raise InputError(
            f"{path!r} is no result of this program, and is left as it is; choose "
            "another --out."
        )
    if task.overwrite:
        return None
    if note is None or note.get("identity") != own:
        raise InputError(
            f"{path!r} exists, and belongs to another image, model or setting; choose "
            "another --out, or replace it with --overwrite."
        )
    return None if note["empty"] else note


def begun(task: Task, own: str) -> Seen | None:
    """Return what a run has seen that can be gone on with; None where there is none.

    Raises an InputError where another one is there that is not to be replaced.
    """
    seen = task.folder.read()
    if seen is None or seen.identity == own:
        return seen
    if task.overwrite:
        return None
    raise InputError(
        f"{str(task.folder.folder)!r} is what is left of a prediction with another "
        "image, model or setting; finish that one, or drop it with --overwrite."
    )


def refuse_full(task: Task, image: CanonicalImage) -> None:
    """Refuse to begin what the disk cannot hold, with a StorageError."""
    pixels = math.prod((image.shape[0], *image.shape[2:]))
    wanted = disk_needed(pixels, task.values, task.model)
    # A plan makes no folders.
    parents = task.place.path.absolute().parents
    there = next(each for each in parents if each.exists())
    with told_in_words(there):
        free = shutil.disk_usage(there).free
    if free < wanted:
        raise StorageError(
            f"Expected about {in_words(wanted)} of free space for "
            f"{str(task.place.path)!r}, found {in_words(free)}; free some, or "
            "choose another folder with --out."
        )
