"""What Python hands over for an array, as one of numpy.

Graphs are computed, tensors are brought to the CPU. No library is imported for it: an
object is known by its attributes.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError, reason_of

_NO_GREY_VALUES = frozenset({"P", "PA", "CMYK", "YCbCr", "LAB", "HSV"})


def no_real_numbers(dtype: np.dtype[Any]) -> InputError:
    """Return the error that an image has this data type, and what to do about it."""
    way = "magnitude" if dtype.kind == "c" else "numbers in it"
    return InputError(
        f"Expected an image of real numbers, found the data type {dtype}; convert it "
        f"first, for example to float32 by taking the {way}."
    )


def as_array(value: object, what: str = "image") -> npt.NDArray[Any]:
    """Return what a person gave as an array, its masked pixels as they are.

    `what` it stands for is named in the messages: "image", "label map".

    Raises an InputError if it is no array, or cannot be computed.
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
            f"({reason_of(error)}); give a numpy array."
        ) from error
    if array.ndim == 0 or array.dtype.kind == "O":
        raise InputError(
            f"Expected an array of numbers for the {what}, found {_type(value)}; give "
            "a numpy array, or what numpy can make one of."
        )
    return array


def _refuse_other_things(value: Any, what: str) -> None:
    """Refuse what numpy would take for an array of something else."""
    if isinstance(value, (str, bytes, PathLike)):
        wanted, found = "an array", f"the file name {str(value)[:200]!r}"
        remedy = "read it first: napari_unet.io.read.read_image(...).array"
    elif hasattr(value, "data_vars"):
        wanted, found = "one array", "a dataset of several"
        names = ", ".join(map(str, list(value.data_vars)[:5]))
        remedy = f"choose one of its variables ({names})"
    elif hasattr(value, "keys") and not hasattr(value, "__array__"):
        wanted = "one array"
        found = f"{_type(value)}, which holds several by name"
        remedy = "choose one of them"
    # PIL's images, whose pixels may be numbers of colours.
    elif hasattr(value, "getbands") and getattr(value, "mode", None) in _NO_GREY_VALUES:
        wanted, found = "grey values or RGB", f"an image of mode {value.mode!r}"
        remedy = 'convert it first: image.convert("RGB")'
    else:
        return
    raise InputError(f"Expected {wanted} for the {what}, found {found}; {remedy}.")


def _on_cpu(found: Any) -> Any:
    """Return tensors and arrays of a graphics card in memory that numpy can read."""
    if hasattr(found, "detach") and hasattr(found, "cpu"):
        found = found.detach().cpu()
        if "bfloat16" in str(found.dtype):
            found = found.float()
        return found.resolve_conj().resolve_neg().numpy()
    if hasattr(found, "__cuda_array_interface__") and hasattr(found, "get"):
        return found.get()
    return found


def _type(value: object) -> str:
    kind = type(value)
    module = kind.__module__.split(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"
