"""Reading images from local zarr folders: arrays, and OME-Zarr at full resolution."""

from __future__ import annotations

import os
import stat
import struct
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.axes import CANONICAL
from napari_unet.images.channels import channel_count
from napari_unet.images.known_axes import ImageHeader
from napari_unet.images.source import ArrayImage
from napari_unet.io.reader import (
    in_micrometres,
    in_words,
    inflated_size,
    refuse_beyond_memory,
    without_single,
)
from napari_unet.io.zarr.groups import image_inside, leading_out
from napari_unet.io.zarr.metadata import (
    ArrayHead,
    channel_names,
    find_multiscales,
    level_folder,
    read_head,
)

_MOST_FILES = 2_000_000
_LARGEST_CHUNK = 2**31
_LARGE = 2**30
_MOST_EXPANSION = 50_000
_HEADER = 32
_ZSTD = b"\x28\xb5\x2f\xfd"


def read_zarr(path: Path) -> ArrayImage:
    """Read a zarr array, or the finest level of an OME-Zarr image.

    Of a container of bioformats2raw, the first image is read. The zarr library takes
    memory for what a chunk's first bytes claim, so these are compared with the metadata
    first.

    Raises an InputError if its metadata are not those of plain numbers in plain chunks;
    its files are links to elsewhere; or it claims more than it holds or fits into
    memory. Raises whatever else the zarr library raises for what it cannot read.
    """
    image, note = image_inside(path)
    multiscales = find_multiscales(image)
    folder = image
    if multiscales is not None:
        folder = level_folder(image, multiscales.datasets[0].path)
    head = read_head(folder)
    _check_sizes(path, head, _check_files(path, folder, head))
    found = ArrayImage(array=_read(folder, head), note=note)
    if multiscales is None:
        return found
    found = replace(found, pixel_size=in_micrometres(multiscales.sizes))
    axes = multiscales.letters
    if not multiscales.axes and len(head.shape) == 5:
        axes = CANONICAL  # before version 0.3 they had no names, and were always these
    if axes is None or len(axes) != len(head.shape):
        return found
    # OME-Zarr often has axes with one plane, which readers of TIFF leave out.
    array, axes = without_single(found.array, axes, "TCZ")
    return replace(found, array=array, axes=axes)


def read_zarr_header(path: Path) -> ImageHeader:
    """Return what a zarr states of its finest level; no pixels are read.

    Raises an InputError as `read_zarr`, from the metadata alone.
    """
    multiscales = find_multiscales(path)
    if multiscales is None:
        return ImageHeader()
    head = read_head(level_folder(path, multiscales.datasets[0].path))
    axes, sizes = multiscales.letters, in_micrometres(multiscales.sizes)
    if axes is None or len(axes) != len(head.shape):
        return ImageHeader(pixel_size=sizes)
    names = channel_names(path, channel_count(head.shape, axes))
    return ImageHeader(axes, head.shape, names, sizes)


def _check_sizes(path: Path, head: ArrayHead, stored: int) -> None:
    if head.chunk_nbytes > _LARGEST_CHUNK:
        raise _damaged(path, f"a chunk of it claims {in_words(head.chunk_nbytes)}")
    refuse_beyond_memory(path, head.nbytes)
    # Chunks may be missing where everything is 0, within reason.
    if head.nbytes > max(_LARGE, stored * _MOST_EXPANSION):
        raise _damaged(
            path,
            f"it tells of {in_words(head.nbytes)} of pixels and holds "
            f"{in_words(stored)}",
        )


def _check_files(path: Path, folder: Path, head: ArrayHead) -> int:
    """Look at every file of an array; return their bytes."""
    root = path.resolve()
    if not folder.resolve().is_relative_to(root):
        raise leading_out(path, folder)
    stored = 0
    for number, entry in enumerate(_iter_files(folder)):
        if number > _MOST_FILES:
            raise _damaged(path, f"it has more than {_MOST_FILES:,} files")
        if entry.is_symlink() and not Path(entry).resolve().is_relative_to(root):
            raise leading_out(path, Path(entry))
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _damaged(path, f"{entry.name!r} in it is no file")
        stored += status.st_size
        # Metadata are not packed: they begin with a dot, or end like this.
        if not entry.name.startswith(".") and not entry.name.endswith(".json"):
            _check_chunk(path, Path(entry), status.st_size, head)
    return stored


def _iter_files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all files below a folder; links to folders as if they were files."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry))
                else:
                    yield entry


def _check_chunk(path: Path, chunk: Path, size: int, head: ArrayHead) -> None:
    """Compare the size that a packed chunk claims with that of all chunks."""
    with chunk.open("rb") as file:
        first = file.read(_HEADER)
        claimed = _claimed(first, head)
        if head.packing in {"gzip", "zlib"} and size * 1100 > _LARGE:
            file.seek(0)
            claimed = inflated_size(file, head.chunk_nbytes)
    if claimed > head.chunk_nbytes:
        raise _damaged(path, f"the chunk {chunk.name!r} claims {in_words(claimed)}")
    # blosc reads on beyond the end of a chunk that is shorter than it says.
    whole = len(first) >= 16 and struct.unpack_from("<I", first, 12)[0] <= size
    if head.packing == "blosc" and not whole:
        raise _damaged(path, f"the chunk {chunk.name!r} is cut off")


def _claimed(first: bytes, head: ArrayHead) -> int:
    """Return the size in the first bytes of a chunk, 0 where there is none."""
    if head.packing == "blosc":
        return int.from_bytes(first[4:8], "little")
    if head.packing == "lz4":
        return int.from_bytes(first[:4], "little")
    if head.packing == "zstd" and first[:4] == _ZSTD:
        return _claimed_by_zstd(first)
    return 0


def _claimed_by_zstd(first: bytes) -> int:
    """Return the content size in a frame's header, 0 where it has none."""
    flags = first[4] if len(first) > 4 else 0
    single = flags >> 5 & 1
    width = (1 if single else 0, 2, 4, 8)[flags >> 6]
    start = 5 + (0 if single else 1) + (0, 1, 2, 4)[flags & 3]
    size = int.from_bytes(first[start : start + width], "little")
    return size + 256 if width == 2 else size


def _read(folder: Path, head: ArrayHead) -> npt.NDArray[Any]:
    # Takes half a second, and most images are no zarr.
    import zarr
    from zarr.storage import LocalStore

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array: Any = zarr.open_array(
            store=LocalStore(folder, read_only=True),
            mode="r",
            zarr_format=head.zarr_format,
        )
        if tuple(array.shape) != head.shape or array.dtype.kind not in "biuf":
            raise ValueError("the library sees another array")
        return np.asarray(array[...])


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"The zarr {str(path)!r} is incomplete or damaged: {what}; write it anew."
    )
