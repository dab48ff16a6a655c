"""Reading TIFF files through tifffile, and noticing when they are damaged."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import tifffile

from napari_unet.geometry.axes import ImageHeader, axes_that_fit
from napari_unet.images.channels import channel_count
from napari_unet.images.source import ArrayImage
from napari_unet.io.reader import collect_log, refuse_beyond_memory, without_single
from napari_unet.io.tiff import checks, metadata, photometric

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# tifffile reads what is left of a damaged file and only logs what it missed.
_DAMAGE = re.compile(
    r"invalid page offset|invalid offset to first|corrupted (tag list|IFD|tile|strip)"
    r"|ImageJ series metadata invalid|zeroed|failed to reshape|incompletely written"
)
_LOST_TAG = re.compile(r"TiffTag (\d+) .*invalid value offset")
# Those without which pixels or axes are others; a photographer's name may be lost.
_NEEDED_TAGS = frozenset(
    {*range(254, 260), 262, 266, 270, 273, *range(277, 280), 284, 292, 317}
    | {*range(320, 326), 330, 338, 339, 347, *range(512, 522), *range(529, 533)}
    | {*range(33628, 33632), 34412, 50838, 50839}
)
_MORE_PAGES = re.compile(r"OME series expected (\d+) frames, got (\d+)")

_OTHER_FILES = (
    "the file is one of several and only its own planes were read; join them in Fiji "
    "to use all"
)

# Metadata lead to no other file. Those of Micro-Manager stand in OME and ImageJ's, too.
_ONE_FILE = MappingProxyType(
    {"_multifile": False, "is_mmstack": False, "is_ndtiff": False}
)


class _Alone(io.BufferedReader):
    """A file that tifffile cannot find others beside: it has no descriptor."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


def is_tiff(path: Path) -> bool:
    """Return whether the file begins like a TIFF or BigTIFF."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def read_tiff(path: Path, *, stored: bool = False) -> ArrayImage:
    """Read the first image of a TIFF, OME-TIFF or ImageJ file.

    Where what is `stored` is wanted, these are the numbers that lie in the file, and
    not what they are shown as. Metadata that name other files are not followed: a file
    from a stranger could name any file of this machine.

    Raises an InputError if the file claims what it cannot hold, or more than fits into
    memory. Raises a ValueError, or whatever tifffile raises, if it is damaged.
    """
    with _opened(path) as (file, messages):
        has_others = checks.check_metadata(path, file)
        page = file.pages.first
        if not stored:
            photometric.refuse_unread_colours(path, page)
        if file.is_imagej and (stack := metadata.find_stack(path, file)) is not None:
            found = _read_stack(path, stack, page)
            messages[:] = [one for one in messages if "ImageJ series" not in one]
        else:
            found = _read_first(path, file)
        sizes = metadata.pixel_sizes(file)
        if damage := next(filter(_is_damage, messages), None):
            raise ValueError(damage)
        missing = [
            f"its metadata tell of {one[1]} planes and the file holds {one[2]}: the "
            "others were not read"
            for one in filter(None, map(_MORE_PAGES.search, messages))
        ]
        found = replace(found, pixel_size=sizes, note=None).noted(
            _OTHER_FILES if has_others else None, found.note, *missing
        )
        found = photometric.without_alpha(found, page)
        if stored:
            return found
        return photometric.as_shown(found, page, imagej=file.is_imagej)


def _is_damage(message: str) -> bool:
    lost = _LOST_TAG.search(message)
    return (int(lost[1]) in _NEEDED_TAGS) if lost else bool(_DAMAGE.search(message))


def read_tiff_header(path: Path) -> ImageHeader:
    """Return what a file states of its first image; no pixels are read."""
    with _opened(path) as (file, messages):
        checks.check_metadata(path, file)
        series = list(file.series)
        if any(map(_is_damage, messages)):
            return ImageHeader()
        sizes = metadata.pixel_sizes(file)
        if file.is_imagej and (stack := metadata.find_stack(path, file)) is not None:
            axes, shape = stack.axes, (*stack.sizes, *file.pages.first.shape)
        else:
            axes, shape = _known_axes(series[0].axes), tuple(map(int, series[0].shape))
        if axes is None or _are_pages_of_a_stack(series):
            return ImageHeader(pixel_size=sizes)
        names = metadata.channel_names(file, channel_count(shape, axes))
    return ImageHeader(axes, shape, names, sizes)


def is_damaged_tiff(path: Path) -> bool:
    """Return whether a file holds less than it says; its pixels are not looked at."""
    try:
        with _opened(path) as (file, messages):
            list(file.series)
            return any(map(_is_damage, messages))
    except Exception:  # noqa: BLE001 - tifffile raises anything on damaged files
        return True


def is_shown_otherwise(path: Path) -> bool:
    """Return whether other values are shown than are stored; False if it is damaged."""
    try:
        with _opened(path) as (file, _):
            return int(file.pages.first.photometric) in photometric.SHOWN_OTHERWISE
    except Exception:  # noqa: BLE001 - tifffile raises anything on damaged files
        return False


@contextmanager
def _opened(path: Path, **kinds: bool) -> Iterator[tuple[Any, list[str]]]:
    """Open a file, and collect what tifffile logs of it."""
    checks.check_pages(path)
    with (
        collect_log("tifffile") as messages,
        _Alone(path.open("rb", buffering=0)) as stream,
        tifffile.TiffFile(stream, name=path.name, **_ONE_FILE, **kinds) as file,
    ):
        yield file, messages


def _read_first(path: Path, file: Any) -> ArrayImage:
    series = list(file.series)
    if not series:
        raise ValueError("it holds no image")
    if _are_pages_of_a_stack(series):
        checks.check_series(path, series)
        return ArrayImage(array=np.stack([one.asarray() for one in series]))
    first = series[0]
    checks.check_series(path, [first])
    # Axes of one plane that have no meaning.
    array, axes = without_single(first.asarray(), str(first.axes), "QI")
    note = (
        f"the file holds {len(series)} images and only the first was read; "
        "save the others as files of their own to use them"
    )
    found = ArrayImage(array=array, axes=_known_axes(axes))
    return found.noted(note) if len(series) > 1 else found


def _read_stack(path: Path, stack: metadata.Stack, page: Any) -> ArrayImage:
    """Read all planes of ImageJ's that are there, whatever the header says."""
    if stack.contiguous:
        refuse_beyond_memory(path, stack.there * int(page.nbytes))
        dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        count, start = stack.there * page.size, int(page.dataoffsets[0])
        values = np.fromfile(path, dtype, count, offset=start)
        planes = values.reshape(stack.there, *page.shape)
    else:
        with _opened(path, is_imagej=False) as (file, _):
            planes = _read_first(path, file).array
        if len(planes) != stack.there:
            raise ValueError("its pages differ")
    array = planes[: stack.used].reshape(*stack.sizes, *planes.shape[1:])
    return ArrayImage(array=array, axes=stack.axes, note=stack.note)


def _are_pages_of_a_stack(series: list[Any]) -> bool:
    """Return whether planes were appended one by one, each as a series of its own."""
    page = "shaped", "YX", series[0].shape, series[0].dtype
    alike = all((one.kind, one.axes, one.shape, one.dtype) == page for one in series)
    return len(series) > 1 and alike


def _known_axes(axes: str) -> str | None:
    """Return the axes as a part of "TCZYX" with colour samples as C, or None."""
    if "C" in axes and "S" in axes:
        return None
    return axes_that_fit(axes.replace("S", "C"), len(axes))
