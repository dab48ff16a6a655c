"""What is looked at in a TIFF before tifffile reads it: its chain of pages, its XML.

tifffile believes what a file says of itself and makes its lists as long as the file
wants them. The sizes of pixels are compared in `napari_unet.io.tiff.sizes`.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from napari_unet.errors import InputError
from napari_unet.io.reader import damaged

MOST_PAGES = 100_000
"""More than any recording that fits into memory; each costs tifffile some memory."""

_MOST_LEVELS = 64
_MOST_TAGS = 4096
_MOST_PLANES = 1_000_000
_LARGEST_XML = 2**27
_SUB_PAGES = 330
# Number of tags, one tag (code, type, count, value), offset of the next page.
_LAYOUTS = {42: ("H", "HHI4x", "I", 4), 43: ("Q", "HHQ8x", "Q", 8)}
_ENTITY = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def check_pages(path: Path) -> None:
    """Follow the chain of pages, and refuse one that has no end.

    Raises an InputError if it runs in a circle, or has more pages or levels than any
    image.
    """
    seen: set[int] = set()
    with path.open("rb") as file:
        for offset, levels in _iter_pages(file):
            if offset in seen:
                raise damaged(path, "its list of pages runs in a circle")
            if levels > _MOST_LEVELS:
                raise damaged(path, f"a page of it claims {levels} smaller copies")
            seen.add(offset)
            if len(seen) > MOST_PAGES:
                raise InputError(
                    f"The image {str(path)!r} has more than {MOST_PAGES:,} pages; "
                    "split it into several files."
                )


def _iter_pages(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield where every page begins, and how many levels hang below it."""
    order = "<" if file.read(2) == b"II" else ">"
    (version,) = struct.unpack(order + "H", file.read(2))
    count, tag, link, start = _LAYOUTS[version]
    file.seek(start)
    # Where the file ends or turns to nonsense, tifffile will say so.
    while offset := _number(file, order + link):
        file.seek(offset)
        number = _number(file, order + count)
        if number > _MOST_TAGS:
            return
        tags = file.read(number * struct.calcsize("=" + tag))
        if len(tags) < number * struct.calcsize("=" + tag):
            return
        found = struct.iter_unpack(order + tag, tags)
        yield offset, max((n for code, _, n in found if code == _SUB_PAGES), default=0)


def _number(file: BinaryIO, layout: str) -> int:
    """Read a number; 0 at the end of the file."""
    data = file.read(struct.calcsize(layout))
    if len(data) < struct.calcsize(layout):
        return 0
    return int(struct.unpack(layout, data)[0])


def refuse_entities(path: Path, text: object) -> None:
    """Refuse XML that defines entities: they can grow without end, or name files.

    Raises an InputError if the text has a document type or an entity of its own.
    """
    if isinstance(text, bytes):
        text = text.replace(b"\0", b"").decode("latin-1")
    if isinstance(text, str) and _ENTITY.search(text):
        raise InputError(
            f"The metadata of the image {str(path)!r} define entities of their own, "
            "which no microscope writes, so they were not read; open the image in "
            "Fiji and save it as TIFF."
        )


def check_ome(path: Path, xml: str) -> bool:
    """Return whether OME metadata name other files, which are left alone.

    Raises an InputError if they claim more planes than any image has.
    """
    if len(xml) > _LARGEST_XML:
        raise damaged(path, "its metadata are larger than 128 MB")
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return False  # tifffile reads the pages without them
    attributes = [one.attrib for one in root.iter()]
    planes, steps = sum(map(_planes, attributes)), max(map(_steps, attributes))
    if planes > _MOST_PLANES or steps > _MOST_PLANES:
        raise damaged(path, f"its metadata claim more than {_MOST_PLANES:,} planes")
    names = {each["FileName"].lower() for each in attributes if "FileName" in each}
    return not names <= {path.name.lower()}


def _planes(attributes: dict[str, str]) -> int:
    """Return the planes of a `Pixels`, or those that a `TiffData` refers to."""
    if "SizeX" in attributes:
        return math.prod(_whole(attributes.get(f"Size{axis}", "1")) for axis in "ZCT")
    counts = (attributes.get(name, "0") for name in ("PlaneCount", "NumPlanes"))
    return max(map(_whole, counts))


def _steps(attributes: dict[str, str]) -> float:
    """Return how many numbers a range has ("Modulo" axes of OME)."""
    try:
        start, stop = (float(attributes.get(name, 0)) for name in ("Start", "End"))
        steps = abs((stop - start) / float(attributes.get("Step", 1)))
    except ValueError:
        return 0
    except ZeroDivisionError:
        return math.inf
    return math.inf if math.isnan(steps) else steps


def _whole(text: str) -> int:
    try:
        return abs(int(text))
    except ValueError:
        return 0
