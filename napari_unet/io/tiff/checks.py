"""What is looked at in a TIFF before tifffile reads it: pages, XML, sizes.

tifffile believes what a file says of itself: it makes its lists as long as the file
wants them, and its decoders take the memory that tiles claim.
"""

from __future__ import annotations

import importlib.util
import math
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO
from xml.etree import ElementTree

from napari_unet.errors import InputError
from napari_unet.io.reader import (
    damaged,
    in_words,
    inflated_size,
)

MOST_PAGES = 100_000
"""More than any recording that fits into memory; each costs tifffile some memory."""

_MOST_LEVELS = 64
_MOST_TAGS = 4096
_MOST_PLANES = 1_000_000
_LARGEST_XML = 2**27
_SUB_PAGES = 330
# Number of tags, one tag (code, type, count, value), offset of the next page.
_LAYOUTS = {42: ("H", "HHI4x", "I", 4), 43: ("Q", "HHQ8x", "Q", 8)}
_XML_TAGS = (270, 700)
_ENTITY = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)

_NONE, _OLD_JPEG, _JPEG, _LZMA, _ZSTD = 1, 6, 7, 34925, 50000
_LERC, _PNG, _WEBP, _JPEG_XL = 34887, 34933, 50001, 50002
_DEFLATE = frozenset({8, 32946, 50013})
_JPEG_2000 = frozenset({33003, 33004, 33005, 34712})

_MOST_EXPANSION = MappingProxyType(
    {
        _NONE: 1,
        2: 3_000,  # CCITT: a line of some bits for a line of white
        3: 3_000,
        4: 30_000,  # a bit repeats the line above
        5: 2_700,  # LZW: 12 bits for a text of the 4096 in its table
        32773: 64,  # PackBits: 2 bytes for 128
        **dict.fromkeys(_DEFLATE, 1_100),  # 2 bits for 258 bytes
        _LZMA: 10_000,
        _ZSTD: 50_000,  # 4 bytes for a block of 128 kB, less in practice
        _JPEG: 6_000,  # a bit or more for a block of 64 pixels in three colours
        _OLD_JPEG: 6_000,
        _PNG: 1_100,
        # A blank tile is a few bytes; what it claims is compared with its place.
        **dict.fromkeys({_LERC, _WEBP, _JPEG_XL} | _JPEG_2000, 100_000),
    }
)
"""How many bytes of pixels a byte in the file can stand for, by TIFF's compression.

Others are refused: their decoders take what a tile says of itself, not what the page
says of the tile.
"""

# Their decoders take memory for what a tile says of itself, so it has to say it.
_TELLING = frozenset({_LERC, _PNG, _WEBP, _JPEG_XL})
_SAYING = _TELLING | _JPEG_2000 | {_JPEG, _OLD_JPEG}

_LARGEST_TILE = 2**28
_CHECKED_FROM = 2**18
_SPARE = 2**16

_UNKNOWN = 0


def check_pages(path: Path) -> None:
    """Refuse a chain of pages that runs in a circle, or is longer than any image's."""
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


def check_metadata(path: Path, file: Any) -> bool:
    """Refuse XML that could do harm; return whether it names other files.

    Entities of its own can grow without end, or name files.
    """
    for tag in _XML_TAGS:
        text = file.pages.first.tags.valueof(tag)
        if isinstance(text, bytes):
            text = text.replace(b"\0", b"").decode("latin-1")
        if isinstance(text, str) and _ENTITY.search(text):
            raise InputError(
                f"The metadata of the image {str(path)!r} define entities of their "
                "own, which no microscope writes, so they were not read; open the "
                "image in Fiji and save it as TIFF."
            )
    return bool(file.is_ome) and _names_others(path, file.ome_metadata)


def _names_others(path: Path, xml: str) -> bool:
    """Refuse more planes than any image has; return whether other files are named."""
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


def most_expansion(path: Path, series: Sequence[Any]) -> int:
    """Return how many bytes of pixels a byte in the file can stand for.

    Other packings than those in `_MOST_EXPANSION`, and tiles that are larger than their
    page, are refused.
    """
    for one in series:
        page = one.keyframe
        tile = _nbytes(page.chunks, page.dtype)
        if tile > max(_LARGEST_TILE, 4 * _nbytes(page.shape, page.dtype)):
            claim = f"a tile of it claims {in_words(tile)}, more than the whole page"
            raise damaged(path, claim)
    return max(_most_expansion(path, one.keyframe) for one in series)


def _nbytes(shape: tuple[int, ...], dtype: Any) -> int:
    return math.prod(map(int, shape), start=int(dtype.itemsize))


def _most_expansion(path: Path, page: Any) -> int:
    compression = int(page.compression)
    if compression not in _MOST_EXPANSION:
        name = str(getattr(page.compression, "name", compression))
        raise InputError(
            f"The TIFF {str(path)!r} is compressed in a way that this program does "
            f"not read ({name}); open it in Fiji and save it as TIFF."
        )
    bits = page.bitspersample if isinstance(page.bitspersample, int) else 1
    # Pixels of few bits take whole bytes in memory: 10 of them take 16.
    unpacked = max(1, math.ceil(8 * int(page.dtype.itemsize) / max(1, bits)))
    return _MOST_EXPANSION[compression] * unpacked


