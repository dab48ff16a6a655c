"""Arrays that read nothing when they are indexed, but when somebody wants the numbers.

napari takes a part of all planes first, and one plane of that after.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Places: TypeAlias = tuple["range | int", ...]
"""Which pixels along each axis are meant: some, or one, and the axis is gone."""


class Lazy(ABC):
    """What is indexed as an array is; a subclass knows its shape and reads."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Extent along every axis."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""

    @property
    @abstractmethod
    def places(self) -> Places:
        """Which pixels of `base` these are."""

    @property
    @abstractmethod
    def base(self) -> Level:
        """What reads them."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return math.prod(self.shape)

    def __getitem__(self, key: Any) -> View:
        """Return a part, of which nothing is read yet."""
        keys = iter(_full_key(key, self.ndim))
        return View(
            self.base,
            tuple(p if isinstance(p, int) else p[next(keys)] for p in self.places),
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Read it."""
        del copy
        return np.asarray(self.base.read_places(self.places), dtype)


class Level(Lazy):
    """A whole array, such as a level of a pyramid."""

    @property
    def places(self) -> Places:
        """All pixels."""
        return tuple(map(range, self.shape))

    @property
    def base(self) -> Level:
        """Itself."""
        return self

    @abstractmethod
    def read_places(self, places: Places) -> npt.NDArray[Any]:
        """Return the pixels at some places."""


class View(Lazy):
    """A part of a level."""

    def __init__(self, base: Level, places: Places) -> None:
        self._base, self._places = base, places

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent along every axis that is left."""
        return tuple(len(each) for each in self._places if isinstance(each, range))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the level."""
        return self._base.dtype

    @property
    def places(self) -> Places:
        """Which pixels of the level these are."""
        return self._places

    @property
    def base(self) -> Level:
        """The level."""
        return self._base


def spans_of(places: Places) -> list[range]:
    """Return pixels along each axis, those that are gone with one."""
    return [range(p, p + 1) if isinstance(p, int) else p for p in places]


def in_box(places: Places) -> tuple[int | slice, ...]:
    """Return the index of pixels in the box that holds them."""
    return tuple(
        0 if isinstance(each, int) else slice(None, None, each.step) for each in places
    )


def without_gone(places: Places) -> tuple[int | slice, ...]:
    """Return the index that lets axes go of which one pixel is meant."""
    return tuple(0 if isinstance(each, int) else slice(None) for each in places)


def _full_key(key: Any, ndim: int) -> Sequence[Any]:
    """Return an index with one entry for every axis."""
    places = key if isinstance(key, tuple) else (key,)
    whole = slice(None)
    if Ellipsis in places:
        at = places.index(Ellipsis)
        rest = (whole,) * (ndim - len(places) + 1)
        places = (*places[:at], *rest, *places[at + 1 :])
    return (*places, *(whole,) * (ndim - len(places)))
