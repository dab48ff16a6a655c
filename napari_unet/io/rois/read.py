"""Label maps from ImageJ's regions: `NAME.roi`, or `NAME.zip` of the ROI Manager.

roifile reads their bytes; the outlines are filled by the even-odd rule.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import roifile

from napari_unet.errors import InputError
from napari_unet.geometry.axes import from_canonical
from napari_unet.geometry.ids import LARGEST_ID
from napari_unet.geometry.maps import LabelMap
from napari_unet.io.archive import read_zip
from napari_unet.io.reader import collect_log, refuse_beyond_memory
from napari_unet.io.rois.outlines import (
    Loop,
    NoAreaError,
    fill,
    loops_of,
    rows_crossed,
    window_of,
)
from napari_unet.io.rois.planes import NoPlaneError, Plane, Position

ROI_SUFFIXES = frozenset({".roi", ".zip"})
"""Lower-case suffixes of files of regions."""

_MOST_REGIONS, _LARGEST_REGION, _LARGEST_FILE = 500_000, 2**24, 2**29
_MOST_WORK = 50
_FREE_WORK = 10**8
_MOST_CROSSINGS = 5 * 10**6

_ID = re.compile(r"([1-9][0-9]{0,9})( t[0-9]+)?( z[0-9]+)?")
_USUAL_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}


def is_roi_file(path: Path) -> bool:
    """Return whether a file is one of regions, by its suffix."""
    return path.suffix.lower() in ROI_SUFFIXES


def read_rois(
    path: str | Path, shape: tuple[int, ...], axes: str | None = None
) -> LabelMap:
    """Draw the regions of a file into a label map of the shape of their image.

    The shape is without channels, and `axes` names it out of "TZYX"; without them
    planes come last, and time first. In a stack a region lies on the plane that it
    names as its position.

    Ids are the names of the regions of an archive if all are different numbers, such as
    "12", or "12 t1 z3" of an object that has several planes, and else count from 1 in
    the order of the file. Where regions overlap, the last one counts. What lies outside
    of the image is cut off. An archive of nothing is an image without objects.

    Raises an InputError if the file is damaged, the image has other axes, or a region
    has no area (lines, points), no plane or pixel in the image, or none that is left.
    """
    path = Path(path)
    axes = axes or _USUAL_AXES.get(len(shape), "")
    if len(axes) != len(shape) or not {"Y", "X"} <= {*axes} <= {*"TZYX"}:
        raise InputError(
            f"Regions of ImageJ are drawn on planes (Y, X) of sections and frames, and "
            f"the image of {str(path)!r} has the shape {shape}; save its objects as a "
            "label map."
        )
    refuse_beyond_memory(path, 4 * math.prod(shape))
    extent = dict(zip(axes, shape, strict=True))
    regions = [_region(path, name, data, extent) for name, data in _read(path).items()]
    labels = np.zeros([extent.get(axis, 1) for axis in "TZYX"], np.int32)
    _draw(path, regions, labels)
    left = np.bincount(labels.ravel(), minlength=len(regions) + 1)[1:]
    if not left.all():
        name = regions[int(np.argmin(left > 0))].name
        raise InputError(
            f"The region {name!r} in {str(path)!r} is covered by later ones; delete "
            "it, or what covers it."
        )
    ids = _ids(path, regions)
    found = labels if ids is None else ids[labels]
    return np.ascontiguousarray(from_canonical(found, axes))


@dataclass(frozen=True, slots=True)
class _Region:
    """One region of a file, read."""

    name: str
    loops: list[Loop]
    plane: Plane


def _draw(path: Path, regions: Sequence[_Region], labels: LabelMap) -> None:
    """Draw regions, numbered from 1, into a stack (T, Z, Y, X)."""
    work, limit = 0, _FREE_WORK + _MOST_WORK * labels.size
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
        plane[window][inside] = number


def _ids(path: Path, regions: Sequence[_Region]) -> LabelMap | None:
    """Return the ids that the regions of an archive are called by; 0 comes first.

    On one plane every region is another object.
    """
    names = [r.name.rpartition("/")[2][: -len(".roi")] for r in regions]
    found = [_ID.fullmatch(name) for name in names]
    if path.suffix.lower() != ".zip" or not all(found):
        return None
    ids = [int(name[1]) for name in found if name]
    planes = {(n, r.plane) for n, r in zip(ids, regions, strict=True)}
    if len(planes) < len(ids) or max(ids, default=0) > LARGEST_ID:
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
    if others:
        raise InputError(
            f"Expected regions of ImageJ (.roi) in {str(path)!r}, found "
            f"{others[0]!r}; save them in the ROI Manager (More, Save)."
        )
    return found


def _region(
    path: Path, name: str, content: bytes, extent: Mapping[str, int]
) -> _Region:
    damaged = InputError(
        f"The region {name!r} in {str(path)!r} is incomplete or damaged; save it in "
        "ImageJ again."
    )
    try:
        with collect_log("roifile") as messages:
            region = roifile.ImagejRoi.frombytes(content)
            loops, position = loops_of(region), Position.of(region)
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
    try:
        return _Region(name, loops, position.among(extent))
    except NoPlaneError as error:
        raise InputError(
            f"The region {name!r} in {str(path)!r} lies {error}; set its position in "
            "ImageJ (Properties), or check that it belongs to this image."
        ) from error
