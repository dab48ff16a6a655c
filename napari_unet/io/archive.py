"""Zip files from strangers: read in memory, never unpacked to paths that they choose.

A member's name is looked at, and is never used as a path. Sizes are compared before
anything is unpacked, and again while it is.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.io.reader import in_words

_END = b"PK\x05\x06"
_LOCATOR_64, _END_64 = b"PK\x06\x07", b"PK\x06\x06"
_END_SIZE, _LOCATOR_SIZE, _END_64_SIZE = 22, 20, 56
_LONGEST_COMMENT = 65_535
_MOST_OF_SMALL = 65_535
_LARGEST_ENTRY = 1_000
_LONGEST_NAME = 500
_MOST_EXPANSION = 1_100
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)
_ENCRYPTED = 0x41


def read_zip(
    path: Path, *, members: int, member_bytes: int, total_bytes: int
) -> dict[str, bytes]:
    """Read all files of a zip file: content by name, in the order of the file.

    Without folders, and without what macOS adds.

    Parameters
    ----------
    members : int
        The most files and folders that it may hold.
    member_bytes, total_bytes : int
        The most that one file may hold, and all of them together, unpacked.

    Raises an InputError if it is no zip file, damaged, holds more than it may, or a
    member could do harm.
    """
    try:
        _check_directory(path, members)
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
            if len(found) > members:
                raise _too_much(path, f"holds more than {members:,} members")
            _check_members(path, found, member_bytes)
            total = sum(member.file_size for member in found)
            if total > total_bytes:
                raise _too_much(path, f"holds {in_words(total)} when it is unpacked")
            return {
                member.filename: _unpack(path, archive, member)
                for member in found
                if not member.is_dir() and not _is_litter(member.filename)
            }
    except InputError:
        raise
    # A damaged archive can make zipfile raise almost anything.
    except Exception as error:
        raise _damaged(path) from error


def names_in_zip(path: Path, *, members: int) -> list[str]:
    """Return the names of a zip file's members, without unpacking any.

    Raises an InputError if it is no zip file, damaged, or holds more than `members`.
    """
    try:
        _check_directory(path, members)
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except InputError:
        raise
    except Exception as error:
        raise _damaged(path) from error


def _check_directory(path: Path, members: int) -> None:
    """Look at the list of members before zipfile makes an object of each."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        ends = _END_SIZE + _LOCATOR_SIZE + _END_64_SIZE
        start = max(0, size - ends - _LONGEST_COMMENT)
        file.seek(start)
        tail = file.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) < place + _END_SIZE:
        raise InputError(f"{str(path)!r} is not a zip file; copy it or make it again.")
    _, _, _, count, length = struct.unpack_from("<HHHHI", tail, place + 4)
    if tail[max(0, place - _LOCATOR_SIZE) : place].startswith(_LOCATOR_64):
        count, length = _large_directory(path, tail[: place - _LOCATOR_SIZE], members)
    if count > members or length > members * _LARGEST_ENTRY:
        raise _too_much(path, f"holds more than {members:,} members")


def _large_directory(path: Path, before: bytes, members: int) -> tuple[int, int]:
    """Return how many members the larger kind of archive lists, and in how many bytes.

    It is for those that need it: many members, where so many are possible.
    """
    if members <= _MOST_OF_SMALL:
        raise _too_much(path, "is of the kind for more than 65,535 members or 4 GB")
    end = before[-_END_64_SIZE:]  # where zipfile looks for it
    if len(end) < _END_64_SIZE or not end.startswith(_END_64):
        raise ValueError("no list of members")
    count, length = struct.unpack_from("<QQ", end, 32)
    return count, length


def _check_members(path: Path, members: list[zipfile.ZipInfo], most: int) -> None:
    seen: set[str] = set()
    for member in members:
        # Windows and macOS take two names that differ in their case for one.
        name = member.filename.casefold()
        wrong = _problem(member) or ("is there twice" if name in seen else None)
        if wrong is not None:
            raise _unsafe(path, member, wrong)
        seen.add(name)
        if member.file_size > most:
            raise _too_much(
                path,
                f"holds {member.filename!r} of {in_words(member.file_size)}, where at "
                f"most {in_words(most)} are possible,",
            )


def _problem(member: zipfile.ZipInfo) -> str | None:
    name, parts = member.orig_filename, member.orig_filename.split("/")
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        return "has a name that no file has"
    if "\\" in name or name.startswith("/") or ":" in parts[0] or ".." in parts:
        return "has a name that leads out of the archive"
    if stat.S_IFMT(member.external_attr >> 16) not in _KINDS:
        return "is a link or device, not a file"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _METHODS:
        return "is packed in an unusual way"
    if member.file_size > member.compress_size * _MOST_EXPANSION:
        return "claims a size that it cannot have"
    return None


def _unpack(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    # zipfile stops at the declared size and compares the checksum there.
    with archive.open(member) as file:
        content = file.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise _unsafe(path, member, "has another size than it claims")
    return content


def _is_litter(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _unsafe(path: Path, member: zipfile.ZipInfo, what: str) -> InputError:
    name = member.orig_filename[:_LONGEST_NAME]
    return InputError(
        f"The zip file {str(path)!r} was not read: its member {name!r} {what}; ask for "
        "one that was made in the usual way."
    )


def _damaged(path: Path) -> InputError:
    return InputError(
        f"The zip file {str(path)!r} is incomplete or damaged and was not read; "
        "copy it or make it again."
    )


def _too_much(path: Path, what: str) -> InputError:
    return InputError(
        f"The zip file {str(path)!r} {what} and was not read; check what it is."
    )
