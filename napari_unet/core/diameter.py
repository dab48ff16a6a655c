"""How large the objects of an image are: one number by which images can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.ids import compact
from napari_unet.errors import InputError

LEAST_DIAMETER, MOST_DIAMETER = 0.5, 10_000.0


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


def size_warning(diameter: float, known: tuple[float, float] | None) -> str:
    """Return what to tell of objects that a model has not learned, or nothing.

    Parameters
    ----------
    diameter : float
        Typical diameter of the objects, in pixels.
    known : tuple of float or None
        Smallest and largest typical diameter in training, in pixels, if it is known.
    """
    if known is None or known[0] <= diameter <= known[1]:
        return ""
    return (
        f"Objects about {in_pixels(diameter)} px across: the model was trained on "
        f"{in_pixels(known[0])} to {in_pixels(known[1])} px. Look closely, and set the "
        "size if it is wrong."
    )


def in_pixels(diameter: float) -> str:
    """Return a number of pixels as people say it, without the unit."""
    return f"{diameter:.0f}" if diameter >= 2 else f"{diameter:.1f}"


def typical_diameter(labels: npt.NDArray[np.integer[Any]]) -> float | None:
    """Return the diameter of a circle with the area of the typical object.

    Half of all object pixels belong to objects of this size or smaller, so that debris,
    however much there is, moves it little.

    Parameters
    ----------
    labels : ndarray of int
        Object ids of a plane; 0 is background.

    Returns
    -------
    float or None
        In pixels; None where there is no object.
    """
    dense, ids = compact(labels)
    areas = np.sort(np.bincount(dense.ravel(), minlength=1)[ids > 0])
    areas = areas[areas > 0]
    if not areas.size:
        return None
    half = np.searchsorted(np.cumsum(areas), areas.sum() / 2)
    return float(2 * np.sqrt(areas[half] / np.pi))
