"""Files and folders that are there whole or not at all.

What is new is written under another name in the same folder, pushed to the disk and
then renamed, which file systems do in one step. Whoever reads, and whoever is killed
or loses power, finds the old or the new content and never a part of it.
"""

from __future__ import annotations

import errno
import glob
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from napari_unet.errors import InputError, StorageError

_FORBIDDEN = (
    "it is read-only, belongs to somebody else or is open in another program; choose "
    "another folder"
)
_GONE = (
    "its folder is not there (any more); reconnect the drive or choose another folder"
)
_FULL = "the disk is full; free space or choose another folder"
_REASONS = {
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), _FORBIDDEN),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ESTALE), _GONE),
    **dict.fromkeys((errno.ENODEV, errno.ENXIO), _GONE),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FULL),
    errno.ENAMETOOLONG: "its name is too long for this disk; choose a shorter one",
    errno.EEXIST: "a part of its path is a file, not a folder; choose another name",
}
_CUT = re.compile(r"\d+ requested and \d+ written")
_LONGEST_WHOLE = 40
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS}
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""Files that systems put into folders."""


def leave_existing(path: Path) -> None:
    """Raise an InputError if anything is at a path, a broken link too."""
    if os.path.lexists(path):
        raise InputError(
            f"{str(path)!r} exists and was left as it is; choose another place, "
            "or say that it may be overwritten."
        )


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write or replace a file so that it is never seen half written.

    `write` is called once with a seekable binary file, and its errors come through
    unchanged. A StorageError says that the disk is full, read-only or gone; the old
    content is still there then, and no temporary file is left.
    """
    temporary = _sibling(path, "tmp")
    with told_in_words(path):
        try:
            with temporary.open("x+b") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            # After a success there is nothing to remove, and after a failure the
            # first error is the one to tell.
            with suppress(OSError):
                temporary.unlink()
        sync_folder(path.parent)


def remove_half_written(path: Path) -> None:
    """Remove what somebody left who was killed while the file at a path was written.

    Only for whoever knows that nobody writes it now.
    """
    # Longer names are cut, and others may begin like them.
    if len(path.name) <= _LONGEST_WHOLE:
        for left in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.tmp"):
            left.unlink(missing_ok=True)


def write_folder_atomically(
    folder: Path,
    write: Callable[[Path], object],
    *,
    overwrite: bool = False,
    earlier: Collection[str] | None = None,
) -> None:
    """Write a folder, and those above it, so that it is never seen half written.

    `write` is called once with an empty folder to fill. With `overwrite` an existing
    folder is replaced, unless it holds anything else than what is written now: that
    is not ours to delete. Where files have other names each time, `earlier` are those
    that may be replaced instead. After a StorageError an existing folder is as it was.

    An existing folder is moved aside before the new one takes its place. A power
    cut between these two steps leaves both beside each other, as `.NAME.*.old` and
    `.NAME.*.tmp`; nothing is lost.
    """
    folder = folder.resolve()
    with told_in_words(folder):
        _refuse_existing(folder, overwrite=overwrite)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = _sibling(folder, "tmp")
        try:
            temporary.mkdir()
            write(temporary)
            refuse_foreign(folder, _leaves(temporary) if earlier is None else earlier)
            _sync_tree(temporary)
            _swap(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Push a folder's list of files to the disk, where the system can."""
    if os.name == "nt":  # Windows cannot open folders; its rename is journalled.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems have no such call for folders.
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the error in words that tell a person what to do."""
    other = f"{error.strerror or error}; choose another folder"
    # numpy counts what it could write of an array, and names no reason.
    cut = error.errno is None and _CUT.fullmatch(str(error))
    reason = _FULL if cut else _REASONS.get(error.errno or 0, other)
    return StorageError(f"{path} could not be written: {reason}.")


@contextmanager
def told_in_words(path: Path) -> Iterator[None]:
    """Raise a StorageError in words where something cannot be written at a path."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


def _sibling(path: Path, suffix: str) -> Path:
    # Cut, so that a long name does not become too long for the file system.
    name = path.name[:_LONGEST_WHOLE]
    return path.parent / f".{name}.{secrets.token_hex(4)}.{suffix}"


def _refuse_existing(folder: Path, *, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise StorageError(f"{folder} is a file, not a folder; choose another name.")
    if folder.exists() and not overwrite:
        raise StorageError(
            f"{folder} exists already; choose another name or allow overwriting."
        )


def refuse_foreign(folder: Path, ours: Collection[str]) -> None:
    """Refuse to replace a folder that also holds what others put there.

    `ours` are the paths in it that may be deleted, with slashes.
    """
    foreign = [
        name
        for name in _leaves(folder)
        if name not in ours and name.rpartition("/")[2] not in LITTER
    ]
    if foreign:
        raise StorageError(
            f"{folder} also holds {foreign[0]!r}, which would be deleted; "
            "choose another folder."
        )


def _leaves(folder: Path) -> list[str]:
    """Return the paths of all files, links and empty folders in a folder, sorted."""
    found: list[Path] = []
    with told_in_words(folder):
        for item in folder.iterdir() if folder.exists() else ():
            inside = item.is_dir() and not item.is_symlink()
            below = _leaves(item) if inside else []
            found += [item / name for name in below] or [item]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _sync_tree(folder: Path) -> None:
    for item in folder.rglob("*"):
        if item.is_dir():
            sync_folder(item)
        else:
            with item.open("r+b") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def _swap(temporary: Path, folder: Path) -> None:
    if not folder.exists():
        temporary.rename(folder)
        return
    old = _sibling(folder, "old")
    folder.rename(old)
    try:
        temporary.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
