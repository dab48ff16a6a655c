"""A table of objects: columns of numbers that say what they are."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box

Numbers: TypeAlias = npt.NDArray[Any]
"""Shape (n,), one number for each object; NaN where nobody knows."""

_WHOLE = 10
"""From here on a size is told without decimals."""

_IN_ASCII = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3"})


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One number of each object.

    Parameters
    ----------
    name, unit : str
        Such as "area" and "µm²"; without a unit where it has none.
    about : str
        What it is and how it is computed, in a sentence.
    values : ndarray, shape (n,)
        Whole numbers, truth, or floats with NaN where it is not known.
    decimals : int or None
        How many a person gets to see; None for four digits that count.
    """

    name: str
    unit: str
    about: str
    values: Numbers
    decimals: int | None = 0

    @property
    def title(self) -> str:
        """Name and unit, for people."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def header(self) -> str:
        """Name and unit, for files: ASCII letters, digits and `_`."""
        words = f"{self.name} {self.unit}".translate(_IN_ASCII)
        plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
        return re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")

    def text(self, row: int) -> str:
        """Return a number as people read it; nothing where it is not known."""
        value = self.values[row]
        if self.values.dtype == bool:
            return "✓ yes" if value else "no"
        if np.isnan(value):
            return ""
        digits = ".4g" if self.decimals is None else f".{self.decimals}f"
        return f"{value:{digits}}"


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """What was measured of the objects of an image, a row for each.

    Those of a time-lapse have a row for each frame in which they are.

    Parameters
    ----------
    columns : tuple of Column
        "id" is among them, "frame" for a time-lapse, and "verified".
    boxes : ndarray of int, shape (n, 2, axes)
        Where the objects are: start and stop along the axes of the labels.
    sized : str
        The name of the column with areas, or volumes.
    """

    columns: tuple[Column, ...]
    boxes: npt.NDArray[np.int64]
    sized: str

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def in_frames(self) -> bool:
        """Whether they are those of a time-lapse, measured frame by frame."""
        return any(each.name == "frame" for each in self.columns)

    def __getitem__(self, name: str) -> Numbers:
        """Return the values of the first column of that name."""
        return next(each.values for each in self.columns if each.name == name)

    def box(self, row: int) -> Box:
        """Return the smallest box that holds an object."""
        start, stop = self.boxes[row].tolist()
        return Box(tuple(start), tuple(stop))

    def keys(self) -> npt.NDArray[np.int64]:
        """Return what tells an object, in its frame, from all others; shape (n,)."""
        ids = self["id"].astype(np.int64)
        return ids + (self["frame"] << 32) if self.in_frames else ids

    def summary(self) -> str:
        """Say how many there are, and how large: in micrometres where that is known."""
        objects = len(np.unique(self["id"]))
        words = f"{objects:,} object{'' if objects == 1 else 's'}"
        if self.in_frames:
            frames = len(np.unique(self["frame"]))
            words += f" in {frames:,} frame{'' if frames == 1 else 's'}"
        if not objects:
            return words
        *_, sizes = (each for each in self.columns if each.name == self.sized)
        median = float(np.median(sizes.values))
        told = f"{median:,.0f}" if median >= _WHOLE else f"{median:.2g}"
        verified = np.count_nonzero(self["verified"])
        size = f"median {sizes.name} {told} {sizes.unit}"
        return f"{words}, {verified:,} verified, {size}"
