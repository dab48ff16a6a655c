"""Reading TIFF files through tifffile, and noticing when they are damaged."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet.geometry.axes import CANONICAL
from napari_unet.images.channels import channel_count
from napari_unet.images.known_axes import StatedAxes
from napari_unet.images.source import ArrayImage
from napari_unet.io.reader import (
    NO_TRANSPARENCY,
    TURNED,
    ImageHeader,
    collect_log,
    refuse_beyond_memory,
)
from napari_unet.io.tiff.checks import check_ome, check_pages, refuse_entities
from napari_unet.io.tiff.imagej import Stack, find_stack, read_contiguous
from napari_unet.io.tiff.metadata import channel_names, pixel_sizes
from napari_unet.io.tiff.photometric import (
    SHOWN_OTHERWISE,
    as_shown,
    is_turned,
    refuse_unread_colours,
)
from napari_unet.io.tiff.sizes import check_series

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

_XML_TAGS = (270, 700)
_ALPHA = frozenset({1, 2})


class DamagedTiffError(Exception):
    """The file is a TIFF, but parts of it are missing or contradict each other."""


class _Alone(io.BufferedReader):
    """A file that tifffile cannot find others beside: it has no descriptor."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


class _OneFile(tifffile.TiffFile):  # type: ignore[misc]
    """A TIFF whose metadata lead to no other file.

    Micro-Manager's index files and lists of siblings are left alone; its files carry
    OME and ImageJ metadata as well.
    """

    is_mmstack = False
    is_ndtiff = False


def is_tiff(path: Path) -> bool:
    """Return whether the file begins like a TIFF or BigTIFF."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def read_tiff(path: Path, *, stored: bool = False) -> ArrayImage:
    """Read the first image of a TIFF, OME-TIFF or ImageJ file.

    Where what is `stored` is wanted, these are the numbers that lie in the file, and
    not what they are shown as. Metadata that name other files are not followed: a file
    from a stranger could name any file of this machine, and pixels would come from
    where nobody looked.

    Raises an InputError if the file claims what it cannot hold, or more than fits into
    memory. Raises a DamagedTiffError if the file is truncated or damaged. Raises
    whatever else tifffile raises for what it cannot read.
    """
    check_pages(path)
    with collect_log("tifffile") as messages, _opened(path) as file:
        notes = [_check_metadata(path, file)]
        page = file.pages.first
        stack = find_stack(path, file) if file.is_imagej else None
        if not stored:
            refuse_unread_colours(path, page)
        if stack is None:
            array, axes, note = _read_first(path, file)
        else:
            array, axes, note = _read_stack(path, stack, page)
            messages[:] = [one for one in messages if "ImageJ series" not in one]
        notes += [note, *_told_by(messages)]
        sizes = pixel_sizes(file)
        damage = next(filter(_is_damage, messages), None)
        if damage:
            raise DamagedTiffError(damage)
        array, axes, said = _without_alpha(array, axes, page)
        if not stored:
            array, axes, made = as_shown(array, axes, page, imagej=file.is_imagej)
            said += made + ([TURNED] if is_turned(page) else [])
    words = [note for note in (*notes, *said) if note]
    return ArrayImage(
        array=array, axes=axes, pixel_size=sizes, note="; ".join(words) or None
    )


def _is_damage(message: str) -> bool:
    lost = _LOST_TAG.search(message)
    return (int(lost[1]) in _NEEDED_TAGS) if lost else bool(_DAMAGE.search(message))


def _told_by(messages: list[str]) -> list[str]:
    """Return notes on what tifffile left out."""
    found = filter(None, map(_MORE_PAGES.search, messages))
    return [
        f"its metadata tell of {one[1]} planes and the file holds {one[2]}: the others "
        "were not read"
        for one in found
    ]


def read_tiff_header(path: Path) -> ImageHeader:
    """Return what a file states of its first image; no pixels are read.

    Raises an Exception as `read_tiff`.
    """
    check_pages(path)
    with collect_log("tifffile") as messages, _opened(path) as file:
        _check_metadata(path, file)
        series = list(file.series)
        if any(map(_is_damage, messages)):
            return ImageHeader()
        sizes = pixel_sizes(file)
        if file.is_imagej and (stack := find_stack(path, file)) is not None:
            shape = (*stack.sizes, *file.pages.first.shape)
            stated = StatedAxes(stack.axes, shape) if stack.axes else None
            return ImageHeader(stated, (), sizes)
        first = series[0]
        known = None if _are_pages_of_a_stack(series) else _known_axes(first.axes)
        if known is None:
            return ImageHeader(pixel_size=sizes)
        shape = tuple(int(n) for n in first.shape)
        names = channel_names(file, channel_count(shape, known))
    return ImageHeader(StatedAxes(known, shape), names, sizes)


def is_shown_otherwise(path: Path) -> bool:
    """Return whether grey values or colours are shown as others than are stored.

    False for a file that cannot be read.
    """
    try:
        check_pages(path)
        with collect_log("tifffile"), _opened(path) as file:
            return int(file.pages.first.photometric) in SHOWN_OTHERWISE
    except Exception:  # noqa: BLE001 - tifffile raises anything on damaged files
        return False


@contextmanager
def _opened(path: Path, **kinds: bool) -> Iterator[Any]:
    with (
        _Alone(path.open("rb", buffering=0)) as stream,
        _OneFile(stream, name=path.name, _multifile=False, **kinds) as file,
    ):
        yield file


def _check_metadata(path: Path, file: Any) -> str | None:
    """Look at the XML before anything follows it; return a note on other files."""
    for tag in _XML_TAGS:
        refuse_entities(path, file.pages.first.tags.valueof(tag))
    if not file.is_ome or not check_ome(path, file.ome_metadata):
        return None
    return (
        "the file is one of several and only its own planes were read; join them in "
        "Fiji to use all"
    )


def _read_first(
    path: Path, file: Any
) -> tuple[npt.NDArray[Any], str | None, str | None]:
    series = list(file.series)
    if not series:
        raise DamagedTiffError("it holds no image")
    first = series[0]
    stack = _are_pages_of_a_stack(series)
    check_series(path, series if stack else [first])
    if stack:
        return np.stack([one.asarray() for one in series]), None, None
    note = (
        f"the file holds {len(series)} images and only the first was read; "
        "save the others as files of their own to use them"
    )
    array, axes = _without_unnamed(first.asarray(), str(first.axes))
    return array, _known_axes(axes), note if len(series) > 1 else None


def _read_stack(
    path: Path, stack: Stack, page: Any
) -> tuple[npt.NDArray[Any], str | None, str]:
    """Read all planes of ImageJ's that are there, whatever the header says."""
    if stack.contiguous:
        refuse_beyond_memory(path, stack.there * int(page.nbytes))
        planes = read_contiguous(path, page, stack.there)
    else:
        with _opened(path, is_imagej=False) as file:
            planes = _read_first(path, file)[0]
        if len(planes) != stack.there:
            raise DamagedTiffError("its pages differ")
    return stack.arrange(planes), stack.axes, stack.note


