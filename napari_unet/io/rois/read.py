"""Label maps from regions: those of ImageJ, of QuPath (GeoJSON), and of COCO.

The outlines are filled by the even-odd rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from napari_unet.annotation.labels import Labels
from napari_unet.errors import InputError
from napari_unet.geometry.axes import from_canonical
from napari_unet.geometry.maps import LabelMap
from napari_unet.io.reader import refuse_beyond_memory
from napari_unet.io.rois.coco import read_coco
from napari_unet.io.rois.drawing import Region, draw, ids_of
from napari_unet.io.rois.geojson import read_geojson
from napari_unet.io.rois.imagej import read_imagej
from napari_unet.io.rois.planes import planes_on_one

_Read: TypeAlias = Callable[[Path, Mapping[str, int]], list[Region]]

_READERS: dict[str, _Read] = {
    ".roi": read_imagej,
    ".zip": read_imagej,
    ".geojson": read_geojson,
}

ROI_SUFFIXES = frozenset(_READERS)
"""Lower-case suffixes of files of regions; COCO's says nothing of what is in a file."""

_USUAL_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}


def is_roi_file(path: Path) -> bool:
    """Return whether a file is one of regions, by its suffix."""
    return path.suffix.lower() in ROI_SUFFIXES


def read_rois(
    path: str | Path, shape: tuple[int, ...], axes: str | None = None
) -> LabelMap:
    """Draw the regions of a file; see `read_regions`, which has notes besides."""
    array: LabelMap = read_regions(path, shape, axes).array
    return array


def read_regions(
    path: str | Path,
    shape: tuple[int, ...],
    axes: str | None = None,
    channels: int | None = None,
) -> Labels:
    """Draw the regions of a file into a label map of the shape of their image.

    The shape is without channels, and `axes` names it out of "TZYX"; without them
    planes come last, and time first. In a stack a region lies on the plane that it
    names as its position. ImageJ counts the `channels` of the image there, too, where
    it has that in a name alone.

    Ids are those of the file, if all are different numbers: names of the regions of an
    archive, such as "12", or "12 t1 z3" of an object that has several planes; what
    GeoJSON and COCO have as `label`. Else they count from 1 in the order of the file.
    Where regions overlap, the last one counts. What lies outside of the image is cut
    off. An archive of nothing is an image without objects. Notes say where regions
    overlap, and where those of several planes lie on one, as the image has no others.

    Raises an InputError if the file is damaged, the image has other axes, or a region
    has no area (lines, points), no plane or pixel in the image, or none that is left.
    """
    path = Path(path)
    axes = axes or _USUAL_AXES.get(len(shape), "")
    if len(axes) != len(shape) or not {"Y", "X"} <= {*axes} <= {*"TZYX"}:
        raise InputError(
            f"Regions are drawn on planes (Y, X) of sections and frames, and "
            f"the image of {str(path)!r} has the shape {shape}; save its objects as a "
            "label map."
        )
    refuse_beyond_memory(path, 4 * math.prod(shape))
    extent = dict(zip(axes, shape, strict=True))
    if channels is not None:
        extent["C"] = channels
    regions = _READERS.get(path.suffix.lower(), read_coco)(path, extent)
    (labels, over), ids = draw(path, regions, extent), ids_of(regions)
    found = labels if ids is None else ids[labels]
    array = np.ascontiguousarray(from_canonical(found, axes))
    return Labels(array, tuple(_notes_on(regions, over)))


def _notes_on(regions: Sequence[Region], over: int) -> Iterator[str]:
    planes = planes_on_one((each.said, each.plane) for each in regions)
    if planes > 1:
        yield (
            f"regions of {planes} planes lie on one, as the image has no others; check "
            "that it is the image on which they were drawn."
        )
    if over:
        yield (
            f"{over} of {len(regions)} regions lie in part over others; the later one "
            "counts there."
        )
