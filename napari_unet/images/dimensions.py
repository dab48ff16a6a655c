"""What arrays of other libraries say of their axes, channels and size of pixels.

xarray gives dimensions names; images that bioio opened have a letter for each. No
library is imported for it: an object is known by its attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.axes import axes_of_names, axis_letter

_UNNAMED = re.compile(r"(dim_)?-?\d+")
"""Names that xarray and napari give to what has none."""


_WAVELENGTHS = (200, 2000)
"""Of light, in nanometres: numbers by which people know channels."""

_COLOURS = ("s", "sample", "samples")
"""Names of red, green and blue, where there are no channels besides."""


def opened(image: Any) -> object:
    """Return the array of an image in a file, as bioio has it; others as they are.

    Red, green and blue (S) lie beside a channel of their own there, which is left out.
    """
    order = _order(image)
    if order is None or hasattr(image, "__array__"):
        return image
    if _is_colour(image):
        return image.data.take(0, axis=order.index("C"))
    return image.data


def lazily_opened(image: Any) -> Any:
    """Return the same as an array that reads a region when it is asked for."""
    order = _order(image)
    if order is None or hasattr(image, "__array__"):
        return image
    if _is_colour(image):
        place = order.index("C")
        return image.dask_data[(*(slice(None),) * place, 0)]
    return image.dask_data


def stated_axes(image: object) -> str | None:
    """Return the axes that an object states; None where it states none, or others."""
    names = _names(image)
    return axes_of_names(names, len(names)) if names else None


def stated_channels(image: Any) -> tuple[str, ...]:
    """Return the names of the channels that an object states, or nothing."""
    if _order(image) is not None:
        return tuple(map(str, getattr(image, "channel_names", None) or ()))
    coordinates = getattr(image, "coords", None)
    if isinstance(coordinates, Mapping):
        for name in _names(image):
            if axis_letter(name) == "C" and name in coordinates:
                return _called(coordinates[name].values)
    return ()


def _called(found: npt.NDArray[Any]) -> tuple[str, ...]:
    if found.dtype.kind in "UTO":
        return tuple(map(str, found))
    shortest, longest = _WAVELENGTHS
    light = found.dtype.kind in "iuf" and np.all(
        (found >= shortest) & (found < longest)
    )
    # Other numbers count, and are no names.
    return tuple(f"{number:g}" for number in found) if light else ()


def stated_pixel_size(image: object) -> dict[str, float]:
    """Return the micrometres per pixel along Z, Y and X that an object states."""
    sizes = getattr(image, "physical_pixel_sizes", None)
    found = {axis: getattr(sizes, axis, None) for axis in "ZYX"}
    return {axis: float(size) for axis, size in found.items() if size}


def refuse_unknown_dimensions(image: object) -> None:
    """Refuse dimensions with other names than those of images.

    An InputError says so. Dimensions without names are those of any array.
    """
    names = _names(image)
    unnamed = all(_UNNAMED.fullmatch(name) for name in names)
    if unnamed or stated_axes(image) is not None:
        return
    called = ", ".join(name[:60] for name in names)
    raise InputError(
        "Expected dimensions that are called T (time), C (channel), Z (depth), Y and "
        f"X, each once, found {called}; rename them, choose a part without the others, "
        'or name the axes, such as axes="TYX".'
    )


def _names(image: object) -> tuple[str, ...]:
    order = _order(image)
    if order is not None:
        if _is_colour(image):
            order = order.replace("C", "").replace("S", "C")
        return tuple(order)
    given = getattr(image, "dims", None)
    names = tuple(map(str, given)) if isinstance(given, tuple) else ()
    if any(axis_letter(name) == "C" for name in names):
        return names
    shape: Any = getattr(image, "shape", ())
    sizes = dict(zip(names, shape, strict=False))
    return tuple(
        "C" if name.lower() in _COLOURS and sizes.get(name) in (3, 4) else name
        for name in names
    )


def _order(image: object) -> str | None:
    """Return the letters of the axes as bioio has them."""
    order = getattr(getattr(image, "dims", None), "order", None)
    return order if isinstance(order, str) else None


def _is_colour(image: object) -> bool:
    dims: Any = getattr(image, "dims", None)
    return "S" in dims.order and "C" in dims.order and dims.C == 1
