"""Regions of files, drawn into label maps; whichever format they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_unet.errors import InputError
from napari_unet.geometry.ids import LARGEST_ID
from napari_unet.geometry.maps import LabelMap
from napari_unet.io.rois.outlines import Loop, fill, rows_crossed, window_of
from napari_unet.io.rois.planes import UNSAID, Plane, Position

_MOST_WORK = 50
_FREE_WORK = 10**8
_MOST_CROSSINGS = 5 * 10**6


@dataclass(frozen=True, slots=True)
class Region:
    """One region of a file, read; `label` is the id that the file has for it, or 0.

    It lies on a plane of the image, which need not be where it was `said` to be.
    """

    name: str
    loops: list[Loop]
    plane: Plane
    label: int = 0
    said: Position = UNSAID


def draw(
    path: Path, regions: Sequence[Region], extent: Mapping[str, int]
) -> tuple[LabelMap, int]:
    """Draw regions, numbered from 1, into a stack (T, Z, Y, X); the last is on top.

    Returns the stack, and how many regions lie in part over others. Raises an
    InputError if a region has no pixel in the image, or none that is left.
    """
    labels = np.zeros([extent.get(axis, 1) for axis in "TZYX"], np.int32)
    work, limit, over = 0, _FREE_WORK + _MOST_WORK * labels.size, 0
    for number, region in enumerate(regions, start=1):
        plane = labels[region.plane]
        window = window_of(region.loops, plane.shape)
        crossings = sum(
            int(rows_crossed(loop, window)[1].sum()) for loop in region.loops
        )
        work += plane[window].size + crossings
        if work > limit or crossings > _MOST_CROSSINGS:
            raise InputError(
                f"The regions in {str(path)!r} overlap so much, or are so jagged, that "
                "drawing them would not end; check that they belong to this image."
            )
        inside = fill(region.loops, window)
        if not inside.any():
            raise InputError(
                f"The region {region.name!r} in {str(path)!r} has no pixel in the "
                f"image (Y, X {plane.shape}); check that it belongs to this image, or "
                "delete it."
            )
        over += bool(plane[window][inside].any())
        plane[window][inside] = number
    _refuse_covered(path, regions, labels)
    return labels, over


def _refuse_covered(path: Path, regions: Sequence[Region], labels: LabelMap) -> None:
    left = np.bincount(labels.ravel(), minlength=len(regions) + 1)[1:]
    if not left.all():
        name = regions[int(np.argmin(left > 0))].name
        raise InputError(
            f"The region {name!r} in {str(path)!r} is covered by later ones; delete "
            "it, or what covers it."
        )


def ids_of(regions: Sequence[Region]) -> LabelMap | None:
    """Return the ids of regions by their numbers, 0 first; None where they are no ids.

    On one plane every region is another object.
    """
    ids = [region.label for region in regions]
    planes = {(region.label, region.plane) for region in regions}
    if len(planes) < len(ids) or not all(0 < each <= LARGEST_ID for each in ids):
        return None
    return np.array([0, *ids], np.int32)
