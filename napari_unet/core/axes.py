"""Axis strings such as "TCZYX": from any order to one canonical order and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError

CANONICAL = "TCZYX"
"""Time, channel, depth, height, width: the order in which the engine works."""

_COLOUR_SAMPLES = (3, 4)


def guess_axes(shape: tuple[int, ...], dtype: npt.DTypeLike) -> str:
    """Guess the axes of an image from its shape.

    A trailing axis of 3 or 4 in an 8 or 16 bit image is taken for RGB(A) colour,
    other third axes for depth.

    Raises
    ------
    InputError
        If the array has fewer than two or more than five axes.
    """
    colour = (
        len(shape) >= 3
        and shape[-1] in _COLOUR_SAMPLES
        and min(shape[-3:-1]) > shape[-1]
        and np.dtype(dtype) in (np.dtype(np.uint8), np.dtype(np.uint16))
    )
    spatial = len(shape) - colour
    guesses = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
    if spatial not in guesses or (colour and spatial == 5):
        raise InputError(
            f"Expected an image with 2 to 5 axes, found {len(shape)} "
            f"(shape {shape}); choose one image or plane of it."
        )
    return guesses[spatial] + ("C" if colour else "")


def parse_axes(axes: str, ndim: int) -> str:
    """Return `axes` in upper case after checking that it can describe an image.

    Raises
    ------
    InputError
        If letters are unknown or repeated, Y or X is missing, or the number of
        letters is not `ndim`.
    """
    parsed = axes.upper()
    unknown = sorted(set(parsed) - set(CANONICAL))
    if unknown:
        raise InputError(
            f"Axes {axes!r} hold the unknown letter {unknown[0]!r}; "
            "use T (time), C (channel), Z (depth), Y and X."
        )
    if len(set(parsed)) != len(parsed):
        raise InputError(f"Axes {axes!r} name an axis twice; name each one once.")
    if not {"Y", "X"} <= set(parsed):
        raise InputError(f"Axes {axes!r} must contain both Y and X.")
    if len(parsed) != ndim:
        raise InputError(
            f"Axes {axes!r} name {len(parsed)} axes, but the image has {ndim}; "
            "give one letter per axis."
        )
    return parsed


def result_axes(axes: str) -> str:
    """Return the axes of a label map for an image with these axes (without C)."""
    return axes.replace("C", "")


def to_canonical(array: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
    """Return a (T, C, Z, Y, X) view of an array with these axes.

    Axes that the array does not have become axes of length one.
    """
    axes = parse_axes(axes, array.ndim)
    present = [axis for axis in CANONICAL if axis in axes]
    ordered = array.transpose([axes.index(axis) for axis in present])
    index = tuple(slice(None) if axis in axes else None for axis in CANONICAL)
    return ordered[index]


def from_canonical(array: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
    """Return a view of a (T, Z, Y, X) result with the axes `result_axes(axes)`.

    The inverse of `to_canonical` for results, which have no channels.
    """
    kept = result_axes(axes)
    present = [axis for axis in "TZYX" if axis in kept]
    index = tuple(slice(None) if axis in kept else 0 for axis in "TZYX")
    return array[index].transpose([present.index(axis) for axis in kept])
