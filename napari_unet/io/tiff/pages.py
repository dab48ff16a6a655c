"""Reading regions of a TIFF's pages: the tiles and strips that hold them, no others.

tifffile decodes a tile; which ones are needed, whether they are what they claim, and
which are kept for the next region is decided here.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import UnreadableRegion, reason_of
from napari_unet.geometry.axes import Shape
from napari_unet.geometry.box import Box
from napari_unet.io.tiff.checks import check_of_segments

KEPT = 2**26
"""Bytes of unpacked tiles that are kept; the last one is kept, however large."""


@dataclass(slots=True, eq=False)
class Kept:
    """Unpacked tiles and strips, the last used ones, in bounded memory."""

    most: int = KEPT
    pieces: OrderedDict[tuple[int, int], npt.NDArray[Any]] = field(
        default_factory=OrderedDict
    )
    nbytes: int = 0
    unpacked: int = 0  # how many there were so far

    def find(self, key: tuple[int, int]) -> npt.NDArray[Any] | None:
        """Return one that is kept."""
        if key in self.pieces:
            self.pieces.move_to_end(key)
        return self.pieces.get(key)

    def keep(self, key: tuple[int, int], piece: npt.NDArray[Any]) -> None:
        """Keep one, and drop those that were used longest ago."""
        self.unpacked += 1
        self.pieces[key] = piece
        self.nbytes += piece.nbytes
        while len(self.pieces) > 1 and self.nbytes > self.most:
            _, dropped = self.pieces.popitem(last=False)
            self.nbytes -= dropped.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """Planes, or volumes, each of which is a page of tiles or strips.

    The last axes of the shape are those of a page; a page that is None is all 0.
    """

    path: str
    pages: Sequence[Any]
    shape: Shape
    kept: Kept = field(default_factory=Kept)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the unpacked numbers."""
        dtype: np.dtype[Any] = np.dtype(_keyframe(self.pages).dtype)
        return dtype

    @property
    def piece(self) -> Shape:
        """A tile or strip, in the axes of the image."""
        grid = _Grid.of(_keyframe(self.pages))
        own = tuple(grid.segment[n] for n in grid.kept)
        return (*(1,) * (len(self.shape) - len(own)), *own)

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Unpack what holds a part of the region, and put it together."""
        keyframe = _keyframe(self.pages)
        out = np.full(region.shape, keyframe.nodata, keyframe.dtype)
        for number, grid, inside, target in self._parts(region, out):
            for index, box in grid.segments(inside):
                piece = self._segment(number, index)
                if piece is None:
                    continue
                common = box.intersect(inside)
                target[common.relative_to(inside).slices] = piece[
                    common.relative_to(box).slices
                ]
        return out

    def missing(self, region: Box) -> tuple[str, ...]:
        """Return the tiles and strips of a region that the file leaves out."""
        empty = np.broadcast_to(np.uint8(0), region.shape)
        return tuple(
            self._name(number, index)
            for number, grid, inside, _ in self._parts(region, empty)
            for index, _ in grid.segments(inside)
            if self._is_missing(number, index)
        )

    def _parts(
        self, region: Box, out: npt.NDArray[Any]
    ) -> Iterator[tuple[int, _Grid, Box, npt.NDArray[Any]]]:
        """Yield pages with their grids, the region in them and its place in the whole.

        All in tifffile's axes of a page: separate sample, depth, row, column, sample.
        """
        own = _Grid.of(_keyframe(self.pages)).kept
        lead = len(self.shape) - len(own)
        for at in product(*map(range, region.start[:lead], region.stop[:lead])):
            number = int(np.ravel_multi_index(at, self.shape[:lead])) if lead else 0
            page = self.pages[number]
            grid = _Grid.of(page if page is not None else _keyframe(self.pages))
            start, stop = [0] * 5, list(grid.extents)
            for place, a, b in zip(
                own, region.start[lead:], region.stop[lead:], strict=True
            ):
                start[place], stop[place] = a, b
            inside = Box(tuple(start), tuple(stop))
            index = tuple(a - b for a, b in zip(at, region.start, strict=False))
            yield number, grid, inside, out[index].reshape(inside.shape)

    def _is_missing(self, number: int, index: int) -> bool:
        page = self.pages[number]
        if page is None or index >= len(page.databytecounts):
            return True
        return not (page.databytecounts[index] and page.dataoffsets[index])

    def _segment(self, number: int, index: int) -> npt.NDArray[Any] | None:
        """Return an unpacked tile or strip (1, depth, rows, columns, samples)."""
        if self._is_missing(number, index):
            return None
        known = self.kept.find((number, index))
        if known is None:
            known = self._unpack(number, index)
            self.kept.keep((number, index), known)
        return known

    def _unpack(self, number: int, index: int) -> npt.NDArray[Any]:
        page = self.pages[number]
        keyframe = page.keyframe
        data = self._packed(number, index)
        if not check_of_segments(keyframe)(data):
            raise self._unreadable(number, index, "it holds more than its place")
        options = {}
        if int(keyframe.compression) in {6, 7, 34892, 33007}:
            options = {"jpegtables": page.jpegtables, "jpegheader": keyframe.jpegheader}
        try:
            piece, _, _ = keyframe.decode(data, index, **options)
        # Decoders raise anything at all.
        except Exception as error:
            if "imagecodecs" in str(error) or isinstance(error, MemoryError):
                raise
            reason = reason_of(error)
            raise self._unreadable(number, index, reason) from error
        return np.asarray(piece)[None]

    def _packed(self, number: int, index: int) -> bytes:
        page = self.pages[number]
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        file = page.parent.filehandle
        if offset + count > file.size:
            raise self._unreadable(number, index, "the file ends before it")
        file.seek(offset)
        data: bytes = file.read(count)
        if len(data) < count:
            raise self._unreadable(number, index, "the file was cut off")
        return data

    def _unreadable(self, number: int, index: int, reason: str) -> UnreadableRegion:
        return UnreadableRegion(self.path, self._name(number, index), reason)

    def _name(self, number: int, index: int) -> str:
        what = "tile" if _keyframe(self.pages).is_tiled else "strip"
        return f"{what} {index} of page {number}"


@dataclass(frozen=True, slots=True)
class _Grid:
    """How a page is cut, in tifffile's five axes."""

    extents: Shape
    segment: Shape

    @classmethod
    def of(cls, page: Any) -> _Grid:
        frame = page.keyframe
        extents = tuple(map(int, frame.shaped))
        if frame.is_tiled:
            cut = (frame.tiledepth, frame.tilelength, frame.tilewidth)
        else:
            cut = (1, frame.rowsperstrip, frame.imagewidth)
        segment = zip((1, *map(int, cut), extents[-1]), extents, strict=True)
        return cls(extents, tuple(max(1, min(pair)) for pair in segment))

    @property
    def kept(self) -> tuple[int, ...]:
        """Which of the axes the page has, as tifffile gives it."""
        return tuple(
            n for n, extent in enumerate(self.extents) if n in (2, 3) or extent > 1
        )

    def segments(self, inside: Box) -> Iterator[tuple[int, Box]]:
        """Yield numbers and places of what holds a part of a region."""
        counts = [
            math.ceil(n / m) for n, m in zip(self.extents, self.segment, strict=True)
        ]
        spans = [
            range(a // m, (b - 1) // m + 1)
            for a, b, m in zip(inside.start, inside.stop, self.segment, strict=True)
        ]
        for at in product(*spans):
            start = tuple(n * m for n, m in zip(at, self.segment, strict=True))
            stop = tuple(
                min(a + m, n)
                for a, m, n in zip(start, self.segment, self.extents, strict=True)
            )
            yield int(np.ravel_multi_index(at, counts)), Box(start, stop)


def _keyframe(pages: Sequence[Any]) -> Any:
    return next(page for page in pages if page is not None).keyframe


def page_shape(page: Any) -> Shape:
    """Return the shape of a page, with only those axes that it has."""
    grid = _Grid.of(page)
    return tuple(grid.extents[n] for n in grid.kept)
