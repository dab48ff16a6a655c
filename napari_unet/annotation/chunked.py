"""Arrays larger than memory, of which only the chunks exist that were written.

`ChunkedArray` is indexed as a numpy array is where an annotation does it: by a box of
slices, or by pixels. What comes back is a copy, so what was changed in it is put back::

    block = array[place]
    block[mask] = values
    array[place] = block

which costs nothing where the array is numpy's own. A chunk that was never written is 0
and takes no room. Chunks that are saved leave the memory when it is full, those that
were not asked for longest first, and are read again; what is not saved stays.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.points import Points

Index: TypeAlias = tuple[int, ...]
"""Which chunk, counted along every axis."""

Chunk: TypeAlias = npt.NDArray[Any]

Read: TypeAlias = Callable[[Index], Chunk | None]
"""Returns a chunk that is saved, None for one that never was."""

SIDE = 1024
"""Pixels of a chunk along the last two axes; a plane is never shared by chunks."""

MOST_BYTES = 2**28
"""The memory that saved chunks of one array may take."""

_LARGEST_COPY = 2**27
"""So many pixels are copied at once at most: whoever asks for more means all."""


def _nothing(_index: Index) -> None:
    """Nothing was saved."""


class ChunkedArray:
    """An array of numbers in chunks; lives on one thread.

    Parameters
    ----------
    shape, dtype
        Of the whole array; two axes or more.
    read : callable
        Returns saved chunks, cut off where the array ends.
    most_bytes : int
        The memory that chunks may take which can be had again.
    forgetful : bool
        Whether what does not fit into that memory may be forgotten, and is 0 then.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        read: Read = _nothing,
        *,
        most_bytes: int = MOST_BYTES,
        forgetful: bool = False,
    ) -> None:
        self.shape = tuple(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.chunk = (*(1 for _ in shape[:-2]), SIDE, SIDE)
        self._read = read
        self._most, self._bytes = most_bytes, 0
        self._forgetful = forgetful
        self._kept: OrderedDict[Index, Chunk] = OrderedDict()  # can be had again
        self._unsaved: dict[Index, Chunk] = {}
        self._lent: set[Index] = set()  # a save reads them: copied before a change

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels, that exist or not."""
        return math.prod(self.shape)

    @property
    def nbytes_in_memory(self) -> int:
        """What the chunks take that are in memory now."""
        return self._bytes + sum(each.nbytes for each in self._unsaved.values())

    @property
    def here(self) -> frozenset[Index]:
        """The chunks that are in memory."""
        return frozenset(self._unsaved) | frozenset(self._kept)

    @property
    def unsaved(self) -> frozenset[Index]:
        """The chunks that changed since they were saved last."""
        return frozenset(self._unsaved)

    def __array__(self, *_: object, **__: object) -> NoReturn:
        """Refuse to be taken whole."""
        raise too_large(self.shape)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """Return a copy of a box of slices, or of pixels."""
        if _are_points(key):
            return self._pixels(key)
        box, whole = self._box(key), np.s_[:]
        if math.prod(box.shape) > _LARGEST_COPY:
            raise too_large(box.shape)
        found = np.empty(box.shape, self.dtype)
        self.read_into(box, found)
        return found[tuple(0 if isinstance(each, int) else whole for each in key)]

    def __setitem__(self, key: Any, values: Any) -> None:
        """Write into a box of slices, or into pixels."""
        if _are_points(key):
            self._set_pixels(key, values)
            return
        box = self._box(key)
        values = np.broadcast_to(np.asarray(values, self.dtype), box.shape)
        for index, place in self._parts(box):
            there = place.relative_to(self.place(index)).slices
            self._writable(index)[there] = values[place.relative_to(box).slices]

    def read_into(self, box: Box, found: npt.NDArray[Any]) -> None:
        """Write what a box holds into an array of its shape."""
        for index, place in self._parts(box):
            chunk = self.find(index)
            there = place.relative_to(self.place(index)).slices
            here = found[place.relative_to(box).slices]
            here[...] = 0 if chunk is None else chunk[there]

    def read_from(self, read: Read) -> None:
        """Read saved chunks in another way from now on."""
        self._read = read

    def offer(self, chunks: Mapping[Index, Chunk]) -> None:
        """Take in chunks that somebody else has read, unless they are here."""
        for index, chunk in chunks.items():
            if not self.in_memory(index):
                self._keep(index, chunk)

    def place(self, index: Index) -> Box:
        """Return where a chunk lies, cut off where the array ends."""
        start = tuple(i * n for i, n in zip(index, self.chunk, strict=True))
        stop = tuple(a + n for a, n in zip(start, self.chunk, strict=True))
        return Box(start, stop).intersect(Box.whole(self.shape))

    def chunks_of(self, box: Box) -> list[Index]:
        """Return the chunks that a box touches."""
        return [index for index, _ in self._parts(box)]

    def find(self, index: Index) -> Chunk | None:
        """Return a chunk to be read only, None for one that was never written."""
        if (unsaved := self._unsaved.get(index)) is not None:
            return unsaved
        if index in self._kept:
            self._kept.move_to_end(index)
            return self._kept[index]
        chunk = self._read(index)
        if chunk is not None:
            self._keep(index, chunk)
        return chunk

    def in_memory(self, index: Index) -> bool:
        """Whether a chunk need not be read."""
        return index in self._unsaved or index in self._kept

    def lend(self, index: Index) -> Chunk:
        """Return a chunk to which nobody will write; a change makes another one."""
        chunk = self.find(index)
        if chunk is None:
            return np.zeros(self.place(index).shape, self.dtype)
        self._lent.add(index)
        return chunk

    def if_here(self, index: Index) -> Chunk | None:
        """Lend a chunk that is in memory; None for one that is not."""
        return self.lend(index) if self.in_memory(index) else None

    def note_saved(self, chunks: Mapping[Index, Chunk]) -> None:
        """Take note that chunks are saved; those that changed since then are not."""
        for index, chunk in chunks.items():
            if self.find(index) is chunk:
                self._lent.discard(index)
                self._unsaved.pop(index, None)
                self._keep(index, chunk)

    def _writable(self, index: Index) -> Chunk:
        chunk = self.find(index)
        if chunk is None:
            chunk = np.zeros(self.place(index).shape, self.dtype)
        elif index in self._lent:
            chunk = chunk.copy()
            self._lent.discard(index)
        if self._forgetful:
            self._keep(index, chunk)
        elif index not in self._unsaved or self._unsaved[index] is not chunk:
            self._drop(index)
            self._unsaved[index] = chunk if chunk.flags.writeable else chunk.copy()
            chunk = self._unsaved[index]
        return chunk

    def _keep(self, index: Index, chunk: Chunk) -> None:
        self._drop(index)
        self._kept[index] = chunk
        self._bytes += chunk.nbytes
        while self._bytes > self._most and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def _drop(self, index: Index) -> None:
        if (gone := self._kept.pop(index, None)) is not None:
            self._bytes -= gone.nbytes

    def _box(self, key: Any) -> Box:
        """Return the box of a key of whole numbers and slices without steps."""
        if len(key) != self.ndim:
            raise IndexError(f"expected {self.ndim} indices, found {key}")
        ends = [
            (each, each + 1) if isinstance(each, int) else each.indices(n)[:2]
            for each, n in zip(key, self.shape, strict=True)
        ]
        return Box(tuple(a for a, _ in ends), tuple(max(a, b) for a, b in ends))

    def _parts(self, box: Box) -> Iterator[tuple[Index, Box]]:
        """Yield the chunks that a box touches, and what it has in common with them."""
        if box.empty:
            return
        spans = (
            range(a // n, -(-b // n))
            for a, b, n in zip(box.start, box.stop, self.chunk, strict=True)
        )
        for index in product(*spans):
            yield index, self.place(index).intersect(box)

    def _by_chunk(self, points: Points) -> Iterator[tuple[Index, Any, Points]]:
        """Yield each chunk of some pixels, which of them it has, and where in it."""
        counts = tuple(-(-n // c) for n, c in zip(self.shape, self.chunk, strict=True))
        of = tuple(p // c for p, c in zip(points, self.chunk, strict=True))
        numbers = np.ravel_multi_index(of, counts)
        for number in np.unique(numbers).tolist():
            mine = numbers == number
            index = tuple(int(each) for each in np.unravel_index(number, counts))
            start = self.place(index).start
            there = tuple(p[mine] - a for p, a in zip(points, start, strict=True))
            yield index, mine, there

    def _pixels(self, points: Points) -> npt.NDArray[Any]:
        found = np.zeros(len(points[0]), self.dtype)
        for index, mine, there in self._by_chunk(points):
            chunk = self.find(index)
            if chunk is not None:
                found[mine] = chunk[there]
        return found

    def _set_pixels(self, points: Points, values: Any) -> None:
        values = np.broadcast_to(np.asarray(values, self.dtype), points[0].shape)
        for index, mine, there in self._by_chunk(points):
            self._writable(index)[there] = values[mine]


def _are_points(key: Any) -> bool:
    return all(isinstance(each, np.ndarray) for each in key) and bool(key)


def too_large(shape: tuple[int, ...]) -> InputError:
    """Return the error that somebody asks for more than fits into memory."""
    return InputError(
        f"Expected a part of the labels, found all {' x '.join(map(str, shape))} "
        "pixels, which are more than fits into memory; zoom in, and work on what is "
        "in view."
    )
