"""How many pixels a packed tile says it has, read from its first bytes."""

from __future__ import annotations

import struct

_PNG = b"\x89PNG\r\n\x1a\n"
_JXL_BOXES = b"\0\0\0\x0cJXL "
_UNKNOWN = 0


def pixels_of(data: bytes) -> int:
    """Return the pixels that a tile says it has; 0 where it does not tell.

    Only those in the pixels of one channel are counted.

    Parameters
    ----------
    data : bytes
        A JPEG, JPEG 2000, JPEG XL, PNG, WebP or LERC.
    """
    if data[:2] == b"\xff\xd8":
        return _of_jpeg(data)
    if data[:2] == b"\xff\x0a":
        return _of_jpeg_xl(data[2:])
    if data.startswith(_JXL_BOXES):
        return _of_boxes(data)
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return int(width * height)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _of_webp(data)
    if data[:6] == b"Lerc2 " and len(data) >= 22:
        return _of_lerc(data)
    return _of_jpeg_2000(data)


def _of_jpeg_2000(data: bytes) -> int:
    start = data.find(b"\xff\x4f\xff\x51")
    if start < 0 or len(data) < start + 24:
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
            y, x = struct.unpack_from(">HH", data, place + 5)
            pixels = max(pixels, int(y * x))
        if marker == 0xDA:
            break
        place += 2 + length
    return pixels


def _of_webp(data: bytes) -> int:
    """Return the largest size of those in the header and in its frames."""
    pixels, place = 0, 12
    while place + 18 <= len(data):
        kind, (length,) = (
            data[place : place + 4],
            struct.unpack_from("<I", data, place + 4),
        )
        body = data[place + 8 : place + 18]
        if kind == b"VP8X":
            sides = [int.from_bytes(body[n : n + 3], "little") + 1 for n in (4, 7)]
        elif kind == b"VP8 ":
            sides = [int.from_bytes(body[n : n + 2], "little") & 0x3FFF for n in (6, 8)]
        elif kind == b"VP8L":
            bits = int.from_bytes(body[1:5], "little")
            sides = [(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1]
        else:
            sides = [0, 0]
        pixels = max(pixels, sides[0] * sides[1])
        place += 8 + length + length % 2
    return pixels


def _of_lerc(data: bytes) -> int:
    (version,) = struct.unpack_from("<i", data, 6)
    # A checksum stands before the size since version 3.
    rows, columns = struct.unpack_from("<ii", data, 14 if version >= 3 else 10)
    return int(max(0, rows) * max(0, columns))


def _of_boxes(data: bytes) -> int:
    place = 0
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        head = 16 if length == 1 else 8
        if kind in {b"jxlc", b"jxlp"}:
            start = place + head + (4 if kind == b"jxlp" else 0)
            stream = data[start:]
            return _of_jpeg_xl(stream[2:]) if stream[:2] == b"\xff\x0a" else _UNKNOWN
        if length == 1 and place + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, place + 8)
        if length < head:
            return _UNKNOWN
        place += length
    return _UNKNOWN


def _of_jpeg_xl(data: bytes) -> int:
    """Read the size in front of a code stream, the lowest bits first."""
    bits, place = int.from_bytes(data[:16], "little"), 0

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
