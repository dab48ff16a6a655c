"""ImageJ's stacks whose header tells of another number of planes than there are.

A recording that was stopped early, and planes that other programs added or took away,
leave such files. ImageJ opens them, with the planes that there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_SLOWEST_FIRST = {"T": "frames", "Z": "slices", "C": "channels"}


@dataclass(frozen=True, slots=True)
class Stack:
    """How the planes of a file are arranged.

    Parameters
    ----------
    there, told : int
        Planes in the file, and those that the header tells of.
    sizes : tuple of int
        Of what can be made of them, without Y and X; the slowest axis first.
    axes : str or None
        One letter per size, and "YX"; None where nothing names the axis.
    contiguous : bool
        Whether all planes follow the first one, which alone has a page.
    """

    there: int
    told: int
    sizes: tuple[int, ...]
    axes: str | None
    contiguous: bool

    @property
    def used(self) -> int:
        """Planes that are part of a whole step along the slowest axis."""
        return math.prod(self.sizes)

    @property
    def note(self) -> str:
        """What the person should know."""
        read = "they were read" if self.used == self.there else f"{self.used} were read"
        return (
            f"its header tells of {self.told} planes and the file holds {self.there}: "
            f"{read}"
        )

    def arrange(self, planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return all planes, in the order of the file, with their axes."""
        return planes[: self.used].reshape(*self.sizes, *planes.shape[1:])


def find_stack(path: Path, file: Any) -> Stack | None:
    """Return how the planes are arranged, or None where ImageJ's header is right."""
    header = file.imagej_metadata or {}
    sizes = {a: header.get(name, 1) for a, name in _SLOWEST_FIRST.items()}
    if not all(isinstance(n, int) and n > 0 for n in sizes.values()):
        return None
    page, pages = file.pages.first, len(file.pages)
    if page.samplesperpixel > 1 or len(page.shape) != 2:
        return None
    told = math.prod(sizes.values())
    if told == 1 and pages > 1:
        return None  # all pages are read, whatever their number
    contiguous = pages == 1
    there = _contiguous_planes(path, page, told) if contiguous else pages
    if there == told or (contiguous and there < 2):
        return None
    if not contiguous and not _are_alike(file):
        return None
    axes, kept = _arrangement(sizes, there)
    return Stack(there, told, kept, axes, contiguous)


def read_contiguous(path: Path, page: Any, count: int) -> npt.NDArray[Any]:
    """Return the planes that lie behind each other in a file."""
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    values = np.fromfile(
        path, dtype, count * page.size, offset=int(page.dataoffsets[0])
    )
    return values.reshape(count, *page.shape)


def _contiguous_planes(path: Path, page: Any, told: int) -> int:
    """Return how many planes there are from the first one to the end of the file."""
    start = int(page.dataoffsets[0]) if page.dataoffsets else 0
    # Where pixels come first, what follows them is no plane.
    if not page.is_contiguous or start < page.offset:
        return told
    return min(told, (path.stat().st_size - start) // max(1, int(page.nbytes)))


def _are_alike(file: Any) -> bool:
    first = file.pages.first
    return all(
        page.shape == first.shape and page.dtype == first.dtype for page in file.pages
    )


def _arrangement(
    sizes: dict[str, int], there: int
) -> tuple[str | None, tuple[int, ...]]:
    """Make whole steps of the slowest axis, from as many planes as there are."""
    present = [axis for axis, size in sizes.items() if size > 1]
    if not present:
        return None, (there,)
    faster = tuple(sizes[axis] for axis in present[1:])
    steps = there // math.prod(faster)
    if steps == 0:
        return None, (there,)
    return "".join(present) + "YX", (steps, *faster)
