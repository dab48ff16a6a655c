"""The first image of a TIFF, OME-TIFF or ImageJ file, read by regions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.axes import ImageHeader, axes_that_fit
from napari_unet.geometry.box import Box
from napari_unet.images.blocks import iter_blocks
from napari_unet.images.channels import channel_count
from napari_unet.io.reader import in_words, refuse_more_than_held
from napari_unet.io.stored import (
    Head,
    Named,
    Pixels,
    Said,
    Stored,
    View,
    file_fingerprint,
    without_single,
)
from napari_unet.io.tiff import checks, metadata, photometric
from napari_unet.io.tiff.file import opened, tells_of_damage
from napari_unet.io.tiff.pages import KEPT
from napari_unet.io.tiff.planes import Arrangement, arrange
from napari_unet.io.tiff.run import Planes

_MORE_PAGES = re.compile(r"OME series expected (\d+) frames, got (\d+)")
_OTHER_FILES = (
    "the file is one of several and only its own planes were read; join them in Fiji "
    "to use all"
)
_BLOCK = 2**24


@dataclass(frozen=True, kw_only=True)
class TiffImage(Stored):
    """The first image of a TIFF.

    Attributes
    ----------
    most_expansion : int
        How many bytes of pixels a byte in the file can stand for.
    """

    most_expansion: int

    def open(self) -> Pixels:
        """Open the file."""
        with ExitStack() as stack:
            file, _ = stack.enter_context(opened(self.path))
            return _TiffPixels(arrange(self.path, file).levels, stack.pop_all())

    def fingerprint(self) -> str:
        """Return what becomes another text when the file becomes another one."""
        return file_fingerprint(self.path)

    def check_whole(self) -> None:
        """Refuse more pixels than the file can hold, or than fit into memory."""
        self.check_claims()
        super().check_whole()

    def check_claims(self) -> None:
        """Refuse more pixels than the file can hold."""
        claimed = self.lying.nbytes
        words = f"{in_words(claimed)} of pixels"
        refuse_more_than_held(self.path, claimed, self.most_expansion, words)


@dataclass(frozen=True, slots=True, eq=False)
class _TiffPixels:
    levels: tuple[Planes, ...]
    files: ExitStack

    def read(self, region: Box, level: int) -> npt.NDArray[Any]:
        return self.levels[level].read(region)

    def missing(self, region: Box, level: int) -> tuple[str, ...]:
        return self.levels[level].missing(region)

    def close(self) -> None:
        self.files.close()


def find_tiff(path: Path, *, stored: bool = False) -> TiffImage:
    """Return the first image of a file.

    Where what is `stored` is wanted, its numbers are those that lie in the file, and
    not what they are shown as. Metadata that name other files are not followed: a file
    from a stranger could name any file of this machine.

    Raises an InputError if it is packed, or coloured, in a way that is not read. Raises
    a ValueError, or whatever tifffile raises, if it is damaged.
    """
    with opened(path) as (file, messages):
        has_others = checks.check_metadata(path, file)
        page = file.pages.first
        if not stored:
            photometric.refuse_unread_colours(path, page)
        found = arrange(path, file)
        most = checks.most_expansion(path, found.series) if found.series else 1
        image = TiffImage(path=path, lying=_head(file, found), most_expansion=most)
        if damage := _damage(messages, found):
            image.check_claims()
            raise ValueError(damage)
        notes = (_OTHER_FILES if has_others else None, found.note, found.others)
        image = image.viewed(
            *map(Said, filter(None, notes)),
            *_iter_axes_views(image.lying, found),
            *_iter_missing_planes(messages),
        )
        image = image.viewed(*photometric.iter_alpha_views(image.head, page))
        if not stored:
            image = image.viewed(
                *photometric.iter_shown_views(
                    image.head,
                    page,
                    imagej=file.is_imagej,
                    used=lambda: _lowest_and_highest(found.levels[0]),
                )
            )
        head = image.head
        names = metadata.channel_names(file, channel_count(head.shape, head.axes or ""))
        lying = replace(image.lying, channels=names)
    return replace(image, lying=lying)


def _damage(messages: list[str], found: Arrangement) -> str | None:
    """Return what is missing of a file, in words of programs."""
    cut_off = "it ends before its pixels do" if found.cut_off else None
    return next(filter(tells_of_damage, messages), cut_off)


def read_tiff_header(path: Path) -> ImageHeader:
    """Return what a file states of its first image; no pixels are read."""
    with opened(path) as (file, messages):
        checks.check_metadata(path, file)
        found = arrange(path, file)
        if any(map(tells_of_damage, messages)):
            return ImageHeader()
        head = _head(file, found)
        axes = _known_axes(found.axes)
        if axes is None:
            return ImageHeader(pixel_size=head.pixel_size, others=found.others)
        names = metadata.channel_names(file, channel_count(head.shape, axes))
    return ImageHeader(axes, head.shape, names, head.pixel_size, found.others)


def _head(file: Any, found: Arrangement) -> Head:
    finest = found.levels[0]
    nbytes = int(np.prod(finest.piece, dtype=np.int64)) * finest.dtype.itemsize
    slow = (
        f"its pixels are packed in pieces of {in_words(nbytes)}, and to read a region "
        "unpacks at least one; tiles of 512 x 512 pixels are quicker"
    )
    return Head(
        levels=tuple(level.shape for level in found.levels),
        piece=finest.piece,
        dtype=finest.dtype,
        axes=found.axes,
        pixel_size=metadata.pixel_sizes(file),
        slow=slow if nbytes > KEPT else None,
    )


def _iter_axes_views(lying: Head, found: Arrangement) -> Iterator[View]:
    """Leave out axes of one plane that have no meaning; name the others."""
    if found.axes is None:
        return
    single = without_single(lying, "QI")
    if single is not None:
        yield single
        lying = single.head(lying)
    yield Named(_known_axes(lying.axes))


def _iter_missing_planes(messages: list[str]) -> Iterator[View]:
    for one in filter(None, map(_MORE_PAGES.search, messages)):
        yield Said(
            f"its metadata tell of {one[1]} planes and the file holds {one[2]}: the "
            "others were not read"
        )


def _known_axes(axes: str | None) -> str | None:
    """Return the axes as a part of "TCZYX" with colour samples as C, or None."""
    if axes is None or ("C" in axes and "S" in axes):
        return None
    return axes_that_fit(axes.replace("S", "C"), len(axes))


def _lowest_and_highest(planes: Planes) -> tuple[int, int]:
    blocks = (planes.read(b) for b in iter_blocks(planes.shape, planes.piece, _BLOCK))
    ends = [(int(block.min()), int(block.max())) for block in blocks]
    return min(low for low, _ in ends), max(high for _, high in ends)
