"""Label maps from ImageJ's regions: `NAME.roi`, or `NAME.zip` of the ROI Manager.

roifile reads their bytes; the outlines are filled by the even-odd rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import roifile

from napari_unet.errors import InputError
from napari_unet.geometry.ids import LARGEST_ID
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.io.archive import read_zip
from napari_unet.io.reader import collect_log, refuse_beyond_memory

Loop: TypeAlias = npt.NDArray[np.float64]
"""Corners (Y, X) of a closed outline, shape (n, 2); pixel (0, 0) reaches to (1, 1)."""

Window: TypeAlias = tuple[slice, slice]

ROI_SUFFIXES = frozenset({".roi", ".zip"})
"""Lower-case suffixes of files of regions."""

_MOST_REGIONS, _LARGEST_REGION, _LARGEST_FILE = 60_000, 2**24, 2**27
_MOST_WORK = 50
_FREE_WORK = 10**8
_MOST_CROSSINGS = 5 * 10**6

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
_ID = re.compile(r"[1-9][0-9]{0,9}")
_OVAL_CORNERS = 360  # more than anybody can tell


def is_roi_file(path: Path) -> bool:
    """Return whether a file is one of regions, by its suffix."""
    return path.suffix.lower() in ROI_SUFFIXES


def read_rois(path: str | Path, shape: tuple[int, ...]) -> LabelMap:
    """Draw the regions of a file into a label map of the shape (Y, X) of their image.

    Ids are the names of the regions of an archive if all are different numbers, such as
    "12", and else count from 1 in the order of the file. Where regions overlap, the
    last one counts. What lies outside of the image is cut off.

    Raises an InputError if the file is damaged, the image no plane, or a region has no
    area (lines, points), no pixel in the image, or none that is left of it.
    """
    path = Path(path)
    if len(shape) != 2:
        raise InputError(
            f"Regions of ImageJ are drawn on planes (Y, X), and the image of "
            f"{str(path)!r} has the shape {shape}; save its objects as a label map."
        )
    plane = (shape[0], shape[1])
    refuse_beyond_memory(path, 4 * plane[0] * plane[1])
    regions = {name: _loops(path, name, data) for name, data in _read(path).items()}
    labels = np.zeros(plane, np.int32)
    work, limit = 0, _FREE_WORK + _MOST_WORK * labels.size
    for number, (name, loops) in enumerate(regions.items(), start=1):
        window = window_of(loops, plane)
        crossings = sum(int(_rows(loop, window)[1].sum()) for loop in loops)
        work += labels[window].size + crossings
        if work > limit or crossings > _MOST_CROSSINGS:
            raise InputError(
                f"The regions in {str(path)!r} overlap so much, or are so jagged, that "
                "drawing them would not end; check that they belong to this image."
            )
        inside = fill(loops, window)
        if not inside.any():
            raise InputError(
                f"The region {name!r} in {str(path)!r} has no pixel in the image (Y, X "
                f"{shape}); check that it belongs to this image, or delete it."
            )
        labels[window][inside] = number
    left = np.bincount(labels.ravel(), minlength=len(regions) + 1)[1:]
    if not left.all():
        name = list(regions)[int(np.argmin(left > 0))]
        raise InputError(
            f"The region {name!r} in {str(path)!r} is covered by later ones; delete "
            "it, or what covers it."
        )
    ids = _ids(path, regions)
    return labels if ids is None else ids[labels]


def _ids(path: Path, names: Iterable[str]) -> LabelMap | None:
    """Return the ids that the regions of an archive are called by; 0 comes first."""
    plain = [name.rpartition("/")[2][: -len(".roi")] for name in names]
    if path.suffix.lower() != ".zip" or not all(map(_ID.fullmatch, plain)):
        return None
    ids = [int(name) for name in plain]
    if len({*ids}) < len(ids) or max(ids) > LARGEST_ID:
        return None
    return np.array([0, *ids], np.int32)


def _read(path: Path) -> dict[str, bytes]:
    try:
        if path.suffix.lower() == ".zip":
            found = read_zip(
                path,
                members=_MOST_REGIONS,
                member_bytes=_LARGEST_REGION,
                total_bytes=_LARGEST_FILE,
            )
        elif path.stat().st_size > _LARGEST_REGION:
            raise InputError(f"{str(path)!r} is too large for a region; check it.")
        else:
            found = {path.name: path.read_bytes()}
    except OSError as error:
        raise InputError(
            f"Cannot read {str(path)!r}: {error.strerror or error}."
        ) from error
    others = [name for name in found if not name.lower().endswith(".roi")]
    if others or not found:
        raise InputError(
            f"Expected regions of ImageJ (.roi) in {str(path)!r}, found "
            f"{repr(others[0]) if others else 'nothing'}; save them in the ROI Manager "
            "(More, Save)."
        )
    return found


def _loops(path: Path, name: str, content: bytes) -> list[Loop]:
    damaged = InputError(
        f"The region {name!r} in {str(path)!r} is incomplete or damaged; save it in "
        "ImageJ again."
    )
    try:
        with collect_log("roifile") as messages:
            loops = _loops_of(content)
    except NoAreaError as error:
        raise InputError(
            f"The region {name!r} in {str(path)!r} is {error}, which is no object; "
            "keep outlines only (polygon, freehand, rectangle, oval)."
        ) from error
    # A damaged region can make the reader raise almost anything.
    except Exception as error:
        raise damaged from error
    finite = all(np.isfinite(loop).all() for loop in loops)
    if messages or not finite or not any(map(len, loops)):
        raise damaged
    return loops


class NoAreaError(ValueError):
    """The region is of a kind that has no area, or none that is known here."""


def _loops_of(content: bytes) -> list[Loop]:
    """Return the outlines of a region, several for a composite (by the even-odd rule).

    Raises a NoAreaError saying in words what it is instead, or whatever else roifile
    raises for what it cannot read.
    """
    roi = roifile.ImagejRoi.frombytes(content)
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


def _rows(
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
    first, count = _rows(loop, window)
    edge = np.repeat(np.arange(len(loop)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    row = first[edge] + step
    start, end = loop[edge], np.roll(loop, -1, axis=0)[edge]
    share = (row + 0.5 - start[:, 0]) / (end[:, 0] - start[:, 0])
    return row, start[:, 1] + share * (end[:, 1] - start[:, 1])
