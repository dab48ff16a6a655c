"""Outlines of ImageJ's regions of interest; roifile reads their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import roifile

from napari_unet.io.outlines import Loop

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
_OVAL_CORNERS = 360
# Of a composite: how many numbers follow each kind of step.
_MOVE, _LINE, _CLOSE = 0, 1, 4
_STEPS = {_MOVE: 2, _LINE: 2, _CLOSE: 0}


class NoAreaError(ValueError):
    """The region is of a kind that has no area, or none that is known here."""


def loops_of(content: bytes) -> list[Loop]:
    """Return the outlines of a region.

    Parameters
    ----------
    content : bytes
        A ``.roi`` file.

    Returns
    -------
    list of Loop
        One, or several for a composite, which are meant by the even-odd rule.

    Raises
    ------
    NoAreaError
        Saying in words what it is instead.
    Exception
        Whatever else roifile raises for what it cannot read.
    """
    roi = roifile.ImagejRoi.frombytes(content)
    if roi.composite:
        loops = list(_iter_composite(roi.multi_coordinates))
    elif roi.roitype in _LINES:
        raise NoAreaError(_LINES[roi.roitype])
    elif roi.subtype not in _POLYGON_SUBTYPES:
        raise NoAreaError(f"of the kind {roi.subtype.name.lower()}")
    elif roi.options & roifile.ROI_OPTIONS.SPLINE_FIT:
        raise NoAreaError("a spline")
    elif roi.roitype in _POLYGONS:
        loops = [_polygon(roi)]
    elif roi.roitype in {_Kind.RECT, _Kind.OVAL} and not roi.rounded_rect_arc_size:
        loops = [_box(roi)]
    else:
        raise NoAreaError("of an unknown kind")
    return loops


def _polygon(roi: Any) -> Loop:
    if roi.subpixelresolution:
        corners = np.asarray(roi.subpixel_coordinates, np.float64)
    else:
        corners = roi.integer_coordinates + np.array([roi.left, roi.top], np.float64)
    return corners[:, ::-1]


def _box(roi: Any) -> Loop:
    """Return the corners of a rectangle, or as many of an oval as nobody can tell."""
    if roi.subpixelrect:
        x, y, width, height = roi.xd, roi.yd, roi.widthd, roi.heightd
    else:
        x, y = roi.left, roi.top
        width, height = roi.right - x, roi.bottom - y
    if roi.roitype == _Kind.RECT:
        unit = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], np.float64)
    else:
        angle = np.arange(_OVAL_CORNERS) * 2 * np.pi / _OVAL_CORNERS
        unit = (np.stack([np.sin(angle), np.cos(angle)], axis=1) + 1) / 2
    return unit * np.array([height, width], np.float64) + np.array([y, x], np.float64)


def _iter_composite(numbers: Any) -> Iterator[Loop]:
    """Follow the steps of a composite, and yield what they enclose."""
    loop: list[tuple[float, float]] = []
    place = 0
    while place < len(numbers):
        step = int(numbers[place])
        if step not in _STEPS:
            raise NoAreaError("a composite with curves")
        corner = numbers[place + 1 : place + 1 + _STEPS[step]]
        place += 1 + _STEPS[step]
        if step != _LINE and loop:
            yield np.array(loop)
            loop = []
        if len(corner) == 2:
            loop.append((float(corner[1]), float(corner[0])))
    if loop:
        yield np.array(loop)