def check_of_segments(page: Any) -> Callable[[bytes], bool]:
    """Return what tells whether a packed tile of a page holds no more than its place.

    Raises an ImportError where only a decoder that is not installed stops in time.
    """
    compression = int(page.compression)
    if compression in _SAYING:
        limit = max(4096, _nbytes(page.chunks[:2], page.dtype))
        least = 1 if compression in _TELLING else 0
        return lambda data: least <= pixels_of(data) <= limit
    if compression in {_LZMA, _ZSTD} | _DEFLATE and not _is_installed():
        if compression not in _DEFLATE:
            raise ImportError("imagecodecs")
        most = _nbytes(page.chunks, page.dtype) + _SPARE
        return lambda data: (
            len(data) < _CHECKED_FROM or inflated_size(BytesIO(data), most) <= most
        )
    return lambda _: True


def check_every_segment(path: Path, series: Any) -> None:
    """Refuse an image a tile of which holds more than its place."""
    is_right = check_of_segments(series.keyframe)
    with path.open("rb") as file:
        for page in filter(None, series.pages):
            places = zip(page.dataoffsets, page.databytecounts, strict=False)
            for offset, count in places:
                file.seek(offset)
                if count and not is_right(file.read(count)):
                    raise damaged(path, "a tile of it holds more than its place")


def _is_installed() -> bool:
    """Return whether the decoders are there that stop where a tile is full."""
    return importlib.util.find_spec("imagecodecs") is not None


def pixels_of(data: bytes) -> int:
    """Return the pixels that a tile says a channel of it has; 0 if it does not."""
    read = next((read for magic, read in _READERS if data.startswith(magic)), None)
    try:
        return read(data) if read else _of_jpeg_2000(data)
    except struct.error:
        return _UNKNOWN  # it is too short


def _area(layout: str, data: bytes, place: int) -> int:
    one, other = struct.unpack_from(layout, data, place)
    return int(max(0, one) * max(0, other))


def _of_jpeg_2000(data: bytes) -> int:
    start = data.find(b"\xff\x4f\xff\x51")
    if start < 0:
        return _UNKNOWN
    x, y, left, top = struct.unpack_from(">IIII", data, start + 8)
    return int(max(0, x - left) * max(0, y - top))


def _of_jpeg(data: bytes) -> int:
    pixels, place = 0, 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            place += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            pixels = max(pixels, _area(">HH", data, place + 5))
        if marker == 0xDA:
            break
        place += 2 + length
    return pixels


def _of_png(data: bytes) -> int:
    return _area(">II", data, 16)


def _of_webp(data: bytes) -> int:
    """Return the largest size of those in the header and in its frames."""
    pixels, place = 0, 12
    while place + 18 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        body = data[place + 8 : place + 18]
        if kind == b"VP8X":
            sides = [int.from_bytes(body[n : n + 3], "little") + 1 for n in (4, 7)]
        elif kind == b"VP8 ":
            sides = [int.from_bytes(body[n : n + 2], "little") & 0x3FFF for n in (6, 8)]
        elif kind == b"VP8L":
            bits = int.from_bytes(body[1:5], "little")
            sides = [(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1]
        else:
            sides = [0]
        pixels = max(pixels, math.prod(sides))
        place += 8 + length + length % 2
    return pixels


def _of_lerc(data: bytes) -> int:
    (version,) = struct.unpack_from("<i", data, 6)
    # A checksum stands before the size since version 3.
    return _area("<ii", data, 14 if version >= 3 else 10)


def _of_boxes(data: bytes) -> int:
    place = 0
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        head = 16 if length == 1 else 8
        if kind in {b"jxlc", b"jxlp"}:
            stream = data[place + head + (4 if kind == b"jxlp" else 0) :]
            return _of_jpeg_xl(stream) if stream.startswith(_JXL) else _UNKNOWN
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, place + 8)
        if length < head:
            return _UNKNOWN
        place += length


def _of_jpeg_xl(data: bytes) -> int:
    """Read the size in front of a code stream, the lowest bits first."""
    bits, place = int.from_bytes(data[:18], "little"), 8 * len(_JXL)

    def take(count: int) -> int:
        nonlocal place
        found = bits >> place & (1 << count) - 1
        place += count
        return found

    def side(*, small: bool) -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = bool(take(1))
    height = side(small=small)
    ratio = take(3)
    if ratio == 0:
        return height * side(small=small)
    over, under = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return height * (height * over // under)


_JXL = b"\xff\x0a"
_READERS = (
    (b"\xff\xd8", _of_jpeg),
    (_JXL, _of_jpeg_xl),
    (b"\0\0\0\x0cJXL ", _of_boxes),
    (b"\x89PNG\r\n\x1a\n", _of_png),
    (b"RIFF", _of_webp),
    (b"Lerc2 ", _of_lerc),
)
