"""What is known about the axes of an image, and what follows from it.

One function decides for the dock, the command line and Python (`resolve_axes`). In
order of weight: what the person says, what napari's layer or another caller states of
this very array, what its file states, and a guess from the shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, TypeAlias

import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.axes import CANONICAL, axis_letter, guess_axes, parse_axes

Origin: TypeAlias = Literal["person", "layer", "file", "guess"]
"""Who says which axis is which."""

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file states of its image; what it does not state is missing.

    Parameters
    ----------
    shape : tuple of int
        Extents of the axes. A viewer may show another array of the same file.
    channels : tuple of str
        Names of the channels; empty, or as many as there are.
    pixel_size : dict of str to float
        Micrometres per pixel along "Z", "Y" and "X".
    """

    axes: str | None = None
    shape: Shape = ()
    channels: tuple[str, ...] = ()
    pixel_size: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownAxes:
    """Axes of an array, one letter out of "TCZYX" each, and who says so."""

    letters: str
    origin: Origin


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
