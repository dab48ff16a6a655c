"""Axis strings such as "TCZYX": from any order to one canonical order and back."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError

CANONICAL = "TCZYX"
"""Time, channel, depth, height, width: the order in which the engine works."""

_COLOUR_SAMPLES = (3, 4)
_GUESSES = MappingProxyType({2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"})

# How many times longer than the last axis those before it are where it holds channels
# beyond doubt, and where it may.
_SURE, _LIKELY = 4, 2
_THIN, _LONG = 16, 16

_NAMES = {
    "T": "t time times frame frames timepoint",
    "C": "c ch channel channels band bands wavelength rgb",
    "Z": "z depth slice slices section sections plane",
    "Y": "y row rows height lat",
    "X": "x col cols column columns width lon",
}
_LETTERS = MappingProxyType(
    {name: letter for letter, names in _NAMES.items() for name in names.split()}
)


def guess_axes(shape: tuple[int, ...], dtype: npt.DTypeLike) -> str:
    """Guess the axes of an image from its shape.

    A last axis of 3 or 4 in an 8 or 16 bit image is taken for RGB(A) colour. One of
    any length is taken for channels where rows and columns are at least four times
    longer. A last axis of 1 is a single section, or a single time. Other third axes
    are depth.

    Raises an InputError if the array has fewer than two or more than five axes, or the
    last axis can be columns as well as channels.
    """
    samples = _has_samples_last(shape, dtype)
    kept = _GUESSES.get(len(shape) - samples)
    if kept is None or (samples and len(kept) == 5):
        raise InputError(
            f"Expected an image with 2 to 5 axes, found {len(shape)} "
            f"(shape {shape}); choose one image or plane of it."
        )
    if not samples:
        return kept
    # What is made of a lone plane shall have its shape.
    alone = next(axis for axis in "ZTC" if axis not in kept)
    return kept + ("C" if shape[-1] > 1 else alone)


def _has_samples_last(shape: tuple[int, ...], dtype: npt.DTypeLike) -> bool:
    """Return whether the last axis holds channels, or nothing but one plane."""
    if len(shape) < 3 or 0 in shape:
        return False
    last, rows, columns = shape[-1], shape[-3], shape[-2]
    least = min(rows, columns)
    common = np.dtype(dtype) in (np.dtype(np.uint8), np.dtype(np.uint16))
    if last in _COLOUR_SAMPLES and least > last and common:
        return True
    if least >= _SURE * last:
        return True
    thin = last <= _THIN and columns >= _LONG * last and rows > 1
    if least >= _LIKELY * last or (thin and last > 1):
        raise InputError(
            f"Cannot tell whether the last axis of the image (shape {shape}) holds "
            f"{last} columns or {last} channels; name the axes, such as "
            f'axes "{_GUESSES.get(len(shape), "ZYX")}" or '
            f'"{_GUESSES.get(len(shape) - 1, "YX")}C".'
        )
    return False


def axis_letter(name: object) -> str | None:
    """Return the letter of "TCZYX" for the name of an axis, such as "time" or "x"."""
    return _LETTERS.get(str(name).strip().lower())


def parse_axes(axes: str, ndim: int) -> str:
    """Return `axes` in upper case after checking that it can describe an image.

    Raises an InputError if letters are unknown or repeated, Y or X is missing, or the
    number of letters is not `ndim`.
    """
    if not isinstance(axes, str):
        raise InputError(
            f'Expected axes as letters, such as "TYX", found {axes!r}; write one '
            "letter per axis."
        )
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
    ordered = array.transpose([axes.index(axis) for axis in CANONICAL if axis in axes])
    return ordered[tuple(slice(None) if axis in axes else None for axis in CANONICAL)]


def from_canonical(array: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
    """Return a view of a (T, Z, Y, X) result with the axes `result_axes(axes)`.

    The inverse of `to_canonical` for results, which have no channels.
    """
    kept = result_axes(axes)
    present = [axis for axis in "TZYX" if axis in kept]
    index = tuple(slice(None) if axis in kept else 0 for axis in "TZYX")
    return array[index].transpose([present.index(axis) for axis in kept])
