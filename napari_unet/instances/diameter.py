"""How large the objects of an image are: one number by which images can be compared."""

from __future__ import annotations

import numpy as np

from napari_unet.errors import InputError

_FEW = 4
"""Fewer objects than so many, squared, can lie in a plane: a measurement may err."""

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


def size_warning(
    diameter: float,
    known: tuple[float, float] | None,
    *,
    told: bool,
    shape: tuple[int, ...],
) -> str:
    """Return what a person should check about the size of objects, or nothing.

    Parameters
    ----------
    diameter : float
        Typical diameter of the objects, in pixels.
    known : tuple of float or None
        Smallest and largest typical diameter in training, in pixels, if it is known.
    told : bool
        Whether the person has said how large they are; otherwise it was measured.
    shape : tuple of int
        (Y, X) of the image.
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
