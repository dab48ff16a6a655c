"""What layers state of their pixels: which axis is which, and how large they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_unet.geometry.axes import axes_of_names


def stated_axes(
    metadata: Mapping[str, Any], names: Sequence[str], ndim: int
) -> str | None:
    """Return the axes that are stated in metadata, or by the names of axes.

    None if nothing is stated, or nothing that fits pixels of so many axes.
    """
    for stated in (metadata.get("axes"), names):
        if isinstance(stated, str | list | tuple) and (
            axes := axes_of_names([str(name) for name in stated], ndim)
        ):
            return axes
    return None


def micrometres(scale: float, unit: Any) -> float | None:
    """Return the extent of a pixel, where the layer has such a unit.

    A scale without one may be no more than how much thicker sections are than wide.
    """
    if not unit.is_compatible_with("micrometer"):
        return None
    extent = abs(float((scale * unit).to("micrometer").magnitude))
    return extent if extent > 0 else None
