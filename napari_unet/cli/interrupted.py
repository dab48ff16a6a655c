"""Trainings that run or were killed: who has their place, and whether they go on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_unet import learning, project
from napari_unet.errors import InputError, ModelError, StorageError

_LONGEST_NAME = 200


def checkpoint_path(out: Path) -> Path:
    """Return where the training of a model keeps its state: hidden, beside it."""
    folder = out.resolve()
    name = folder.name
    if len(name.encode()) > _LONGEST_NAME:
        name = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return folder.parent / f".{name}.training.safetensors"


@contextmanager
def claimed(out: Path) -> Iterator[project.FileLock]:
    """Keep the place of a model for one training, until that has saved it.

    Yields
    ------
    FileLock
        To be counted up (`sync`) now and then, so that other machines see it.

    Raises
    ------
    InputError
        If another training is making this model.
    StorageError
        If it cannot be claimed.
    """
    lock = project.FileLock(checkpoint_path(out).with_suffix(".lock"))
    if other := lock.take():
        raise InputError(
            f"Another training is making {out} right now ({other.describe()}, "
            f"process {other.pid}); wait until it has ended, or choose another --out."
        )
    try:
        yield lock
    finally:
        lock.release()


def plan_checkpoint(out: Path, *, resume: bool, overwrite: bool) -> Path:
    """Return where to keep the state, after checking that this is what is wanted.

    Raises
    ------
    InputError
        If there is an interrupted training and no word about it, or none to resume.
    """
    path = checkpoint_path(out)
    there = path.exists()
    if resume and not there:
        raise InputError(
            f"There is no interrupted training of {out} to go on with; leave --resume "
            "away to start one."
        )
    if there and not resume and not overwrite:
        raise InputError(_found(path, out))
    return path


def _found(path: Path, out: Path) -> str:
    # Imported only here: torch takes seconds.
    try:
        step = learning.read_header(path).steps
    except (ModelError, StorageError):
        return (
            f"Found an interrupted training of {out} that cannot go on, because {path} "
            "is damaged or of another version; start anew with --overwrite."
        )
    return (
        f"Found a training of {out} interrupted at step {step}; go on with --resume, "
        "or start anew with --overwrite."
    )
