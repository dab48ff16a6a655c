"""Objects as regions of ImageJ, for the ROI Manager of Fiji."""

from __future__ import annotations

import io
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import roifile

from napari_unet.core.atomic import write_atomically
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result
from napari_unet.geometry.outlines import Outline, Ring, outlines_of
from napari_unet.images.channels import channel_count

_MOVE, _LINE, _CLOSE = 0, 1, 4
"""Parts of a composite region, as Java's `PathIterator` numbers them."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""That of all regions, so that the same objects give the same file."""


def _write(result: Result, path: Path) -> Steps:
    # A new archive, never one that is there already: regions would be added to it.
    archive = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for frame, section, plane in result.planes():
            yield
            for outline in outlines_of(plane):
                region = _region(result, outline, frame, section)
                region.name = _free(region.name, taken)
                entry = zipfile.ZipInfo(f"{region.name}.roi", _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                zipped.writestr(entry, region.tobytes())
                yield
    write_atomically(path, lambda file: file.write(archive.getbuffer()))


def _region(result: Result, outline: Outline, frame: int, section: int) -> Any:
    rings = outline.rings
    if len(rings) == 1:
        region = roifile.ImagejRoi.frompoints(rings[0][:, ::-1])
        region.roitype = roifile.ROI_TYPE.TRACED
    else:
        region = _composite(rings)
    region.name = _name(result, outline.label, frame, section)
    _place(region, result, frame, section)
    return region


def _composite(rings: tuple[Ring, ...]) -> Any:
    """Return a region of several lines, which are filled by the even-odd rule."""
    numbers = np.concatenate([_path(ring) for ring in rings]).astype(np.float32)
    corners = np.concatenate(rings)
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    region = roifile.ImagejRoi(
        roitype=roifile.ROI_TYPE.RECT,
        top=int(top),
        left=int(left),
        bottom=int(bottom),
        right=int(right),
        shape_roi_size=len(numbers),
    )
    region.multi_coordinates = numbers
    return region


def _path(ring: Ring) -> npt.NDArray[np.int64]:
    steps = np.full((len(ring), 3), _LINE, np.int64)
    steps[0, 0] = _MOVE
    steps[:, 1:] = ring[:, ::-1]
    return np.append(steps.ravel(), _CLOSE)


def _name(result: Result, label: int, frame: int, section: int) -> str:
    """Return the name of a region: the id or class, and where it is in a stack."""
    called = result.called(label)
    safe = "".join(
        "-" if c in '/\\:*?"<>|' or not c.isprintable() or ord(c) > 0xFFFF else c
        for c in called
    ).strip(" .")
    words = [safe or str(label)]
    extent = result.extent
    words += [f"t{frame + 1}"] if extent.get("T", 1) > 1 else []
    words += [f"z{section + 1}"] if extent.get("Z", 1) > 1 else []
    return " ".join(words)


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no other region has, and take it.

    Classes may be called the same, at least in letters that file names can have; and
    an archive may be unpacked where capitals and small letters are alike.
    """
    numbered = (f"{name} ({number})" for number in range(2, len(taken) + 3))
    free = next(n for n in chain([name], numbered) if n.casefold() not in taken)
    taken.add(free.casefold())
    return free


def _place(region: Any, result: Result, frame: int, section: int) -> None:
    """Say on which plane it is: ImageJ numbers those of hyperstacks by axis."""
    frames, sections = (result.extent.get(axis, 1) for axis in "TZ")
    channels = 1
    if result.image is not None:
        channels = channel_count(result.image.shape, result.image_axes)
    if sum(n > 1 for n in (frames, sections, channels)) > 1:
        region.t_position = frame + 1 if frames > 1 else 0
        region.z_position = section + 1 if sections > 1 else 0
    elif max(frames, sections) > 1:
        region.position = frame * sections + section + 1


IMAGEJ_ROI = Format(
    "imagej-roi",
    "ImageJ ROIs (zip)",
    "Outlines for the ROI Manager of Fiji; drag the file onto its window.",
    " rois.zip",
    _write,
)
