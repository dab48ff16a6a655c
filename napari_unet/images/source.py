"""Where pixels come from and where labels go, one region at a time.

What computes reads regions of an `ImageSource` and writes regions of a `LabelStore`. An
array in memory is both at no cost: `ArrayImage`, `ArrayLabels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.axes import CANONICAL, to_canonical
from napari_unet.geometry.box import Box


@runtime_checkable
class ImageSource(Protocol):
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
        Shapes of the image and of smaller copies of it, the image itself first.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102
    @property
    def axes(self) -> str | None: ...  # noqa: D102
    @property
    def pixel_size(self) -> Mapping[str, float]: ...  # noqa: D102
    @property
    def levels(self) -> tuple[tuple[int, ...], ...]: ...  # noqa: D102

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return the pixels of a region of one level; nobody writes into them."""
        ...


class LabelStore(Protocol):
    """Labels, or values, that are read and written by regions."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return what is stored in a region; nobody writes into it."""
        ...

    def write(self, region: Box, values: npt.NDArray[Any]) -> None:
        """Store the values of a region."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ArrayImage:
    """An image in memory; an `ImageSource`.

    Parameters
    ----------
    array : ndarray
        Real numbers.
    axes, pixel_size
        As in `ImageSource`.
    note : str or None
        What was made of it, or left out, in words.
    """

    array: npt.NDArray[Any]
    axes: str | None = None
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    note: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the array."""
        return self.array.dtype

    @property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """The image alone."""
        return (self.array.shape,)

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return a view of a region."""
        if level:
            raise ValueError(f"an array has no level {level}")
        return self.array[region.slices]


@dataclass(frozen=True, slots=True, eq=False)
class ArrayLabels:
    """Labels in memory; a `LabelStore`."""

    array: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the array."""
        return self.array.dtype

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Return a view of a region."""
        return self.array[region.slices]

    def write(self, region: Box, values: npt.NDArray[Any]) -> None:
        """Write into the array."""
        self.array[region.slices] = values


@dataclass(frozen=True, slots=True, eq=False)
class CanonicalImage:
    """An image of any axes, read as if it had the axes T, C, Z, Y and X.

    Parameters
    ----------
    source : ImageSource
        The image.
    axes : str
        Its axes, whatever it states itself.
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
        stored = Box(
            tuple(region.start[n] for n in places),
            tuple(region.stop[n] for n in places),
        )
        return to_canonical(self.source.read(stored), self.axes)

    def channel(self, number: int) -> npt.NDArray[Any]:
        """Return a whole channel (T, Z, Y, X)."""
        t, _, z, y, x = self.shape
        region = Box((0, number, 0, 0, 0), (t, number + 1, z, y, x))
        return self.read(region)[:, 0]

    def plane(
        self, frame: int, section: int | None, box: Box | None = None
    ) -> npt.NDArray[Any]:
        """Return a plane (C, Y, X), or a volume (C, Z, Y, X) where no section is named.

        Parameters
        ----------
        box : Box, optional
            A part of the plane, or of the volume.
        """
        channels = self.shape[1]
        whole = self.shape[2:] if section is None else self.shape[3:]
        part = box or Box.whole(whole)
        if section is not None:
            part = Box((section, *part.start), (section + 1, *part.stop))
        region = Box((frame, 0, *part.start), (frame + 1, channels, *part.stop))
        pixels: npt.NDArray[Any] = self.read(region)[0]
        return pixels if section is None else pixels[:, 0]