def _without_unnamed(
    array: npt.NDArray[Any], axes: str
) -> tuple[npt.NDArray[Any], str]:
    """Leave out axes of one plane that have no meaning."""
    single = [n for n, a in enumerate(axes) if a in "QI" and array.shape[n] == 1]
    kept = "".join(axis for n, axis in enumerate(axes) if n not in single)
    return array.squeeze(tuple(single)), kept


def _without_alpha(
    array: npt.NDArray[Any], axes: str | None, page: Any
) -> tuple[npt.NDArray[Any], str | None, list[str]]:
    """Leave out the transparency of grey; put that of colours in the last place."""
    if not {int(one) for one in page.extrasamples} & _ALPHA or axes is None:
        return array, axes, []
    if "C" not in axes:
        return array, axes, []
    place, samples = axes.index("C"), int(page.samplesperpixel)
    if array.shape[place] != samples:
        return array, axes, []
    if samples == 2:
        index = (slice(None),) * place + (0,)
        return array[index], axes.replace("C", ""), [NO_TRANSPARENCY]
    return np.moveaxis(array, place, -1), axes.replace("C", "") + "C", []


def _are_pages_of_a_stack(series: list[Any]) -> bool:
    """Return whether planes were appended one by one, each as a series of its own."""
    return len(series) > 1 and all(
        one.kind == "shaped"
        and one.axes == "YX"
        and one.shape == series[0].shape
        and one.dtype == series[0].dtype
        for one in series
    )


def _known_axes(axes: str) -> str | None:
    """Return the axes as a part of "TCZYX" with colour samples as C, or None."""
    if "C" in axes and "S" in axes:
        return None
    known = str(axes).replace("S", "C")
    if not {"Y", "X"} <= set(known) <= set(CANONICAL):
        return None
    return known if len(set(known)) == len(known) else None
