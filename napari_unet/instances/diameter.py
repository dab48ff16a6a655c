"""How large the objects of an image are: one number by which images can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError

_FEW = 4
"""Fewer objects than so many, squared, can lie in a plane: a measurement may err."""

LEAST_DIAMETER, MOST_DIAMETER = 0.5, 10_000.0

SPREAD, _IMAGES = 0.25, 2
"""How far images of one kind differ, as a standard deviation of logarithms, and how
many one has to have seen to know that as well of a new kind. Of sixteen kinds the
median is 0.24; of sets of many laboratories it is 0.3 to 0.8, of one microscope 0.1."""

SPREAD_IN_NATURE = 0.7
"""The same of objects of many kinds that are called alike, such as nuclei."""

_RARE = 1e-3


def check_diameter(diameter: object) -> None:
    """Raise an InputError if this is no diameter in pixels, and not None either."""
    if diameter is None:
        return
    number = isinstance(diameter, int | float | np.integer | np.floating)
    if not number or not LEAST_DIAMETER <= diameter <= MOST_DIAMETER:  # type: ignore[operator]
        raise InputError(
            f"The diameter of the objects is {diameter!r}; it should be a number of "
            f"pixels from {LEAST_DIAMETER} to {MOST_DIAMETER:.0f}, or None to have it "
            "measured."
        )


def typical_of(areas: npt.NDArray[Any]) -> float | None:
    """Return the diameter of a circle with the area of the typical object, in pixels.

    Half of all object pixels belong to objects of this size or smaller, so debris moves
    it little. None where there is no object.

    Parameters
    ----------
    areas : ndarray, shape (n,)
        Of all objects, in pixels; 0 is none.
    """
    areas = np.sort(areas[areas > 0])
    if not areas.size:
        return None
    half = np.searchsorted(np.cumsum(areas), areas.sum() / 2)
    return float(2 * np.sqrt(areas[half] / np.pi))


def size_warning(
    diameter: float,
    known: tuple[float, float] | None,
    *,
    told: bool,
    shape: tuple[int, ...],
) -> str:
    """Return what a person should check about the size of objects, or nothing.

    `diameter` is the typical one in an image of a (Y, X) shape, in pixels; `known` are
    the smallest and the largest one in training, if they are known. `told` is whether
    the person has said how large objects are; otherwise it was measured.
    """
    if known is None:
        return ""
    size, least, most = (in_pixels(each) for each in (diameter, *known))
    if not float(least) <= float(size) <= float(most):
        if told:
            return (
                f"The model knows objects of {least} to {most} px, not of {size} px: "
                "check the outlines."
            )
        return (
            f"Objects measure {size} px; the model knows {least} to {most} px. Check "
            "the outlines, and set the size if it is wrong."
        )
    if not told and _FEW * diameter > min(shape):
        return f"Objects measure {size} px, but there are few to measure: check it."
    return ""


def in_pixels(diameter: float) -> str:
    """Return a number of pixels as people say it, without the unit."""
    return f"{diameter:.0f}" if diameter >= 2 else f"{diameter:.1f}"


@dataclass(frozen=True, slots=True)
class UsualSize:
    """How large objects are in images of a kind, as far as a few of them tell.

    Parameters
    ----------
    diameter : float
        Of the typical object of most images, in pixels.
    spread : float
        Standard deviation of the logarithm of that in an image that was not seen.
    """

    diameter: float
    spread: float

    @classmethod
    def of(cls, diameters: Sequence[float]) -> Self | None:
        """Return what the typical diameters of some images tell; None if there is none.

        A few may be alike by chance, so their variance is taken together with what is
        usual, and the doubt about their mean is added.
        """
        if not diameters:
            return None
        logs, n = np.log(diameters), len(diameters)
        squares = _IMAGES * SPREAD**2 + float(((logs - logs.mean()) ** 2).sum())
        variance = squares / (_IMAGES + n - 1) * (1 + 1 / n)
        return cls(float(np.median(diameters)), math.sqrt(variance))

    def likelihood(self, logs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return how likely sizes are, given by their logarithms; 1 is the likeliest.

        Normally distributed, and never less likely than what is very rare: what is
        seen at many zooms is believed, however unusual it is.
        """
        away = (logs - math.log(self.diameter)) / self.spread
        return np.maximum(np.exp(-(away**2) / 2), _RARE)
