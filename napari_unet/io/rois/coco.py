"""Regions as annotations of COCO: polygons, or run lengths where there are holes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.errors import InputError
from napari_unet.geometry.outlines import outlines_of
from napari_unet.io.rois.drawing import Region
from napari_unet.io.rois.json_file import loop_of, read_json, whole
from napari_unet.io.rois.outlines import Loop
from napari_unet.io.rois.planes import NoPlaneError, Plane, Position

_WHAT = "annotations of COCO"


class _RunsError(ValueError):
    """Run lengths that are none of the image, in words."""


def read_coco(path: Path, extent: Mapping[str, int]) -> list[Region]:
    """Read the annotations of one image; ids are their `label`, or else their id."""
    content = read_json(path, _WHAT)
    try:
        images, annotations = content["images"], content["annotations"]
        planes = {image["id"]: _plane(path, image, images, extent) for image in images}
        return [
            _region(each, *planes[each["image_id"]], extent) for each in annotations
        ]
    except InputError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        found = f", found {error}" if isinstance(error, _RunsError) else ""
        raise InputError(
            f"{str(path)!r} holds no {_WHAT} that can be read here: expected polygons, "
            f"or run lengths as numbers{found}; save the objects as a label map."
        ) from error


def _plane(
    path: Path, image: Any, images: Any, extent: Mapping[str, int]
) -> tuple[Plane, Position]:
    """Return where an image of the file lies in the one that is open."""
    size = image["height"], image["width"]
    if size != (extent["Y"], extent["X"]):
        raise InputError(
            f"{str(path)!r} is of an image of {size[1]} x {size[0]} pixels, and this "
            f"one has {extent['X']} x {extent['Y']}; choose the image that it is of."
        )
    if len(images) > 1 and not {"frame", "section"} & {*image}:
        raise InputError(
            f"{str(path)!r} is of {len(images)} images; export those of one image."
        )
    frame, section = (whole(image.get(axis)) + 1 for axis in ("frame", "section"))
    position = Position(frame, section, 0)
    try:
        return position.among(extent), position
    except NoPlaneError as error:
        raise InputError(
            f"An image in {str(path)!r} lies {error}; choose the image that it is of."
        ) from error


def _region(
    annotation: Any, plane: Plane, said: Position, extent: Mapping[str, int]
) -> Region:
    shape = annotation["segmentation"]
    if isinstance(shape, Mapping):
        loops = _loops_of_runs(shape, (extent["Y"], extent["X"]))
    else:
        loops = [loop_of(np.reshape(polygon, (-1, 2))) for polygon in shape]
    if not loops:
        raise ValueError("no outline")
    label = whole(annotation.get("label")) or whole(annotation.get("id"))
    return Region(str(label), loops, plane, label, said)


def _loops_of_runs(runs: Mapping[str, Any], size: tuple[int, int]) -> list[Loop]:
    """Return the outlines of run lengths: of what is outside and inside by turns.

    They go column by column.
    """
    counts = np.asarray(runs["counts"])
    if counts.dtype.kind not in "iu" or (counts < 0).any():
        raise _RunsError("packed run lengths")
    if tuple(runs["size"]) != size or int(counts.sum()) != size[0] * size[1]:
        raise _RunsError(f"run lengths of another size than {size[1]} x {size[0]}")
    inside = np.repeat(np.arange(len(counts)) % 2, counts).reshape(size[::-1]).T
    rings = (
        ring for each in outlines_of(inside.astype(np.int32)) for ring in each.rings
    )
    return [np.asarray(ring, np.float64) for ring in rings]
