"""A plane of an array that a person looks at, and which way the others lie."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_unet.geometry.box import Box


@dataclass(frozen=True, slots=True)
class Section:
    """A plane in sight.

    Parameters
    ----------
    at : tuple of int
        A pixel of it: where it lies along the axes that are not in sight.
    axes : tuple of two int
        Along which axes it extends, in the order of the array.
    along : int
        Along which axis one goes to the next plane or frame.
    through : int
        Along which axis planes lie on each other: the depth, where there is one.
    """

    at: tuple[int, ...]
    axes: tuple[int, int]
    along: int
    through: int

    def box(self, shape: tuple[int, ...]) -> Box:
        """Return all of the plane, in an array of a shape; empty where it is outside.

        A whole plane, whatever of it is in sight.
        """
        whole = Box.whole(shape)
        start, stop = list(whole.start), list(whole.stop)
        for axis, place in enumerate(self.at):
            if axis not in self.axes:
                start[axis], stop[axis] = place, place + 1
        return Box(tuple(start), tuple(stop)).intersect(whole)

    def beside(self, step: int) -> Section:
        """Return the plane that is so many further, which may lie outside."""
        at = list(self.at)
        at[self.along] += step
        return replace(self, at=tuple(at))


NOWHERE = Section((), (0, 1), 0, 0)
"""No plane of anything is in sight."""
