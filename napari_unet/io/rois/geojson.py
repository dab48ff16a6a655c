"""Regions as GeoJSON, as QuPath and this program write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_unet.errors import InputError
from napari_unet.io.rois.drawing import Region
from napari_unet.io.rois.json_file import loop_of, read_json, whole
from napari_unet.io.rois.outlines import Loop
from napari_unet.io.rois.planes import NoPlaneError, Position

_WHAT = "GeoJSON of regions"


def read_geojson(path: Path, extent: Mapping[str, int]) -> list[Region]:
    """Read the polygons of a file; ids are their `label`, or their name if a number."""
    content = read_json(path, _WHAT)
    return [
        _region(path, feature, number, extent)
        for number, feature in enumerate(_features(path, content), start=1)
    ]


def _features(path: Path, content: Any) -> list[Any]:
    """Return the features of a collection, a plain list of them, or the only one."""
    if isinstance(content, Mapping):
        content = content.get("features", [content])
    if not isinstance(content, list):
        raise _damaged(path)
    return content


def _region(path: Path, feature: Any, number: int, extent: Mapping[str, int]) -> Region:
    if not isinstance(feature, Mapping):
        raise _damaged(path)
    said, geometry = feature.get("properties") or {}, feature.get("geometry")
    if not isinstance(geometry, Mapping) or not isinstance(said, Mapping):
        raise _damaged(path)
    name = str(said.get("name") or said.get("label") or number)[:80]
    kind = geometry.get("type")
    if kind not in ("Polygon", "MultiPolygon"):
        raise InputError(
            f"The region {name!r} in {str(path)!r} is a {str(kind)[:40]}, which is no "
            "object; keep polygons only."
        )
    plane = geometry.get("plane") or {}
    # QuPath counts planes from 0, and says nothing of the first one.
    frame, section = (whole(plane.get(axis)) + 1 for axis in "tz")
    try:
        loops = _loops(geometry["coordinates"], several=kind == "MultiPolygon")
        position = Position(frame, section, 0)
        place = position.among(extent)
    except NoPlaneError as error:
        raise InputError(
            f"The region {name!r} in {str(path)!r} lies {error}; check that it belongs "
            "to this image."
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path) from error
    label = whole(said.get("label")) or whole(said.get("name"))
    return Region(name, loops, place, label, position)


def _loops(coordinates: Any, *, several: bool) -> list[Loop]:
    polygons = coordinates if several else [coordinates]
    loops = [loop_of(ring) for polygon in polygons for ring in polygon]
    if not loops:
        raise ValueError("no outline")
    return loops


def _damaged(path: Path) -> InputError:
    return InputError(f"{str(path)!r} holds no {_WHAT}; export it again as GeoJSON.")
