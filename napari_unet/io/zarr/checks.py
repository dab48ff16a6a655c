"""What is looked at in the chunks of a zarr before they are unpacked.

The zarr library takes memory for what a chunk's first bytes claim, and blosc reads on
beyond the end of a chunk that is shorter than it says.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.errors import InputError
from napari_unet.io.reader import in_words, inflated_size
from napari_unet.io.remote import is_local
from napari_unet.io.zarr.head import ArrayHead
from napari_unet.io.zarr.inside import leading_out

_MOST_FILES = 2_000_000
_LARGEST_CHUNK = 2**31
_LARGE = 2**30
_MOST_EXPANSION = 50_000
_HEADER = 32
_ZSTD = b"\x28\xb5\x2f\xfd"
_ENTRY = 16
_EMPTY = 2**64 - 1
_TOLD = ("size", "ETag", "LastModified", "mtime", "created")


def check_head(path: Path, head: ArrayHead) -> None:
    """Refuse chunks that are larger than any that can be read."""
    if head.chunk_nbytes > _LARGEST_CHUNK:
        raise damaged_zarr(path, f"a chunk of it claims {in_words(head.chunk_nbytes)}")


def check_claims(path: Path, folder: Path, head: ArrayHead) -> None:
    """Refuse an array that tells of more pixels than its files can hold.

    Chunks may be missing where everything is one value, within reason.
    """
    if not is_local(folder):
        return  # to list it may take long, or not be possible
    stored = 0
    for number, entry in enumerate(iter_files(folder)):
        if number > _MOST_FILES:
            raise damaged_zarr(path, f"it has more than {_MOST_FILES:,} files")
        check_file(path, Path(entry))
        stored += entry.stat().st_size
    if head.nbytes > max(_LARGE, stored * _MOST_EXPANSION):
        told, held = in_words(head.nbytes), in_words(stored)
        raise damaged_zarr(path, f"it tells of {told} of pixels and holds {held}")


def iter_files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all files below a folder; links to folders as if they were files."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                yield from iter_files(Path(entry))
            else:
                yield entry


def iter_identities(folder: Path) -> Iterator[str]:
    """Yield the name, size and time of every file of an array, in words.

    An address that cannot be listed has none.
    """
    if is_local(folder):
        for entry in iter_files(folder):
            status = entry.stat()
            name = Path(entry).relative_to(folder).as_posix()
            yield f"{name} {status.st_size} {status.st_mtime_ns}"
        return
    place: Any = folder
    try:
        found = place.fs.find(place.path, detail=True)
    except (OSError, NotImplementedError):
        return
    for name, info in sorted(found.items()):
        told = (str(info.get(key, "")) for key in _TOLD)
        yield " ".join((name, *told))


def check_file(path: Path, file: Path) -> None:
    """Refuse a file of an array that is none, or a link that leads out of the zarr."""
    if not is_local(file):
        return  # there are no links, nor devices
    if not file.resolve().is_relative_to(path.resolve()):
        raise leading_out(path, file)
    if file.exists() and not stat.S_ISREG(file.stat().st_mode):
        raise damaged_zarr(path, f"{file.name!r} in it is no file")


def problem_of_chunk(packed: bytes, head: ArrayHead) -> str | None:
    """Return what is wrong with the size that a packed chunk claims."""
    claimed = _claimed(packed[:_HEADER], head.packing)
    if head.packing in {"gzip", "zlib"} and len(packed) * 1100 > _LARGE:
        claimed = inflated_size(BytesIO(packed), head.chunk_nbytes)
    if claimed > head.chunk_nbytes:
        return f"it claims {in_words(claimed)}"
    whole = len(packed) >= 16 and int.from_bytes(packed[12:16], "little") <= len(packed)
    if head.packing == "blosc" and not whole:
        return "it is cut off"
    return None


def problem_of_shard(packed: bytes, head: ArrayHead) -> str | None:
    """Return what is wrong with a chunk of a whole shard."""
    if head.index is None:
        return problem_of_chunk(packed, head)
    size = head.index_nbytes
    if len(packed) < size:
        return "it is cut off"
    index = packed[-size:] if head.index.at_end else packed[:size]
    entries = np.frombuffer(index, "<u8", 2 * head.chunks_of_a_cell).reshape(-1, 2)
    for offset, count in entries[entries[:, 0] != _EMPTY].tolist():
        if offset + count > len(packed):
            return "it is cut off"
        problem = problem_of_chunk(packed[offset : offset + count], head)
        if problem is not None:
            return problem
    return None


def _claimed(first: bytes, packing: str) -> int:
    """Return the size in the first bytes of a chunk, 0 where there is none."""
    start, width = {"blosc": (4, 4), "lz4": (0, 4)}.get(packing, (0, 0))
    if packing == "zstd" and first.startswith(_ZSTD) and len(first) > 4:
        flags = first[4]
        single = flags >> 5 & 1
        width = (single, 2, 4, 8)[flags >> 6]
        start = 6 - single + (0, 1, 2, 4)[flags & 3]
    size = int.from_bytes(first[start : start + width], "little")
    return size + 256 if width == 2 else size


def damaged_zarr(path: Path, what: str) -> InputError:
    """Return an error that says what is wrong with a zarr."""
    return InputError(
        f"The zarr {str(path)!r} is incomplete or damaged: {what}; write it anew."
    )
