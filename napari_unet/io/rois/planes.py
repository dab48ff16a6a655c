"""On which plane of a stack a region of ImageJ's lies."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

_NAMED = re.compile(r"(\d{4,6})(?:-\d{4,6}){2}(?:-\d+)?")
"""Plane, row and column, and a number where there are several."""

Plane: TypeAlias = tuple[int, int]
"""Numbers of a frame and of a section, from 0."""


class NoPlaneError(ValueError):
    """The region lies on no plane of the stack."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a region says that it lies, counted from 1; 0 is not said.

    In hyperstacks ImageJ counts frames and sections, and else all planes.
    """

    frame: int
    section: int
    plane: int

    @classmethod
    def of(cls, region: Any) -> Position:
        """Return that of a region of roifile's."""
        return cls(region.t_position, region.z_position, region.position)

    def or_by_name(self, name: str, channels: int | None) -> Position:
        """Return the one that ImageJ has put into a name, where none is said.

        Such as 5 in "0005-0012-0034": it counts the planes of all channels, so nobody
        knows it whose image has an unknown number of them.
        """
        found = _NAMED.fullmatch(name)
        if self != UNSAID or found is None or channels is None:
            return self
        return Position(0, 0, (int(found[1]) - 1) // channels + 1)

    def among(self, extent: Mapping[str, int]) -> Plane:
        """Return the plane of a stack of so many frames ("T") and sections ("Z").

        A time-lapse and a stack of sections are often taken for each other, so where
        there is one of them, whatever number is said counts. Nothing has to be said of
        a single plane.

        Raises a NoPlaneError, in words, if the stack has no such plane, or none is
        said.
        """
        frames, sections = extent.get("T", 1), extent.get("Z", 1)
        frame, section = self.frame, self.section
        if frames > 1 and sections > 1:
            if not frame and not section and self.plane:
                frame, section = (n + 1 for n in divmod(self.plane - 1, sections))
        elif frames > 1:
            frame = frame or self.plane or section
        else:
            section = section or self.plane or frame
        return _checked("frame", frame, frames), _checked("section", section, sections)


UNSAID = Position(0, 0, 0)


def planes_on_one(places: Iterable[tuple[Position, Plane]]) -> int:
    """Return from how many planes regions come to lie on one; 1 where that is right.

    Positions are compared where they are said in the same way.
    """
    said: defaultdict[object, set[Position]] = defaultdict(set)
    for position, plane in places:
        way = position.frame > 0, position.section > 0, position.plane > 0
        said[plane, way].add(position)
    return max(map(len, said.values()), default=1)


def _checked(what: str, number: int, count: int) -> int:
    if count == 1:
        return 0
    if not 1 <= number <= count:
        said = f"on the {what} {number}" if number else f"on no {what} of its own"
        raise NoPlaneError(f"{said}, and the image has {count}")
    return number - 1
