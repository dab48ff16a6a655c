"""Objects as annotations of COCO, from which many networks learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.core.atomic import write_atomically
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.outlines import Outline, outlines_of
from napari_unet.geometry.runs import runs_of_mask

_OBJECT = 1
"""The category of all objects, where there are no classes."""


def _write(result: Result, path: Path) -> Steps:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for frame, section, plane in result.planes():
        yield
        images.append(_image(result, len(images) + 1, frame, section))
        for outline in outlines_of(plane):
            found = _annotation(result, outline, plane)
            numbers = {"id": len(annotations) + 1, "image_id": len(images)}
            annotations.append({**numbers, **found})
            yield
    content = {
        "info": {"description": f"Labels of {result.name}"},
        "images": images,
        "annotations": annotations,
        "categories": _categories(result, {each["label"] for each in annotations}),
    }
    text = json.dumps(content).encode()
    write_atomically(path, lambda file: file.write(text))


def _image(result: Result, number: int, frame: int, section: int) -> dict[str, Any]:
    extent = result.extent
    found: dict[str, Any] = {
        "id": number,
        "file_name": result.image_file or result.name,
        "width": extent["X"],
        "height": extent["Y"],
    }
    if "T" in extent:
        found["frame"] = frame
    if "Z" in extent:
        found["section"] = section
    return found


def _annotation(result: Result, outline: Outline, plane: LabelMap) -> dict[str, Any]:
    corners = np.concatenate(outline.rings)
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    box = [int(n) for n in (left, top, right - left, bottom - top)]
    return {
        "category_id": _OBJECT if result.of_objects else outline.label,
        "segmentation": _segmentation(outline, plane),
        "area": outline.area,
        "bbox": box,
        "iscrowd": 0,
        "label": outline.label,
    }


def _segmentation(outline: Outline, plane: LabelMap) -> Any:
    """Return lines (X, Y), or run lengths column by column where there are holes."""
    if not any(part.holes for part in outline.parts):
        return [part.shell[:, ::-1].ravel().tolist() for part in outline.parts]
    mask = plane == outline.label
    counts = runs_of_mask(mask.T).tolist()
    if (left := mask.size - sum(counts)) > 0:
        counts.append(left)
    return {"size": list(mask.shape), "counts": counts}


def _categories(result: Result, found: set[int]) -> list[dict[str, Any]]:
    """Return the classes that have a name or a pixel, but for the background."""
    if result.of_objects:
        return [{"id": _OBJECT, "name": "object"}]
    numbers = sorted({*range(1, len(result.schema.names)), *found})
    return [{"id": number, "name": result.called(number)} for number in numbers]


COCO = Format(
    "coco",
    "COCO (JSON)",
    "For pycocotools, Detectron2, MMDetection and tools for annotating.",
    " coco.json",
    _write,
)
