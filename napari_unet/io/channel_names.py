"""Names of channels, where image files state them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from napari_unet.core.strict_json import parse_json

_LONGEST = 100
_LARGEST = 16_000_000


def tiff_channel_names(file: Any, count: int) -> tuple[str, ...]:
    """Return the names in the metadata of OME or ImageJ; metadata can be any nonsense.

    Parameters
    ----------
    file : tifffile.TiffFile
        An open file whose metadata were checked.
    count : int
        How many channels there are; other numbers of names are left aside.
    """
    try:
        if file.is_ome:
            return _as_names(_ome_names(file.ome_metadata), count)
        if file.is_imagej:
            # ImageJ labels every plane; those of the channels come first.
            labels = file.imagej_metadata.get("Labels", ())
            return _as_names(labels if len(labels) == count else (), count)
    except (AttributeError, LookupError, TypeError, ValueError):
        return ()
    except ElementTree.ParseError:
        return ()
    return ()


def zarr_channel_names(path: Path, count: int) -> tuple[str, ...]:
    """Return the labels that OME-Zarr has for its viewer, or nothing."""
    try:
        attributes: Any = None
        if (path / "zarr.json").is_file():
            attributes = _json(path / "zarr.json")["attributes"]["ome"]
        elif (path / ".zattrs").is_file():
            attributes = _json(path / ".zattrs")
        labels = [one.get("label", "") for one in attributes["omero"]["channels"]]
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        return ()
    return _as_names(labels, count)


def _json(path: Path) -> Any:
    return parse_json(path.read_bytes(), most_bytes=_LARGEST)


def _ome_names(xml: str) -> list[str]:
    root = ElementTree.fromstring(xml)
    pixels = next((one for one in root.iter() if one.tag.endswith("}Pixels")), ())
    channels = (one for one in pixels if one.tag.endswith("}Channel"))
    return [one.attrib.get("Name", "") for one in channels]


def _as_names(found: Iterable[Any], count: int) -> tuple[str, ...]:
    """Return names that can be shown; nothing where they are not one a channel."""
    names = tuple(_printable(str(name)) for name in found)
    return names if len(names) == count > 1 and any(names) else ()


def _printable(name: str) -> str:
    return "".join(c for c in name if c.isprintable()).strip()[:_LONGEST]
