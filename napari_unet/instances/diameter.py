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
