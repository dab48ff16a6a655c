"""Boxes: half-open, axis-aligned regions of an array."""

from __future__ import annotations

from dataclasses import dataclass


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
        return 0 in self.shape

    @property
    def slices(self) -> tuple[slice, ...]:
        """Index that selects the box from an array."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def contains(self, other: Box) -> bool:
        """Return whether no pixel of `other` lies outside."""
        return all(
            a <= c and d <= b
            for a, b, c, d in zip(
                self.start, self.stop, other.start, other.stop, strict=True
            )
        )

    def intersect(self, other: Box) -> Box:
        """Return the common region, which may be empty."""
        return Box(
            tuple(max(a, b) for a, b in zip(self.start, other.start, strict=True)),
            tuple(min(a, b) for a, b in zip(self.stop, other.stop, strict=True)),
        )

    def union(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(
            tuple(min(a, b) for a, b in zip(self.start, other.start, strict=True)),
            tuple(max(a, b) for a, b in zip(self.stop, other.stop, strict=True)),
        )

    def grow(self, margin: int, shape: tuple[int, ...]) -> Box:
        """Return the box grown by `margin` on every side and cut to `shape`."""
        grown = Box(
            tuple(a - margin for a in self.start), tuple(b + margin for b in self.stop)
        )
        return grown.intersect(Box.whole(shape))

    def relative_to(self, other: Box) -> Box:
        """Return the same region in the coordinates of `other`."""
        return Box(
            tuple(a - o for a, o in zip(self.start, other.start, strict=True)),
            tuple(b - o for b, o in zip(self.stop, other.start, strict=True)),
        )

    def placed_in(self, other: Box) -> Box:
        """Return the region whose coordinates relative to `other` these are."""
        return Box(
            tuple(a + o for a, o in zip(self.start, other.start, strict=True)),
            tuple(b + o for b, o in zip(self.stop, other.start, strict=True)),
        )
