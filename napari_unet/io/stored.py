"""What every format gives: an image that lies in files, and is read by regions.

A `Stored` image is a frozen value without pixels or open files, so it travels to other
processes; `Stored.open` gives the `Pixels` that read. What lies in a file and what an
image shows differ in small steps (an axis with one plane, white at 0, a palette): each
is a `View`, which tells the shape that comes out, the region that has to be read for
one of its own, and the pixels. So a region takes the same way as the whole image.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.axes import ImageHeader, Shape
from napari_unet.geometry.box import Box
from napari_unet.io.reader import refuse_beyond_memory

_ENDS = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is known of an image before its pixels are read; as in `ImageSource`.

    A piece is the shape in which pixels lie together in the file: a tile, a chunk, a
    row. Why regions cost more than they should is told by `slow`, in words.
    """

    levels: tuple[Shape, ...]
    piece: Shape
    dtype: np.dtype[Any]
    axes: str | None = None
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    note: str | None = None
    slow: str | None = None

    @property
    def shape(self) -> Shape:
        """Of the finest level."""
        return self.levels[0]

    @property
    def header(self) -> ImageHeader:
        """What is said of it where pixels are not asked for."""
        return ImageHeader(self.axes, self.shape, self.channels, self.pixel_size)

    @property
    def nbytes(self) -> int:
        """Of all pixels of the finest level."""
        return math.prod(self.shape) * self.dtype.itemsize

    def reshaped(self, shape: Callable[[Shape], Shape], axes: str | None) -> Self:
        """Return the same with other axes, and what becomes of shapes by that."""
        levels, piece = tuple(map(shape, self.levels)), shape(self.piece)
        return replace(self, levels=levels, piece=piece, axes=axes)

    def noted(self, *notes: str | None) -> Self:
        """Return the same with more said of it."""
        return replace(self, note="; ".join(filter(None, (self.note, *notes))) or None)


class Pixels(Protocol):
    """Open files of an image."""

    def read(self, region: Box, level: int) -> npt.NDArray[Any]:
        """Return a region of a level; whatever a library raises where it cannot."""
        ...

    def missing(self, region: Box, level: int) -> tuple[str, ...]:
        """Return the names of pieces that are not in the file, and have one value."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


class View(ABC):
    """A step from what lies in a file to what is shown; a frozen value."""

    @abstractmethod
    def head(self, head: Head) -> Head:
        """Return what is known of the image after this step."""

    def inner(self, region: Box) -> Box:
        """Return what has to be read for a region."""
        return region

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        """Return a region of what was read for it."""
        del region
        return array


@dataclass(frozen=True, kw_only=True)
class Stored(ABC):
    """An image in files.

    Attributes
    ----------
    path
        The file, or folder, that a person named.
    lying : Head
        Of the numbers that lie there.
    views : tuple of View
        From these to what is shown.
    """

    path: Path
    lying: Head
    views: tuple[View, ...] = ()

    @property
    def head(self) -> Head:
        """What is known of what is shown."""
        return reduce(lambda head, view: view.head(head), self.views, self.lying)

    @abstractmethod
    def open(self) -> Pixels:
        """Open the files; whatever a library raises where it cannot."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return what becomes another text when the files become others."""

    def check_whole(self) -> None:
        """Refuse more than fits into memory, before everything is read."""
        refuse_beyond_memory(self.path, self.lying.nbytes)

    def viewed(self, *views: View | None) -> Self:
        """Return the same with more steps."""
        return replace(self, views=(*self.views, *filter(None, views)))


@dataclass(frozen=True, slots=True)
class Native(View):
    """Numbers in the order of this machine's bytes; masks as uint8."""

    def head(self, head: Head) -> Head:
        """Return the same with another data type."""
        return replace(head, dtype=self._dtype(head.dtype))

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        """Return the same numbers."""
        del region
        return array.astype(self._dtype(array.dtype), copy=False)

    @staticmethod
    def _dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
        return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")


@dataclass(frozen=True, slots=True)
class Picked(View):
    """One place along each of some axes, which are no axes any more."""

    places: tuple[int, ...]
    at: int = 0

    def head(self, head: Head) -> Head:
        """Return the same without the axes."""
        axes = head.axes
        if axes is not None:
            axes = "".join(a for n, a in enumerate(axes) if n not in self.places)
        return head.reshaped(self._without, axes)

    def inner(self, region: Box) -> Box:
        """Return the region with the axes in their places."""
        start, stop = list(region.start), list(region.stop)
        for place in sorted(self.places):
            start.insert(place, self.at)
            stop.insert(place, self.at + 1)
        return Box(tuple(start), tuple(stop))

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        """Return the pixels without the axes."""
        del region
        return array.squeeze(self.places)

    def _without(self, shape: Shape) -> Shape:
        return tuple(n for place, n in enumerate(shape) if place not in self.places)


@dataclass(frozen=True, slots=True)
class LastAxis(View):
    """An axis, which was at some place, as the last one."""

    place: int

    def head(self, head: Head) -> Head:
        """Return the same with the axis last."""
        axes = head.axes
        if axes is not None:
            axes = "".join(self._moved(tuple(axes)))
        return head.reshaped(self._moved, axes)

    def inner(self, region: Box) -> Box:
        """Return the region with the axis at its place."""
        start, stop = list(region.start), list(region.stop)
        start.insert(self.place, start.pop())
        stop.insert(self.place, stop.pop())
        return Box(tuple(start), tuple(stop))

    def pixels(self, array: npt.NDArray[Any], region: Box) -> npt.NDArray[Any]:
        """Return the pixels with the axis last."""
        del region
        return np.moveaxis(array, self.place, -1)

    def _moved(self, each: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*each[: self.place], *each[self.place + 1 :], each[self.place])


@dataclass(frozen=True, slots=True)
class Named(View):
    """Other letters for the axes; None where they are not known."""

    axes: str | None

    def head(self, head: Head) -> Head:
        """Return the same with the letters."""
        return replace(head, axes=self.axes)


@dataclass(frozen=True, slots=True)
class Said(View):
    """Nothing but words about the image."""

    note: str

    def head(self, head: Head) -> Head:
        """Return the same with the words."""
        return head.noted(self.note)


def without_single(head: Head, which: str) -> Picked | None:
    """Leave out those of some axes that have one plane."""
    axes = head.axes or ""
    single = tuple(n for n, a in enumerate(axes) if a in which and head.shape[n] == 1)
    return Picked(single) if single else None


def file_fingerprint(path: Path) -> str:
    """Return size, time of change and the ends of a file, where metadata lie, in short.

    To look at all of it would take as long as to read it.
    """
    status = path.stat()
    found = sha256(f"{status.st_size} {status.st_mtime_ns}".encode())
    with path.open("rb") as file:
        found.update(file.read(_ENDS))
        file.seek(max(0, status.st_size - _ENDS))
        found.update(file.read(_ENDS))
    return found.hexdigest()
