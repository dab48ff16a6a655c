"""Objects and classes as GeoJSON, as QuPath reads it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.core.atomic import write_atomically
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result, iter_measured
from napari_unet.geometry.outlines import Outline, Polygon, Ring, outlines_of
from napari_unet.measurements.table import Measurements

_NOT_MEASURED = {"id", "frame", "verified", "x", "y", "z"}
"""Columns that are told in another way, or that QuPath knows itself."""


def _write(result: Result, path: Path) -> Steps:
    rows: Mapping[tuple[int, int], int] = {}
    if result.of_objects:
        result = yield from iter_measured(result)
        rows = _rows(result.table)
    features = []
    for frame, section, plane in result.planes():
        yield
        for outline in outlines_of(plane):
            row = rows.get((frame, outline.label))
            features.append(_feature(result, outline, (frame, section), row))
            yield
    content = json.dumps({"type": "FeatureCollection", "features": features})
    write_atomically(path, lambda file: file.write(content.encode()))


def _rows(table: Measurements | None) -> dict[tuple[int, int], int]:
    """Return the rows of a table by frame and id."""
    if table is None:
        return {}
    ids = table["id"].tolist()
    frames = table["frame"].tolist() if table.in_frames else [0] * len(ids)
    return {key: row for row, key in enumerate(zip(frames, ids, strict=True))}


def _feature(
    result: Result, outline: Outline, plane: tuple[int, int], row: int | None
) -> dict[str, Any]:
    frame, section = plane
    geometry = _geometry(outline.parts)
    # As QuPath counts planes; -1 is all channels.
    geometry["plane"] = {"c": -1, "z": section, "t": frame}
    properties: dict[str, Any] = {
        "objectType": "annotation" if row is None else "detection",
        "name": result.called(outline.label),
        "label": outline.label,
    }
    if not result.of_objects:
        properties["classification"] = {"name": result.called(outline.label)}
    if row is not None and result.table is not None:
        properties["verified"] = bool(result.table["verified"][row])
        properties["measurements"] = _measurements(result.table, row)
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _geometry(parts: tuple[Polygon, ...]) -> dict[str, Any]:
    polygons = [[_closed(ring) for ring in part.rings] for part in parts]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _closed(ring: Ring) -> list[list[int]]:
    """Return corners (X, Y) that end where they begin, as GeoJSON wants it."""
    closed: list[list[int]] = np.concatenate([ring, ring[:1]])[:, ::-1].tolist()
    return closed


def _measurements(table: Measurements, row: int) -> dict[str, float]:
    """Return what is known of an object, by names with units."""
    found = {
        each.title: float(each.values[row])
        for each in table.columns
        if each.name not in _NOT_MEASURED
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}


GEOJSON = Format(
    "geojson",
    "GeoJSON for QuPath",
    "Outlines with names, classes and measurements; drag the file onto QuPath.",
    " objects.geojson",
    _write,
)
