"""What metadata of OME and ImageJ tell: pixel sizes, names, how planes are arranged.

Metadata can be any nonsense, and then say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from napari_unet.io.reader import as_names, in_micrometres

_NONSENSE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ElementTree.ParseError,
)
_MICROMETRES_OF_UNIT = {2: 25_400.0, 3: 10_000.0}
"""Inches and centimetres, as TIFF's ResolutionUnit numbers them; 1 is no unit."""

_COARSEST = 5.0
"""Micrometres; scanners, and what is printed or shown, have no finer pixels."""

_SLOWEST_FIRST = {"T": "frames", "Z": "slices", "C": "channels"}


def pixel_sizes(file: Any) -> dict[str, float]:
    """Return the micrometres that the file states.

    What OME, ImageJ, or the words beside the axes of this program's files say is
    believed. So is a resolution in centimetres in a file of tifffile's, which writes
    none unless it is told to. Any other resolution, in centimetres or inches, is
    believed only where pixels are finer than 5 micrometres, and as high as wide within
    a factor of two: the 72, 96 or 300 per inch that programs write without being asked
    are no sizes, and no printer, screen or scanner has so many.
    """
    with suppress(*_NONSENSE):
        if file.is_ome:
            return in_micrometres(_iter_ome_sizes(_pixels(file.ome_metadata).attrib))
        if file.is_imagej:
            return in_micrometres(_iter_imagej_sizes(file))
    with suppress(*_NONSENSE):
        said = file.shaped_metadata[0] if file.is_shaped else {}
        if stated := in_micrometres(_iter_ome_sizes(said)):
            return stated
        return _resolution(file.pages.first, trusted=bool(said))
    return {}


def _resolution(page: Any, *, trusted: bool) -> dict[str, float]:
    """Return sizes from the tags of a page; those of anybody only if they are fine."""
    unit = int(page.tags["ResolutionUnit"].value)
    sizes = {}
    for axis in "YX":
        pixels, units = page.tags[f"{axis}Resolution"].value
        sizes[axis] = _MICROMETRES_OF_UNIT[unit] * units / pixels
    least, most = sorted(sizes.values())
    believed = most < _COARSEST and most <= 2 * least
    if believed or (trusted and unit == 3):
        return in_micrometres((axis, size, "um") for axis, size in sizes.items())
    return {}


def channel_names(file: Any, count: int) -> tuple[str, ...]:
    """Return the names in the metadata of a file, if there is one for each channel."""
    with suppress(*_NONSENSE):
        if file.is_ome:
            channels = _pixels(file.ome_metadata).iterfind("{*}Channel")
            return as_names((one.attrib.get("Name", "") for one in channels), count)
        if file.is_imagej:
            # ImageJ labels every plane; those of the channels come first.
            labels = file.imagej_metadata.get("Labels", ())
            return as_names(labels if len(labels) == count else (), count)
    return ()


def _pixels(xml: str) -> Any:
    return ElementTree.fromstring(xml).find(".//{*}Pixels")


def _iter_ome_sizes(said: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for axis in "ZYX":
        if (name := f"PhysicalSize{axis}") in said:
            yield axis, said[name], said.get(f"{name}Unit", "µm")


def _iter_imagej_sizes(file: Any) -> Iterator[tuple[str, Any, str]]:
    metadata = file.imagej_metadata
    unit = str(metadata["unit"]).lower()
    for axis in "YX":
        pixels, units = file.pages[0].tags[f"{axis}Resolution"].value
        yield axis, units / pixels, unit
    if "spacing" in metadata:
        yield "Z", metadata["spacing"], unit


@dataclass(frozen=True, slots=True)
class Stack:
    """How ImageJ's planes are arranged where there are others than the header tells.

    A recording that was stopped early, and planes that other programs added or took
    away, leave such files. ImageJ opens them, with the planes that there are.
    """

    there: int  # planes in the file
    told: int  # planes that the header tells of
    sizes: tuple[int, ...]  # of what can be made of them, the slowest axis first
    axes: str | None  # of the sizes, and "YX"; None where nothing names them
    contiguous: bool  # whether all planes follow the first, which alone has a page

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


def find_stack(path: Path, file: Any) -> Stack | None:
    """Return how planes are arranged, or None where ImageJ's header is right."""
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
    if any((p.shape, p.dtype) != (page.shape, page.dtype) for p in file.pages):
        return None
    return Stack(there, told, *_arrangement(sizes, there), contiguous)


def _contiguous_planes(path: Path, page: Any, told: int) -> int:
    """Return how many planes there are from the first one to the end of the file."""
    start = int(page.dataoffsets[0]) if page.dataoffsets else 0
    # Where pixels come first, what follows them is no plane.
    if not page.is_contiguous or start < page.offset:
        return told
    return min(told, (path.stat().st_size - start) // max(1, int(page.nbytes)))


def _arrangement(
    sizes: dict[str, int], there: int
) -> tuple[tuple[int, ...], str | None]:
    """Make whole steps of the slowest axis, from as many planes as there are."""
    present = [axis for axis, size in sizes.items() if size > 1]
    faster = tuple(sizes[axis] for axis in present[1:])
    steps = there // math.prod(faster)
    if not present or steps == 0:
        return (there,), None
    return (steps, *faster), "".join(present) + "YX"
