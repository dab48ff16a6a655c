"""Whether the sizes that a TIFF claims can be true, before memory is taken for them."""

from __future__ import annotations

import importlib.util
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from napari_unet.errors import InputError
from napari_unet.io.memory import in_words, refuse_beyond_memory
from napari_unet.io.segment_size import pixels_of

_NONE, _OLD_JPEG, _JPEG, _LZMA, _ZSTD = 1, 6, 7, 34925, 50000
_LERC, _PNG, _WEBP, _JPEG_XL = 34887, 34933, 50001, 50002
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
        _OLD_JPEG: 6_000,
        _PNG: 1_100,
        # A blank tile is a few bytes; what it claims is compared with its place.
        _LERC: 100_000,
        _WEBP: 100_000,
        _JPEG_XL: 100_000,
        **dict.fromkeys(_JPEG_2000, 100_000),
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
    # Pixels of few bits take whole bytes in memory: 10 of them take 16.
    unpacked = max(1, math.ceil(8 * int(page.dtype.itemsize) / max(1, bits)))
    return path.stat().st_size * MOST_EXPANSION[compression] * unpacked


def _check_tiles(path: Path, series: Any) -> None:
    page = series.keyframe
    tile = _nbytes(page.chunks, page.dtype)
    if tile > max(_LARGEST_TILE, 4 * _nbytes(page.shape, page.dtype)):
        raise _damaged(
            path, f"a tile of it claims {in_words(tile)}, more than the whole page"
        )
    compression = int(page.compression)
    if compression in _SAYING:
        limit = max(4096, _nbytes(page.chunks[:2], page.dtype))
        least = 1 if compression in _TELLING else 0
        _check_segments(path, series, lambda data: least <= pixels_of(data) <= limit)
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


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        f"The image {str(path)!r} is incomplete or damaged: {what}; copy or export it "
        "again."
    )
