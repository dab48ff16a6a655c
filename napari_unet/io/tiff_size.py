"""Whether the sizes that a TIFF claims can be true, before memory is taken for them."""

from __future__ import annotations

import importlib.util
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from napari_unet.errors import InputError
from napari_unet.io.memory import in_words, refuse_beyond_memory

_NONE, _JPEG, _LZMA, _ZSTD = 1, 7, 34925, 50000
_DEFLATE = frozenset({8, 32946, 50013})
_JPEG_2000 = frozenset({33003, 33004, 33005, 34712})

MOST_EXPANSION: Mapping[int, int] = MappingProxyType(
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
        **dict.fromkeys(_JPEG_2000, 100_000),
    }
)
"""How many bytes of pixels a byte in the file can stand for, by TIFF's compression.

Others are refused: their decoders take what a tile says of itself, not what the page
says of the tile.
"""

_LARGEST_TILE = 2**28
_CHECKED_FROM = 2**18
_PIECE = 2**16


def check_series(path: Path, series: list[Any]) -> None:
    """Compare what is going to be read with the size of the file and with the memory.

    Parameters
    ----------
    series : list of tifffile.TiffPageSeries
        All that is read.

    Raises
    ------
    InputError
        If the file cannot hold that many pixels, they do not fit into memory, or the
        compression is not one of `MOST_EXPANSION`.
    """
    claimed = sum(_nbytes(one.shape, one.dtype) for one in series)
    possible = max(_possible(path, one.keyframe) for one in series)
    if claimed > possible:
        raise _damaged(
            path,
            f"its header tells of {in_words(claimed)} of pixels, which a file of "
            f"{in_words(path.stat().st_size)} cannot hold",
        )
    refuse_beyond_memory(path, claimed)
    for one in series:
        _check_tiles(path, one)


def _nbytes(shape: tuple[int, ...], dtype: Any) -> int:
    nbytes = int(dtype.itemsize)
    for extent in shape:
        nbytes *= int(extent)
    return nbytes


def _possible(path: Path, page: Any) -> int:
    compression = int(page.compression)
    if compression not in MOST_EXPANSION:
        name = str(getattr(page.compression, "name", compression))
        raise InputError(
            f"The TIFF {str(path)!r} is compressed in a way that this program does "
            f"not read ({name}); open it in Fiji and save it as TIFF."
        )
    bits = page.bitspersample if isinstance(page.bitspersample, int) else 1
    # Pixels of few bits take whole bytes in memory.
    unpacked = max(1, 8 * int(page.dtype.itemsize) // max(1, bits))
    return path.stat().st_size * MOST_EXPANSION[compression] * unpacked


def _check_tiles(path: Path, series: Any) -> None:
    page = series.keyframe
    tile = _nbytes(page.chunks, page.dtype)
    if tile > max(_LARGEST_TILE, 4 * _nbytes(page.shape, page.dtype)):
        raise _damaged(
            path, f"a tile of it claims {in_words(tile)}, more than the whole page"
        )
    compression = int(page.compression)
    if compression == _JPEG or compression in _JPEG_2000:
        limit = _nbytes(page.chunks[:2], page.dtype)
        _check_segments(path, series, lambda data: _pixels_of(data) <= max(4096, limit))
    elif compression in {_LZMA, _ZSTD} | _DEFLATE and not _is_installed():
        if compression not in _DEFLATE:
            raise ImportError("imagecodecs")
        _check_segments(path, series, lambda data: _inflates_to(data, tile + _PIECE))


def _is_installed() -> bool:
    """Return whether the decoders are there that stop where a tile is full."""
    return importlib.util.find_spec("imagecodecs") is not None


def _check_segments(path: Path, series: Any, is_right: Any) -> None:
    with path.open("rb") as file:
        for page in series.pages:
            if page is None:
                continue
            places = zip(page.dataoffsets, page.databytecounts, strict=False)
            for offset, count in places:
                file.seek(offset)
                if count and not is_right(file.read(count)):
                    raise _damaged(path, "a tile of it holds more than its place")


def _inflates_to(data: bytes, limit: int) -> bool:
    """Return whether deflated data hold at most so many bytes."""
    if len(data) < _CHECKED_FROM:
        return True
    inflater = zlib.decompressobj()
    size = 0
    while data and not inflater.eof and size <= limit:
        size += len(inflater.decompress(data, _PIECE))
        data = inflater.unconsumed_tail
    return size <= limit


def _pixels_of(data: bytes) -> int:
    """Return the pixels that a JPEG or a JPEG 2000 says it has; 0 where it is neither.

    Only those in the pixels of one channel are counted.
    """
    if data[:2] == b"\xff\xd8":
        return _pixels_of_jpeg(data)
    start = data.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(data) < start + 24:
        return 0
    x, y, left, top = struct.unpack_from(">IIII", data, start + 8)
    return int(max(0, x - left) * max(0, y - top))


def _pixels_of_jpeg(data: bytes) -> int:
    pixels, place = 0, 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            place += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            y, x = struct.unpack_from(">HH", data, place + 5)
            pixels = max(pixels, int(y * x))
        if marker == 0xDA:
            break
        place += 2 + length
    return pixels


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"The image {str(path)!r} is incomplete or damaged: {what}; copy or export it "
        "again."
    )
