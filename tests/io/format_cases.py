"""Files and arrays of many kinds, as a table: how one is made, and what it is called.

`docs/formats.md` is made from them. To have a kind in the page, add a row here and run
`python -m tests.io.format_table`.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from PIL import Image

RNG = np.random.default_rng(0)
PLANE = RNG.integers(0, 250, (40, 48), dtype=np.uint8)
DEEP = PLANE.astype(np.uint16) * 200
STACK = RNG.integers(0, 250, (6, 40, 48), dtype=np.uint8)
RGB = RNG.integers(0, 250, (40, 48, 3), dtype=np.uint8)
RGBA = np.concatenate([RGB, PLANE[..., None]], -1)
RGBA[:4, :, 3] = 0
GREY_RGB = np.repeat(PLANE[..., None], 3, -1)
GREEN = GREY_RGB * np.array([0, 1, 0], np.uint8)
IDS = (np.arange(40 * 48).reshape(40, 48) // 480).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class FormatCase:
    """A kind of file.

    Parameters
    ----------
    words : str
        What it is, for the page.
    name : str
        Of the file.
    make : callable
        Writes it to a path.
    """

    words: str
    name: str
    make: Callable[[Path], Any]


def _tiff(array: Any, **options: Any) -> Callable[[Path], Any]:
    return lambda path: tifffile.imwrite(path, array, **options)


def _pillow(array: Any, mode: str = "", **options: Any) -> Callable[[Path], Any]:
    def make(path: Path) -> None:
        image = Image.fromarray(array)
        (image.convert(mode) if mode else image).save(path, **options)

    return make


def png(array: np.ndarray, kind: int) -> bytes:
    """Return a PNG of 16 bits a channel; `kind` is its type of colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    height, width = array.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def _deep(array: np.ndarray, kind: int) -> Callable[[Path], Any]:
    deep = array.astype(np.uint16) * 257
    return lambda path: path.write_bytes(png(deep, kind))


def _pnm(path: Path) -> None:
    head = b"P6\n# a comment\n48 40\n65535\n"
    path.write_bytes(head + (RGB.astype(">u2") * 200).tobytes())


def packed_tiff(array: np.ndarray, bits: int) -> bytes:
    """Return a TIFF whose pixels have any number of bits, row by row."""
    rows = []
    for row in array:
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        rows.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    data = b"".join(rows)
    height, width = array.shape
    entries = [
        (256, width), (257, height), (258, bits), (259, 1), (262, 1),
        (273, 8 + 2 + 8 * 12 + 4), (278, height), (279, len(data)),
    ]  # fmt: skip
    page = b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + page + bytes(4) + data


def imagej_of_other_length(told: bytes, **options: Any) -> bytes:
    """Return a series of ImageJ's with six frames, whose header tells of others."""
    file = io.BytesIO()
    tifffile.imwrite(file, STACK, imagej=True, metadata={"axes": "TYX"}, **options)
    content = file.getvalue()
    right = b"images=6\nframes=6"
    assert right in content
    return content.replace(right, b"images=" + told + b"\nframes=" + told)


def virtual_stack(array: np.ndarray, text: str) -> bytes:
    """Return ImageJ's way of more than 4 GB: one page, and all planes behind it."""
    description = f"ImageJ=1.53t\n{text}\0".encode()
    start = 8 + 2 + 9 * 12 + 4 + len(description)
    height, width = array.shape[-2:]
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1),
        (262, 3, 1, 1), (270, 2, len(description), start - len(description)),
        (273, 4, 1, start), (278, 4, 1, height), (279, 4, 1, height * width),
    ]  # fmt: skip
    page = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return head + page + bytes(4) + description + array.tobytes()


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(RGB).save(path, exif=exif)


