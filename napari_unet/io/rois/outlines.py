"""Outlines of ImageJ's regions, and which pixels they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import roifile

from napari_unet.geometry.maps import Mask

Loop: TypeAlias = npt.NDArray[np.float64]
"""Corners (Y, X) of a closed outline, shape (n, 2); pixel (0, 0) reaches to (1, 1)."""

Window: TypeAlias = tuple[slice, slice]

_Kind = roifile.ROI_TYPE
_Sub = roifile.ROI_SUBTYPE

_POLYGONS = {_Kind.POLYGON, _Kind.FREEHAND, _Kind.TRACED}
_POLYGON_SUBTYPES = {_Sub.UNDEFINED, _Sub.ELLIPSE, _Sub.ROTATED_RECT}
_LINES = {
    _Kind.LINE: "a straight line",
    _Kind.FREELINE: "a freehand line",
    _Kind.POLYLINE: "a segmented line",
    _Kind.ANGLE: "an angle",
    _Kind.POINT: "points",
}
_OVAL_CORNERS = 360  # more than anybody can tell


class NoAreaError(ValueError):
    """The region is of a kind that has no area, or none that is known here."""


def loops_of(roi: Any) -> list[Loop]:
    """Return the outlines of a region, several for a composite (by the even-odd rule).

    Raises a NoAreaError saying in words what it is instead, or whatever else roifile
    raises for what it cannot read.
    """
    loops: list[Any]
    if roi.composite:
        try:
            loops = roi.path2coords(np.asarray(roi.multi_coordinates, np.float32))
        except NotImplementedError as error:
            raise NoAreaError("a composite with curves") from error
    elif roi.roitype in _LINES:
        raise NoAreaError(_LINES[roi.roitype])
    elif roi.subtype not in _POLYGON_SUBTYPES:
        raise NoAreaError(f"of the kind {roi.subtype.name.lower()}")
    elif roi.options & roifile.ROI_OPTIONS.SPLINE_FIT:
        raise NoAreaError("a spline")
    elif roi.roitype in _POLYGONS:
        loops = [roi.coordinates()]
    elif roi.roitype in {_Kind.RECT, _Kind.OVAL} and not roi.rounded_rect_arc_size:
        loops = [_box(roi)]
    else:
        raise NoAreaError("of an unknown kind")
    return [np.asarray(loop, np.float64)[:, ::-1] for loop in loops]


def _box(roi: Any) -> Any:
    """Return the corners (X, Y) of a rectangle, or of an oval."""
    if roi.subpixelrect:
        start, size = (roi.xd, roi.yd), (roi.widthd, roi.heightd)
    else:
        start = roi.left, roi.top
        size = roi.right - roi.left, roi.bottom - roi.top
    if roi.roitype == _Kind.RECT:
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    else:
        angle = np.arange(_OVAL_CORNERS) * 2 * np.pi / _OVAL_CORNERS
        unit = (np.stack([np.cos(angle), np.sin(angle)], axis=1) + 1) / 2
    return unit * size + start


def window_of(loops: Sequence[Loop], shape: tuple[int, int]) -> Window:
    """Return the rows and columns of an image that outlines can reach; may be empty."""
    corners = np.concatenate(loops)
    size = np.array(shape)
    first = np.clip(np.floor(corners.min(0)), 0, size).astype(int)
    last = np.clip(np.ceil(corners.max(0)), first, size).astype(int)
    return slice(first[0], last[0]), slice(first[1], last[1])


def fill(loops: Sequence[Loop], window: Window) -> Mask:
    """Return which pixels of a window have their centre inside of finite outlines.

    As ImageJ does it, and in time that grows with the outlines' length and the window
    only; `skimage.draw.polygon` looks at all corners for every pixel. Where two overlap
    is outside.
    """
    rows, columns = window
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    turns = np.zeros((shape[0], shape[1] + 1), np.int32)
    for loop in loops:
        row, x = _crossings(loop, window)
        column = np.clip(np.ceil(x - 0.5), columns.start, columns.stop).astype(int)
        np.add.at(turns, (row - rows.start, column - columns.start), 1)
    return np.asarray(np.cumsum(turns, axis=1)[:, :-1] % 2 == 1)


def rows_crossed(
    loop: Loop, window: Window
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for every edge its first row in the window, and how many it crosses."""
    y, end = loop[:, 0], np.roll(loop[:, 0], -1)
    limits = window[0].start, window[0].stop
    first = np.clip(np.ceil(np.minimum(y, end) - 0.5), *limits).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(y, end) - 0.5), *limits).astype(np.int64)
    return first, last - first


def _crossings(
    loop: Loop, window: Window
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the rows whose centre lines an outline crosses, and where (X)."""
    first, count = rows_crossed(loop, window)
    edge = np.repeat(np.arange(len(loop)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    row = first[edge] + step
    start, end = loop[edge], np.roll(loop, -1, axis=0)[edge]
    share = (row + 0.5 - start[:, 0]) / (end[:, 0] - start[:, 0])
    return row, start[:, 1] + share * (end[:, 1] - start[:, 1])
