"""Axes of images, such as "TCZYX": which is which, and in which order they are.

`resolve_axes` decides for the dock, the command line and Python. In order of weight:
what the person says, what napari's layer or another caller states of this very array,
what its file states, and a guess from the shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

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


Origin: TypeAlias = Literal["person", "layer", "file", "guess"]
"""Who says which axis is which."""

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file states of its image; what it does not state is missing."""

    axes: str | None = None
    shape: Shape = ()  # a viewer may show another array of the same file
    channels: tuple[str, ...] = ()  # their names; none, or as many as there are
    pixel_size: Mapping[str, float] = field(default_factory=dict)  # um along Z, Y, X
    others: str | None = None  # what else there is in the file, which nobody reads


@dataclass(frozen=True, slots=True)
class KnownAxes:
    """Axes of an array, one letter out of "TCZYX" each, and who says so."""

    letters: str
    origin: Origin


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
    """Return `axes` in upper case after checking that they can describe an image."""
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


def time_axis(axes: str, shape: Shape) -> int | None:
    """Return which axis of a result of that shape is time; None for less than 2 frames.

    `axes` are those of the image.
    """
    axis = result_axes(axes).find("T")
    return axis if axis >= 0 and shape[axis] > 1 else None


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


def resolve_axes(
    shape: Shape,
    dtype: npt.DTypeLike,
    *,
    person: str | None = None,
    layer: str | None = None,
    file: ImageHeader | None = None,
    colour: bool = False,
) -> KnownAxes:
    """Return the axes of an array from everything that is known about them.

    Parameters
    ----------
    person, layer : str, optional
        What the person says, which has to fit; and what comes with the array, such as
        the names of a layer's axes, which is left aside where it does not fit.
    file : ImageHeader, optional
        What the array's file states; left aside where no part of the file has the
        array's shape.
    colour : bool
        Whether the last axis is known to be red, green and blue.

    Raises an InputError if what the person says does not fit, or there are too few or
    too many axes.
    """
    if person is not None:
        return KnownAxes(parse_axes(person, len(shape)), "person")
    if layer is not None and (named := axes_that_fit(layer, len(shape))):
        return KnownAxes(named, "layer")
    if file is not None and (fitting := fit_axes(file, shape, colour=colour)):
        return KnownAxes(fitting, "file")
    if colour:
        # That the last axis is colour is known, so nothing else may be.
        return KnownAxes(guess_axes(shape[:-1], float) + "C", "guess")
    return KnownAxes(guess_axes(shape, dtype), "guess")


def fit_axes(file: ImageHeader, shape: Shape, *, colour: bool = False) -> str | None:
    """Return the axes of an array that was read from a file; None if it is unclear.

    Readers leave out axes of length 1, or add them; they split channels into layers,
    and put colours last. The array may also be one part along an axis of the file.
    """
    if file.axes is None or (file.shape == shape and not colour):
        return file.axes
    sizes = dict(zip(file.axes, file.shape, strict=True))
    colours_last = file.axes.replace("C", "") + "C"
    orders = (colours_last,) if colour else (file.axes, CANONICAL)
    fitting = (_cheapest(sizes, shape, order) for order in orders)
    return next(filter(None, fitting), None)


def _cheapest(sizes: dict[str, int], shape: Shape, order: str) -> str | None:
    """Return the axes in this order that leave out least; None if it is unclear.

    What an axis with a single plane is called makes no difference.
    """
    found = sorted(_iter_fitting(sizes, shape, order))
    best = [letters for cost, letters in found if cost == found[0][0]]
    told = {
        tuple(axis for axis, n in zip(letters, shape, strict=True) if n > 1)
        for letters in best
    }
    return best[0] if len(told) == 1 else None


def _iter_fitting(
    sizes: dict[str, int], shape: Shape, order: str
) -> Iterator[tuple[tuple[int, int, int], str]]:
    for letters in combinations(order, len(shape)):
        array = dict(zip(letters, shape, strict=True))
        # One part along an axis may keep that axis.
        least = {a: sizes[a] if a in "YX" else 1 for a in array}
        fits = all(n in (sizes.get(a, 1), least[a]) for a, n in array.items())
        if not fits or not {"Y", "X"} <= {*array}:
            continue
        lost = [a for a, n in sizes.items() if array.get(a, 1) != n]
        # To be without channels is common: they are layers of their own.
        cost = (len(lost) - ("C" in lost), len(lost), len({*array} - {*sizes}))
        yield cost, "".join(letters)


def axes_of_names(names: Sequence[str], ndim: int) -> str | None:
    """Return axes from their names, such as ("time", "y", "x"); None if unclear.

    The last two are Y and X where they are called by numbers, as napari does, and
    another one has a name.
    """
    letters = [axis_letter(name) for name in names]
    if len(letters) >= 3 and letters[-2:] == [None, None] and any(letters):
        unnamed = all(str(name).lstrip("-").isdigit() for name in names[-2:])
        letters[-2:] = ["Y", "X"] if unnamed else [None, None]
    return axes_that_fit("".join(letter or "?" for letter in letters), ndim)


def axes_that_fit(axes: str, ndim: int) -> str | None:
    """Return axes of an image in upper case; None where they can be none."""
    try:
        return parse_axes(axes, ndim)
    except InputError:
        return None


def readings(shape: Shape) -> tuple[str, ...]:
    """Return how an array of this shape may be read, what is likely first."""
    known = "YX ZYX TYX CYX YXC TZYX ZCYX CZYX TCYX ZYXC TYXC TZCYX TCZYX TZYXC"
    return tuple(axes for axes in known.split() if len(axes) == len(shape))


def axes_in_words(axes: str) -> str:
    """Say what axes make of an image, such as "time-lapse" for "TYX"."""
    if "T" in axes:
        what = "time-lapse of z-stacks" if "Z" in axes else "time-lapse"
    else:
        what = "z-stack" if "Z" in axes else "plane"
    if "C" not in axes:
        return what
    last = " last" if axes.endswith("C") else ""
    return f"channels{last}" if what == "plane" else f"{what}, channels{last}"
