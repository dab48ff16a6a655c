"""Images in local zarr folders: arrays, OME-Zarr at full resolution, plates, series."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.axes import CANONICAL, ImageHeader
from napari_unet.images.channels import channel_count
from napari_unet.images.source import ArrayImage
from napari_unet.io.reader import (
    in_micrometres,
    in_words,
    inflated_size,
    refuse_beyond_memory,
    without_single,
)
from napari_unet.io.zarr.metadata import (
    ArrayHead,
    channel_names,
    find_multiscales,
    group_attributes,
    is_group,
    level_folder,
    neither,
    read_head,
)

_MOST_FILES = 2_000_000
_LARGEST_CHUNK = 2**31
_LARGE = 2**30
_MOST_EXPANSION = 50_000
_HEADER = 32
_CONTAINER = "bioformats2raw.layout"
_MOST_FOLDERS, _DEEPEST = 2_000, 5
_MOST_IMAGES = 100_000
_SHOWN = 3
_ZSTD = b"\x28\xb5\x2f\xfd"


def read_zarr(path: Path) -> ArrayImage:
    """Read a zarr array, or the finest level of an OME-Zarr image.

    Of a container of bioformats2raw, the first image is read. The zarr library takes
    memory for what a chunk's first bytes claim, so these are compared with the metadata
    first.

    Raises an InputError if its metadata are not those of plain numbers in plain chunks;
    its files are links to elsewhere; or it claims more than it holds or fits into
    memory; or whatever the zarr library raises for what it cannot read.
    """
    image, note = image_inside(path)
    folder, head, stated = _finest(image)
    stored = _check_files(path, folder, head)
    if head.chunk_nbytes > _LARGEST_CHUNK:
        raise _damaged(path, f"a chunk of it claims {in_words(head.chunk_nbytes)}")
    refuse_beyond_memory(path, head.nbytes)
    # Chunks may be missing where everything is 0, within reason.
    if head.nbytes > max(_LARGE, stored * _MOST_EXPANSION):
        told, held = in_words(head.nbytes), in_words(stored)
        raise _damaged(path, f"it tells of {told} of pixels and holds {held}")
    array, axes = _read(folder, head), stated.axes
    if axes is not None:
        # OME-Zarr often has axes with one plane, which readers of TIFF leave out.
        array, axes = without_single(array, axes, "TCZ")
    return ArrayImage(array=array, axes=axes, pixel_size=stated.pixel_size, note=note)


def read_zarr_header(path: Path) -> ImageHeader:
    """Return what a zarr states of its finest level; no pixels are read."""
    return _finest(image_inside(path)[0])[2]


def _finest(image: Path) -> tuple[Path, ArrayHead, ImageHeader]:
    """Return the folder of an array, or of the finest level, and what is said of it."""
    multiscales = find_multiscales(image)
    if multiscales is None:
        return image, read_head(image), ImageHeader()
    folder = level_folder(image, multiscales.datasets[0].path)
    head = read_head(folder)
    axes, sizes = multiscales.letters, in_micrometres(multiscales.sizes)
    if not multiscales.axes and len(head.shape) == 5:
        axes = CANONICAL  # before version 0.3 they had no names, and were always these
    if axes is None or len(axes) != len(head.shape):
        return folder, head, ImageHeader(pixel_size=sizes)
    names = channel_names(image, channel_count(head.shape, axes))
    return folder, head, ImageHeader(axes, head.shape, names, sizes)


def _check_files(path: Path, folder: Path, head: ArrayHead) -> int:
    """Look at every file of an array; return their bytes."""
    root = path.resolve()
    if not folder.resolve().is_relative_to(root):
        raise _leading_out(path, folder)
    stored = 0
    for number, entry in enumerate(_iter_files(folder)):
        if number > _MOST_FILES:
            raise _damaged(path, f"it has more than {_MOST_FILES:,} files")
        if entry.is_symlink() and not Path(entry).resolve().is_relative_to(root):
            raise _leading_out(path, Path(entry))
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
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _iter_files(Path(entry))
            else:
                yield entry


def _check_chunk(path: Path, chunk: Path, size: int, head: ArrayHead) -> None:
    """Compare the size that a packed chunk claims with that of all chunks."""
    with chunk.open("rb") as file:
        first = file.read(_HEADER)
        claimed = _claimed(first, head.packing)
        if head.packing in {"gzip", "zlib"} and size * 1100 > _LARGE:
            file.seek(0)
            claimed = inflated_size(file, head.chunk_nbytes)
    if claimed > head.chunk_nbytes:
        raise _damaged(path, f"the chunk {chunk.name!r} claims {in_words(claimed)}")
    # blosc reads on beyond the end of a chunk that is shorter than it says.
    whole = len(first) >= 16 and int.from_bytes(first[12:16], "little") <= size
    if head.packing == "blosc" and not whole:
        raise _damaged(path, f"the chunk {chunk.name!r} is cut off")


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


def list_zarr_images(folder: Path) -> list[Path]:
    """Return the images of a zarr, in the order of its metadata.

    All fields of a plate or of a well; all series of a container that has several.
    Everything else is one image, which is read or refused as a whole.
    """
    attributes = group_attributes(folder) or {}
    if "plate" in attributes:
        wells = _paths(folder, attributes["plate"], "wells")
        found = [field for well in wells for field in _fields(well)]
    elif "well" in attributes:
        found = _fields(folder)
    else:
        series = _series(folder, attributes)
        found = series if len(series) > 1 else []
    root = folder.resolve()
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise _leading_out(folder, path)
    return found or [folder]


def labels_inside(path: Path) -> Path:
    """Return the one label map of an OME-Zarr image, or else the path itself.

    An image with several is refused, with their names.
    """
    group = path / "labels"
    if not (path.is_dir() and is_group(path) and is_group(group)):
        return path
    names = (group_attributes(group) or {}).get("labels")
    found = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
    if not found:
        return path
    inside = [level_folder(group, name) for name in found]
    if len(inside) > 1:
        some = ", ".join(repr(str(one)) for one in inside[:_SHOWN])
        raise InputError(
            f"The zarr {str(path)!r} has {len(inside)} label maps; name one: {some}."
        )
    if not inside[0].resolve().is_relative_to(path.resolve()):
        raise _leading_out(path, inside[0])
    return inside[0]


def _leading_out(folder: Path, link: Path) -> InputError:
    """Return an error that names a link to what is not in a zarr."""
    return InputError(
        f"The zarr {str(folder)!r} was not read: {link.name!r} in it is a link that "
        "leads out of it; copy the whole zarr."
    )


def image_inside(folder: Path) -> tuple[Path, str | None]:
    """Return the one image that a zarr stands for, and what is said of others.

    A plate or another group without an image of its own is refused with those inside.
    """
    attributes = group_attributes(folder)
    if attributes is None or "multiscales" in attributes:
        return folder, None
    series = _series(folder, attributes)
    if not series:
        inside = list(islice(_images_below(folder), _SHOWN))
        if not inside:
            raise neither(folder)
        raise InputError(
            f"The zarr {str(folder)!r} is no image but a group of several; name the "
            f"one inside: {', '.join(repr(str(one)) for one in inside)}."
        )
    note = (
        f"the zarr holds {len(series)} images and only {series[0].name!r} was read; "
        f"name the others, such as {str(series[-1])!r}"
    )
    return series[0], note if len(series) > 1 else None


def _series(folder: Path, attributes: dict[str, Any]) -> list[Path]:
    """Return the images of a container, in the order of their numbers."""
    if _CONTAINER not in attributes:
        return []
    names = (one.name for one in folder.iterdir())
    numbers = sorted(int(n) for n in names if n.isascii() and n.isdecimal())
    return [folder / str(n) for n in numbers if is_group(folder / str(n))]


def _fields(well: Path) -> list[Path]:
    attributes = group_attributes(well) if well.is_dir() else None
    return _paths(well, (attributes or {}).get("well"), "images")


def _paths(folder: Path, found: Any, what: str) -> list[Path]:
    """Return the folders in a list of metadata, which can be any nonsense."""
    entries = found.get(what) if isinstance(found, dict) else None
    if not isinstance(entries, list):
        return []
    if len(entries) > _MOST_IMAGES:
        raise InputError(f"A zarr tells of {len(entries):,} {what}; name one of them.")
    paths = (one.get("path") for one in entries if isinstance(one, dict))
    return [level_folder(folder, p) for p in paths if isinstance(p, str) and p]


def _images_below(folder: Path) -> Iterator[Path]:
    """Yield images and arrays inside of a group; not the levels of an image."""
    waiting, looked_at = [(folder, 0)], 0
    while waiting and looked_at < _MOST_FOLDERS:
        here, depth = waiting.pop(0)
        looked_at += 1
        if depth and _is_image(here):
            yield here
        elif depth < _DEEPEST:
            folders = sorted(one for one in here.iterdir() if one.is_dir())
            waiting += [(one, depth + 1) for one in folders if not one.is_symlink()]


def _is_image(folder: Path) -> bool:
    try:
        attributes = group_attributes(folder)
    except InputError:
        return False
    return attributes is None or "multiscales" in attributes