def _bytes(content: bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(content)


def ome_zarr(path: Path, array: np.ndarray, axes: str, version: Any = 2) -> Path:
    """Write an OME-Zarr image of one level."""
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    scales = [{"axes": [{"name": a} for a in axes], "datasets": [{"path": "0"}]}]
    if version == 2:
        group.attrs["multiscales"] = scales
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": scales}
    store, chunks = str(path / "0"), tuple(min(32, n) for n in array.shape)
    zarr.create_array(store=store, data=array, zarr_format=version, chunks=chunks)
    return path


def container(path: Path, count: int) -> None:
    """Write what bioformats2raw writes: images in groups 0, 1, ..."""
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    group.attrs["bioformats2raw.layout"] = 3
    for number in range(count):
        ome_zarr(path / str(number), PLANE[None, None, None], "tczyx")


def plate(path: Path, wells: str = "12") -> None:
    """Write a plate with a row of wells, two fields in each."""
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    group.attrs["plate"] = {"wells": [{"path": f"A/{well}"} for well in wells]}
    for well in wells:
        place = path / "A" / well
        one = zarr.open_group(str(place), mode="w", zarr_format=2)
        one.attrs["well"] = {"images": [{"path": "0"}, {"path": "1"}]}
        for field in "01":
            ome_zarr(place / field, PLANE, "yx")


_PALETTE = RNG.integers(0, 65535, (3, 256), dtype=np.uint16)
_ALPHA = {"planarconfig": "contig", "extrasamples": ["unassalpha"]}

IMAGES = [
    FormatCase("TIFF, one plane", "a.tif", _tiff(DEEP)),
    FormatCase("TIFF, float16", "a.tif", _tiff(PLANE.astype(np.float16))),
    FormatCase("TIFF, 12 bits packed", "a.tif", _bytes(packed_tiff(DEEP >> 4, 12))),
    FormatCase("TIFF, pages that say nothing", "a.tif", _tiff(STACK, metadata=None)),
    FormatCase(
        "ImageJ time-lapse",
        "a.tif",
        _tiff(STACK, imagej=True, metadata={"axes": "TYX"}),
    ),
    FormatCase(
        "ImageJ, header tells of 4 planes of 6",
        "a.tif",
        _bytes(imagej_of_other_length(b"4")),
    ),
    FormatCase(
        "ImageJ, header tells of 9 planes of 6",
        "a.tif",
        _bytes(imagej_of_other_length(b"9")),
    ),
    FormatCase(
        "ImageJ, more than 4 GB (one page)",
        "a.tif",
        _bytes(virtual_stack(STACK, "images=6\nslices=6\n")),
    ),
    FormatCase(
        "OME-TIFF with channels",
        "a.ome.tif",
        _tiff(STACK[:2], metadata={"axes": "CYX"}),
    ),
    FormatCase("TIFF, RGB", "a.tif", _tiff(RGB, photometric="rgb")),
    FormatCase(
        "TIFF, RGB, 16 bits a channel",
        "a.tif",
        _tiff(RGB.astype(np.uint16) * 200, photometric="rgb"),
    ),
    FormatCase("TIFF, RGB with transparency", "a.tif", _tiff(RGBA, photometric="rgb")),
    FormatCase(
        "TIFF, RGB whose channels are equal",
        "a.tif",
        _tiff(GREY_RGB, photometric="rgb"),
    ),
    FormatCase(
        "TIFF, RGB, only green in use", "a.tif", _tiff(GREEN, photometric="rgb")
    ),
    FormatCase(
        "TIFF, grey with transparency",
        "a.tif",
        _tiff(np.stack([PLANE, STACK[0]], -1), photometric="minisblack", **_ALPHA),
    ),
    FormatCase(
        "TIFF, 5 channels in the last place",
        "a.tif",
        _tiff(np.moveaxis(STACK[:5], 0, -1)),
    ),
    FormatCase("TIFF, 0 is white", "a.tif", _tiff(PLANE, photometric="miniswhite")),
    FormatCase(
        "TIFF with a palette",
        "a.tif",
        _tiff(PLANE, photometric="palette", colormap=_PALETTE),
    ),
    FormatCase("TIFF, CMYK", "a.tif", _tiff(RGBA, photometric="separated")),
    FormatCase("TIFF, CIE L*a*b*", "a.tif", _tiff(RGB, photometric="cielab")),
    FormatCase("TIFF, complex numbers", "a.tif", _tiff(PLANE * 1j)),
    FormatCase("TIFF, LZW", "a.tif", _tiff(PLANE, compression="lzw")),
    FormatCase("TIFF, Zstandard", "a.tif", _tiff(PLANE, compression="zstd")),
    FormatCase(
        "TIFF, JPEG", "a.tif", _tiff(RGB, photometric="rgb", compression="jpeg")
    ),
    FormatCase("TIFF, JPEG 2000", "a.tif", _tiff(PLANE, compression="jpeg2000")),
    FormatCase("TIFF, JPEG XL", "a.tif", _tiff(PLANE, compression="jpegxl")),
    FormatCase("TIFF, LERC", "a.tif", _tiff(PLANE, compression="lerc")),
    FormatCase("TIFF, PNG", "a.tif", _tiff(PLANE, compression="png")),
    FormatCase(
        "TIFF, WebP", "a.tif", _tiff(RGB, photometric="rgb", compression="webp")
    ),
    FormatCase("TIFF, JPEG XR", "a.tif", _tiff(PLANE, compression="jpegxr")),
    FormatCase("PNG, grey", "a.png", _pillow(PLANE)),
    FormatCase("PNG, grey, 16 bits", "a.png", _pillow(DEEP)),
    FormatCase("PNG, 1 bit", "a.png", _pillow(PLANE > 100)),
    FormatCase("PNG, RGB", "a.png", _pillow(RGB)),
    FormatCase("PNG, RGB, 16 bits a channel", "a.png", _deep(RGB, 2)),
    FormatCase("PNG, RGB with transparency, 16 bits", "a.png", _deep(RGBA, 6)),
    FormatCase("PNG, grey with transparency", "a.png", _pillow(RGBA[..., 2:], "LA")),
    FormatCase(
        "PNG, grey with transparency, 16 bits", "a.png", _deep(RGBA[..., 2:], 4)
    ),
    FormatCase("PNG with a palette of colours", "a.png", _pillow(RGB, "P")),
    FormatCase("PNG with a palette of greys", "a.png", _pillow(PLANE, "P")),
    FormatCase("GIF, grey", "a.gif", _pillow(PLANE)),
    FormatCase(
        "GIF, several frames",
        "a.gif",
        _pillow(PLANE, save_all=True, append_images=[Image.fromarray(STACK[0])]),
    ),
    FormatCase("WebP, grey", "a.webp", _pillow(PLANE)),
    FormatCase("JPEG, grey", "a.jpg", _pillow(PLANE)),
    FormatCase("JPEG, CMYK", "a.jpg", _pillow(RGB, "CMYK")),
    FormatCase("JPEG, shown turned (EXIF)", "a.jpg", _turned),
    FormatCase("PPM, 16 bits a channel", "a.ppm", _pnm),
    FormatCase("BMP", "a.bmp", _pillow(RGB)),
    FormatCase(
        "zarr array",
        "a.zarr",
        lambda path: zarr.create_array(store=str(path), data=STACK, chunks=(6, 32, 32)),
    ),
    FormatCase("OME-Zarr 0.4", "a.zarr", lambda path: ome_zarr(path, STACK, "zyx")),
    FormatCase("OME-Zarr 0.5", "a.zarr", lambda path: ome_zarr(path, STACK, "zyx", 3)),
    FormatCase(
        "OME-Zarr in a container (bioformats2raw)", "a.zarr", lambda p: container(p, 1)
    ),
    FormatCase("the same with two images", "a.zarr", lambda path: container(path, 2)),
    FormatCase("OME-Zarr plate", "a.zarr", plate),
]

ARRAYS: list[tuple[str, Any]] = [
    ("(40, 48)", PLANE),
    ("(6, 40, 48)", STACK),
    ("(40, 48, 3), uint8", RGB),
    ("(40, 48, 3), float32", RGB.astype(np.float32)),
    ("(40, 48, 4), uint8", RGBA),
    ("(40, 48, 2)", np.stack([PLANE, STACK[0]], -1)),
    ("(40, 48, 5)", np.moveaxis(STACK[:5], 0, -1)),
    ("(40, 48, 1)", PLANE[..., None]),
    ("(5, 96, 5)", np.zeros((5, 96, 5), np.uint8)),
    ("(40, 48, 16)", np.zeros((40, 48, 16), np.uint8)),
    ("(3, 6, 40, 48)", np.stack([STACK] * 3)),
    ("(2, 3, 6, 40, 48)", np.stack([np.stack([STACK] * 3)] * 2)),
    ("nested lists", PLANE.tolist()),
    ("masked array", np.ma.masked_less(PLANE, 20)),
    ("complex numbers", PLANE * 1j),
    ("a file's name", "a.tif"),
    ("objects", np.array([[None, 1], [2, 3]], object)),
]

LABELS = [
    FormatCase("TIFF of ids", "a.tif", _tiff(IDS)),
    FormatCase("TIFF of whole floats", "a.tif", _tiff(IDS.astype(np.float32))),
    FormatCase("TIFF of fractions", "a.tif", _tiff(IDS / np.float32(2))),
    FormatCase("TIFF, 0 is white", "a.tif", _tiff(IDS, photometric="miniswhite")),
    FormatCase(
        "TIFF with a palette",
        "a.tif",
        _tiff(IDS, photometric="palette", colormap=_PALETTE),
    ),
    FormatCase("PNG with a palette", "a.png", _pillow(RGB // 64 * 64, "P")),
    FormatCase("RGB", "a.png", _pillow(RGB)),
    FormatCase("OME-Zarr", "a.zarr", lambda path: ome_zarr(path, IDS, "yx")),
]
