"""Files that no program writes: TIFFs tag by tag, PNGs chunk by chunk."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

Tags = dict[int, tuple[int, int, int | bytes]]

SHORT, LONG, LONG8, ASCII = 3, 4, 16, 2
_SIZES = {SHORT: "H", LONG: "I", ASCII: "s", LONG8: "Q"}


def tags(width: int = 4, height: int = 4, bits: int = 8, **more: int | bytes) -> Tags:
    """Return the tags of a grey page; `tag_330=5` adds one, bytes make it text."""
    found: Tags = {
        256: (LONG, 1, width),
        257: (LONG, 1, height),
        258: (SHORT, 1, bits),
        259: (SHORT, 1, 1),
        262: (SHORT, 1, 1),
        273: (LONG, 1, 8),
        277: (SHORT, 1, 1),
        278: (LONG, 1, height),
        279: (LONG, 1, min(2**32 - 1, width * height * max(1, bits // 8))),
    }
    for name, value in more.items():
        code = int(name.removeprefix("tag_"))
        if isinstance(value, bytes):
            found[code] = (ASCII, len(value), value)
        else:
            found[code] = (LONG, 1, value)
    return dict(sorted(found.items()))


def tiff(pages: list[Tags], data: bytes = bytes(64), *, loop: bool = False) -> bytes:
    """Return a little-endian TIFF: pixels at offset 8, then its pages and texts."""
    blocks, offset = [], 8 + len(data)
    for number, page in enumerate(pages):
        end = offset + 2 + 12 * len(page) + 4
        entries, texts = b"", b""
        for code, (kind, count, value) in page.items():
            if isinstance(value, bytes):
                packed = struct.pack("<I", end + len(texts))
                texts += value
            else:
                packed = struct.pack("<I", value)
            entries += struct.pack("<HHI", code, kind, count) + packed
        last = number == len(pages) - 1
        following = (8 + len(data) if loop else 0) if last else end + len(texts)
        header = struct.pack("<H", len(page))
        blocks.append(header + entries + struct.pack("<I", following) + texts)
        offset = end + len(texts)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + b"".join(blocks)


def big_tiff(width: int, height: int, strip: bytes = bytes(64)) -> bytes:
    """Return a BigTIFF of one 16-bit page that claims any size."""
    entries = [
        (256, LONG8, width),
        (257, LONG8, height),
        (258, SHORT, 16),
        (259, SHORT, 1),
        (262, SHORT, 1),
        (273, LONG8, 16),
        (277, SHORT, 1),
        (278, LONG8, height),
        (279, LONG8, min(2**63, width * height * 2)),
    ]
    packed = b"".join(struct.pack("<HHQQ", c, kind, 1, v) for c, kind, v in entries)
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16 + len(strip))
    return header + strip + struct.pack("<Q", len(entries)) + packed + bytes(8)


def png(width: int, height: int, *chunks: tuple[bytes, bytes], bits: int = 8) -> bytes:
    """Return a grey PNG that claims a size, with chunks of any content."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def write(path: Path, content: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(content)
    return path


def ome(pixels: str, *, head: str = "", uuid: str = "") -> bytes:
    """Return an OME description with these attributes and children of `Pixels`."""
    space = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    text = f'<?xml version="1.0"?>{head}<OME xmlns="{space}" {uuid}>'
    return f'{text}<Image ID="Image:0">{pixels}</Image></OME>'.encode() + b"\0"
