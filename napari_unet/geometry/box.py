"""Boxes: half-open, axis-aligned regions of an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from operator import add, lt, sub
from typing import TypeAlias

PlaneIndex: TypeAlias = tuple[int, ...]
"""Which plane of an array: its place along all axes but the last two."""


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open region ``start <= index < stop`` along every axis, in pixels.

    Parameters
    ----------
    start, stop : tuple of int
        One entry per axis, in the order of the array's axes.
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> Box:
        """Return the box that covers an array of this shape."""
        return cls((0,) * len(shape), tuple(shape))

    @classmethod
    def from_slices(cls, slices: tuple[slice, ...]) -> Box:
        """Return the box of plain slices such as `scipy.ndimage.find_objects` gives."""
        return cls(tuple(s.start for s in slices), tuple(s.stop for s in slices))

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent along every axis; zero where the box is empty."""
        return tuple(max(0, b - a) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def empty(self) -> bool:
        """Whether the box holds no pixel."""
        return not all(map(lt, self.start, self.stop))

    @property
    def slices(self) -> tuple[slice, ...]:
        """Index that selects the box from an array."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def in_words(self) -> str:
        """For people, such as "0:3 x 20:64"."""
        return " x ".join(f"{each.start}:{each.stop}" for each in self.slices)

    def contains(self, other: Box) -> bool:
        """Return whether no pixel of `other` lies outside."""
        return self.union(other) == self

    def planes(self) -> Iterator[Box]:
        """Return the box plane by plane: along the last two axes."""
        for at in product(*map(range, self.start[:-2], self.stop[:-2])):
            stop = tuple(each + 1 for each in at)
            yield Box((*at, *self.start[-2:]), (*stop, *self.stop[-2:]))

    def intersect(self, other: Box) -> Box:
        """Return the common region, which may be empty."""
        return Box(
            _by_axis(max, self.start, other.start), _by_axis(min, self.stop, other.stop)
        )

    def union(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(
            _by_axis(min, self.start, other.start), _by_axis(max, self.stop, other.stop)
        )

    def grow(self, margin: int, shape: tuple[int, ...]) -> Box:
        """Return the box grown by `margin` on every side and cut to `shape`."""
        return Box(
            tuple([max(a - margin, 0) for a in self.start]),
            tuple([min(b + margin, n) for b, n in zip(self.stop, shape, strict=True)]),
        )

    def relative_to(self, other: Box) -> Box:
        """Return the same region in the coordinates of `other`."""
        return self._moved(sub, other.start)

    def placed_in(self, other: Box) -> Box:
        """Return the region whose coordinates relative to `other` these are."""
        return self._moved(add, other.start)

    def _moved(self, how: Callable[[int, int], int], origin: tuple[int, ...]) -> Box:
        return Box(_by_axis(how, self.start, origin), _by_axis(how, self.stop, origin))


def box_around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds all of some boxes, of which there are some."""
    starts, stops = ([each.start for each in boxes], [each.stop for each in boxes])
    return Box(
        tuple(map(min, zip(*starts, strict=True))),
        tuple(map(max, zip(*stops, strict=True))),
    )


def _by_axis(
    function: Callable[[int, int], int], first: tuple[int, ...], second: tuple[int, ...]
) -> tuple[int, ...]:
    # There may be thousands of boxes, and `map` is quick, but not strict.
    if len(first) != len(second):
        raise ValueError(f"{len(first)} axes do not go with {len(second)}")
    return tuple(map(function, first, second))
