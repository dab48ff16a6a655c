"""From a place outwards: which planes are near to one, and what is near to a point."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_unet.geometry.box import Box, PlaneIndex


def nearness(place: PlaneIndex, at: PlaneIndex) -> tuple[int, list[int], list[int]]:
    """Return by what planes are sorted, so that the nearest to one come first.

    On both sides by turns, the later one before the earlier one; where there are two
    axes, along the last of them, the depth, before the other one.
    """
    steps = [a - b for a, b in zip(place, at, strict=True)]
    far = [abs(each) for each in steps]
    return sum(far), far, [-each for each in steps]


def distance_to(box: Box, point: Sequence[float]) -> float:
    """Return how far a point is from a box; 0 inside."""
    ends = zip(box.start, point, box.stop, strict=True)
    return math.hypot(*(max(a - at, 0, at - b) for a, at, b in ends))
