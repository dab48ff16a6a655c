"""Regions of ImageJ: `NAME.roi`, or `NAME.zip` of the ROI Manager.

roifile reads their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import roifile

from napari_unet.errors import InputError
from napari_unet.io.archive import read_zip
from napari_unet.io.reader import collect_log
from napari_unet.io.rois.drawing import Region
from napari_unet.io.rois.outlines import NoAreaError, loops_of
from napari_unet.io.rois.planes import NoPlaneError, Position

_MOST_REGIONS, _LARGEST_REGION, _LARGEST_FILE = 500_000, 2**24, 2**29

_ID = re.compile(r"([1-9][0-9]{0,9})( t[0-9]+)?( z[0-9]+)?")


def read_imagej(path: Path, extent: Mapping[str, int]) -> list[Region]:
    """Read regions; their ids are the names of an archive's, if all are numbers.

    Such as "12", or "12 t1 z3" of an object that has several planes.
    """
    found = _read(path).items()
    regions = [_region(path, name, data, extent) for name, data in found]
    names = [r.name.rpartition("/")[2][: -len(".roi")] for r in regions]
    ids = [_ID.fullmatch(name) for name in names]
    if path.suffix.lower() != ".zip" or not all(ids):
        return regions
    named = zip(regions, filter(None, ids), strict=True)
    return [replace(region, label=int(found[1])) for region, found in named]


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


def _region(path: Path, name: str, content: bytes, extent: Mapping[str, int]) -> Region:
    damaged = InputError(
        f"The region {name!r} in {str(path)!r} is incomplete or damaged; save it in "
        "ImageJ again."
    )
    try:
        with collect_log("roifile") as messages:
            region = roifile.ImagejRoi.frombytes(content)
            loops, position = loops_of(region), Position.of(region)
            stem = name.rpartition("/")[2][: -len(".roi")]
            position = position.or_by_name(stem, extent.get("C"))
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
        return Region(name, loops, position.among(extent), said=position)
    except NoPlaneError as error:
        raise InputError(
            f"The region {name!r} in {str(path)!r} lies {error}; set its position in "
            "ImageJ (Properties), or check that it belongs to this image."
        ) from error
