"""The door for arrays from Python: numpy's, and what other libraries hand over.

dask and zarr arrays are computed, tensors are brought to the CPU, named dimensions
become axes, masked pixels become NaN. What is no array is refused in a sentence. No
library is imported for it: an object is known by what it offers.
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError
from napari_unet.geometry.axes import CANONICAL, axis_letter
from napari_unet.geometry.box import Box
from napari_unet.images.source import ArrayImage, ImageSource

_REAL = "buif"


def as_image(image: object) -> ArrayImage:
    """Return what a person gave for an image as an array of real numbers.

    An `ImageSource` is read whole.

    Raises
    ------
    InputError
        If it is no array, cannot be computed, or holds no real numbers.
    """
    if isinstance(image, ImageSource):
        return replace(as_image(image.read(Box.whole(image.shape))), axes=image.axes)
    array = as_array(image)
    if array.dtype.kind not in _REAL:
        raise InputError(
            f"Expected an image of real numbers, found the data type {array.dtype}; "
            "convert it first, for example to float32 by taking the magnitude."
        )
    axes = _named_axes(image, array)
    if isinstance(image, np.ma.MaskedArray) and np.ma.is_masked(image):
        return ArrayImage(
            array=_without_masked(image),
            axes=axes,
            note="masked pixels were taken for unknown (NaN)",
        )
    return ArrayImage(array=array, axes=axes)


def as_array(value: object, what: str = "image") -> npt.NDArray[Any]:
    """Return what a person gave as an array, its masked pixels as they are.

    Parameters
    ----------
    value : object
        An ndarray, or what can be turned into one without loss.
    what : str
        What it stands for, for the messages: "image", "label map".

    Raises
    ------
    InputError
        If it is no array, or cannot be computed.
    """
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    _refuse_other_things(value, what)
    try:
        array = np.asarray(_on_cpu(value))
    # It may be a graph that is computed now, and fail in any way.
    except Exception as error:
        raise InputError(
            f"The {what} of type {_type(value)} could not be turned into an array "
            f"({_first_line(error)}); give a numpy array."
        ) from error
    if array.ndim == 0 or array.dtype.kind == "O":
        raise InputError(
            f"Expected an array of numbers for the {what}, found {_type(value)}; give "
            "a numpy array, or what numpy can make one of."
        )
    return array


def _refuse_other_things(value: object, what: str) -> None:
    """Refuse what numpy would take for an array of something else, and say what to do.

    Raises
    ------
    InputError
        If it is one.
    """
    if isinstance(value, (str, bytes, PathLike)):
        raise InputError(
            f"Expected an array for the {what}, found the file name "
            f"{str(value)[:200]!r}; read it first: napari_unet.io.read.read_image(...)"
            ".array."
        )
    if hasattr(value, "data_vars"):
        names = ", ".join(map(str, list(getattr(value, "data_vars"))[:5]))  # noqa: B009
        raise InputError(
            f"Expected one array for the {what}, found a dataset of several; choose "
            f"one of its variables ({names})."
        )
    if hasattr(value, "keys") and not hasattr(value, "__array__"):
        raise InputError(
            f"Expected one array for the {what}, found {_type(value)}, which holds "
            "several by name; choose one of them."
        )
    # PIL's images, whose pixels may be numbers of colours.
    if hasattr(value, "getbands") and getattr(value, "mode", None) in _NO_GREY_VALUES:
        raise InputError(
            f"Expected grey values or RGB for the {what}, found an image of mode "
            f"{getattr(value, 'mode')!r}; "  # noqa: B009
            'convert it first: image.convert("RGB").'
        )


_NO_GREY_VALUES = frozenset({"P", "PA", "CMYK", "YCbCr", "LAB", "HSV"})


def _on_cpu(value: object) -> Any:
    """Return tensors and arrays of a graphics card in memory that numpy can read."""
    found: Any = value
    if hasattr(found, "detach") and hasattr(found, "cpu"):
        found = found.detach().cpu()
        if "bfloat16" in str(found.dtype):
            found = found.float()
        return found.resolve_conj().resolve_neg().numpy()
    if hasattr(found, "__cuda_array_interface__") and hasattr(found, "get"):
        return found.get()
    return found


def _named_axes(image: object, array: npt.NDArray[Any]) -> str | None:
    """Return the axes that the names of dimensions mean, if all of them are known."""
    names = getattr(image, "dims", None)
    if not isinstance(names, tuple) or len(names) != array.ndim:
        return None
    letters = [axis_letter(name) for name in names]
    axes = "".join(letter for letter in letters if letter is not None)
    known = len(axes) == len(names) and {"Y", "X"} <= set(axes) <= set(CANONICAL)
    return axes if known and len(set(axes)) == len(axes) else None


def _without_masked(image: np.ma.MaskedArray[Any, Any]) -> npt.NDArray[Any]:
    # float32 holds 16 bits exactly, and large numbers as well as they are needed.
    small = image.dtype.itemsize <= 2 or image.dtype == np.float32
    dtype = np.float32 if small else np.float64
    return np.asarray(np.ma.filled(image.astype(dtype), np.nan))


def _type(value: object) -> str:
    kind = type(value)
    module = kind.__module__.split(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()
    return (text[0] if text else type(error).__name__)[:200]
