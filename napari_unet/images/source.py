"""Where pixels come from and where labels go, one region at a time.

What computes reads regions of an `ImageSource` and writes regions of a `LabelStore`. An
array in memory is both at no cost: `ArrayImage`, `ArrayLabels`.

`as_source` keeps arrays that read by regions as they are: `LazyImage`.
`as_image` takes what Python hands over: dask and zarr arrays are computed, tensors are
brought to the CPU, named dimensions become axes (`napari_unet.images.dimensions`),
masked pixels become NaN. What is no array is refused in a sentence. No library is
imported for it: an object is known by its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from napari_unet.errors import InputError, reason_of
from napari_unet.geometry.axes import CANONICAL, to_canonical
from napari_unet.geometry.box import Box
from napari_unet.images.dimensions import (
    lazily_opened,
    opened,
    stated_axes,
    stated_channels,
    stated_pixel_size,
)
from napari_unet.images.lazy import LazyImage, levels_of, reads_regions

_REAL = "buif"
_NO_GREY_VALUES = frozenset({"P", "PA", "CMYK", "YCbCr", "LAB", "HSV"})


class Regions(Protocol):
    """An array that is read by regions."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return what lies in a region; nobody writes into it."""
        ...


@runtime_checkable
class ImageSource(Regions, Protocol):
    """An image that is read by regions.

    Attributes
    ----------
    shape, dtype
        Of the whole image.
    axes : str or None
        One letter of "TCZYX" per axis; None where nothing states them.
    pixel_size : mapping of str to float
        Micrometres per pixel along "Z", "Y" and "X", as far as they are known.
    levels : tuple of tuple of int
        Shape of each level of the pyramid, the full resolution first.
    """

    @property
    def axes(self) -> str | None: ...  # noqa: D102
    @property
    def pixel_size(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def levels(self) -> tuple[tuple[int, ...], ...]: ...  # noqa: D102

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return what lies in a region of a level; nobody writes into it."""
        ...


class LabelStore(Regions, Protocol):
    """Labels, or values, that are read and written by regions."""

    def write(self, region: Box, values: npt.NDArray[Any]) -> None:
        """Store the values of a region."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _InMemory:
    array: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return a view of a region."""
        return self.array[region.slices]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ArrayImage(_InMemory):
    """An image in memory, an array of real numbers; an `ImageSource`.

    Parameters
    ----------
    axes, pixel_size
        As in `ImageSource`.
    channels : tuple of str
        Names of the channels, where something states them.
    note : str or None
        What was made of it, or left out, in words.
    """

    axes: str | None = None
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    note: str | None = None

    @property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """The only one."""
        return (self.shape,)

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return a view of a region."""
        if level:
            raise ValueError(f"an array has no level {level}")
        return self.array[region.slices]

    def noted(self, *notes: str | None) -> Self:
        """Return the image with more said of it."""
        return replace(self, note="; ".join(filter(None, (self.note, *notes))) or None)


class ArrayLabels(_InMemory):
    """Labels in memory; a `LabelStore`."""

    __slots__ = ()

    def write(self, region: Box, values: npt.NDArray[Any]) -> None:
        """Write into the array."""
        self.array[region.slices] = values


@dataclass(frozen=True, slots=True, eq=False)
class CanonicalImage:
    """An image of any axes, read as if it had the axes T, C, Z, Y and X.

    `axes` are those of the source, whatever it states itself.
    """

    source: ImageSource
    axes: str

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Extents of T, C, Z, Y and X; 1 where the image has no such axis."""
        extents = dict(zip(self.axes, self.source.shape, strict=True))
        t, c, z, y, x = (extents.get(axis, 1) for axis in CANONICAL)
        return t, c, z, y, x

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return a region of (T, C, Z, Y, X)."""
        places = [CANONICAL.index(axis) for axis in self.axes]
        start, stop = (
            tuple(end[n] for n in places) for end in (region.start, region.stop)
        )
        return to_canonical(self.source.read(Box(start, stop)), self.axes)

    def channel(self, number: int) -> npt.NDArray[Any]:
        """Return a whole channel (T, Z, Y, X)."""
        t, _, z, y, x = self.shape
        region = Box((0, number, 0, 0, 0), (t, number + 1, z, y, x))
        return self.read(region)[:, 0]

    def plane(
        self, frame: int, section: int | None, box: Box | None = None
    ) -> npt.NDArray[Any]:
        """Return a plane (C, Y, X), or a volume (C, Z, Y, X) where no section is named.

        Or a part of it, the box.
        """
        whole = self.shape[2:] if section is None else self.shape[3:]
        part = box or Box.whole(whole)
        if section is not None:
            part = Box((section, *part.start), (section + 1, *part.stop))
        region = Box((frame, 0, *part.start), (frame + 1, self.shape[1], *part.stop))
        pixels: npt.NDArray[Any] = self.read(region)[0]
        return pixels if section is None else pixels[:, 0]


def anisotropy_of(pixel_size: Mapping[str, float]) -> float | None:
    """Return how many times as far apart sections are as pixels are wide, if known.

    What is not above 0, or not within reason, is not known.
    """
    apart, wide = pixel_size.get("Z"), pixel_size.get("X") or pixel_size.get("Y")
    if not apart or not wide or not 0.01 <= apart / wide <= 100:
        return None
    return apart / wide


def as_image(image: object) -> ArrayImage:
    """Return what a person gave for an image as an array of real numbers.

    An `ImageSource` is read whole.

    Raises an InputError if it is no array, cannot be computed, or holds other numbers.
    """
    if isinstance(image, ImageSource):
        found = as_image(image.read(Box.whole(image.shape)))
        return replace(found, axes=image.axes, pixel_size=image.pixel_size)
    array = as_array(opened(image))
    if array.dtype.kind not in _REAL:
        raise no_real_numbers(array.dtype)
    found = ArrayImage(
        array=array,
        axes=stated_axes(image),
        pixel_size=stated_pixel_size(image),
        channels=stated_channels(image),
    )
    if not (isinstance(image, np.ma.MaskedArray) and np.ma.is_masked(image)):
        return found
    # float32 holds 16 bits exactly, and large numbers as well as they are needed.
    small = image.dtype.itemsize <= 2 or image.dtype == np.float32
    filled = np.ma.filled(image.astype(np.float32 if small else np.float64), np.nan)
    note = "masked pixels were taken for unknown (NaN)"
    return replace(found, array=np.asarray(filled), note=note)


def as_source(image: object) -> ImageSource:
    """Return what a person gave for an image, so that regions of it can be read.

    Arrays of dask, zarr and others that compute or read what is asked for are left as
    they are, as are the levels of a pyramid, the finest first; everything else is taken
    as by `as_image`.

    Raises an InputError if it is no array of real numbers.
    """
    if isinstance(image, ImageSource):
        return image
    levels = levels_of(image)
    lazy = tuple(lazily_opened(level) for level in levels)
    if not all(map(reads_regions, lazy)) and len(levels) == 1:
        return as_image(image)
    dtype = np.dtype(lazy[0].dtype)
    if dtype.kind not in _REAL:
        raise no_real_numbers(dtype)
    return LazyImage(
        arrays=lazy,
        axes=stated_axes(levels[0]),
        pixel_size=stated_pixel_size(levels[0]),
        channels=stated_channels(levels[0]),
    )


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
