"""Cutting the planes of an image into parts that a person sees at once."""

from __future__ import annotations

from itertools import pairwise, product

from napari_unet.geometry.box import Box

VIEW_EXTENT = 512
"""About how many pixels a view is high and wide, if nothing is known of the objects."""

_LEAST_EXTENT, _MOST_EXTENT = 192, 1024
_DIAMETERS = 16


def view_extent(diameter: float | None) -> int:
    """Return how wide views are of objects so large, in pixels.

    So that some dozens of objects are in one: what can be corrected in one go.
    """
    if diameter is None:
        return VIEW_EXTENT
    return round(min(_MOST_EXTENT, max(_LEAST_EXTENT, _DIAMETERS * diameter)))


def cut_views(
    shape: tuple[int, ...], axes: str, extent: int = VIEW_EXTENT
) -> list[Box]:
    """Return equal parts of all planes, about so many pixels wide, without a gap.

    Parameters
    ----------
    shape, axes
        Of the labels: one letter for each axis, "Y" and "X" among them.
    extent : int
        Pixels, at least one.
    """
    parts = [
        _spans(length, extent if letter in "YX" else 1)
        for length, letter in zip(shape, axes, strict=True)
    ]
    return [
        Box(tuple(a for a, _ in ends), tuple(b for _, b in ends))
        for ends in product(*parts)
    ]


def _spans(length: int, extent: int) -> list[tuple[int, int]]:
    parts = max(1, round(length / extent))
    return list(pairwise(round(length * part / parts) for part in range(parts + 1)))
