"""Pixel sizes and names of channels in the metadata of OME and ImageJ.

Metadata can be any nonsense, and then say nothing.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from napari_unet.io.reader import as_names

_MICROMETRES = {
    "nm": 1e-3,
    "um": 1.0,
    "µm": 1.0,  # micro sign
    "μm": 1.0,
    r"\u00b5m": 1.0,  # ImageJ writes the escape itself
    "micron": 1.0,
    "microns": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
}

# Outside of them a number is no pixel's size, and cannot be written to a file.
_LEAST, _MOST = 1e-6, 1e9


def pixel_sizes(file: Any) -> dict[str, float]:
    """Return the micrometres that the file states."""
    try:
        if file.is_ome:
            sizes = _ome_sizes(file.ome_metadata)
        elif file.is_imagej:
            sizes = _imagej_sizes(file)
        else:
            return {}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return {}
    except ElementTree.ParseError:
        return {}
    return {axis: size for axis, size in sizes.items() if _LEAST < size < _MOST}


def _ome_sizes(xml: str) -> dict[str, float]:
    root = ElementTree.fromstring(xml)
    pixels = next(one for one in root.iter() if one.tag.endswith("}Pixels"))
    return {
        axis: float(pixels.attrib[f"PhysicalSize{axis}"])
        * _MICROMETRES[pixels.attrib.get(f"PhysicalSize{axis}Unit", "µm")]
        for axis in "ZYX"
        if f"PhysicalSize{axis}" in pixels.attrib
    }


def _imagej_sizes(file: Any) -> dict[str, float]:
    metadata = file.imagej_metadata
    scale = _MICROMETRES[str(metadata["unit"]).lower()]
    sizes = {}
    for axis in "YX":
        pixels, per_units = file.pages[0].tags[f"{axis}Resolution"].value
        sizes[axis] = scale * per_units / pixels
    if "spacing" in metadata:
        sizes["Z"] = scale * float(metadata["spacing"])
    return sizes


def channel_names(file: Any, count: int) -> tuple[str, ...]:
    """Return the names in the metadata of a file, if there is one for each channel."""
    try:
        if file.is_ome:
            return as_names(_ome_names(file.ome_metadata), count)
        if file.is_imagej:
            # ImageJ labels every plane; those of the channels come first.
            labels = file.imagej_metadata.get("Labels", ())
            return as_names(labels if len(labels) == count else (), count)
    except (AttributeError, LookupError, TypeError, ValueError):
        return ()
    except ElementTree.ParseError:
        return ()
    return ()


def _ome_names(xml: str) -> list[str]:
    root = ElementTree.fromstring(xml)
    pixels = next((one for one in root.iter() if one.tag.endswith("}Pixels")), ())
    channels = (one for one in pixels if one.tag.endswith("}Channel"))
    return [one.attrib.get("Name", "") for one in channels]
