"""Images that lie, as a table: what the file is, and what must be said about it."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tests.hostile.forge import SHORT, big_tiff, ome, png, tags, tiff

_PIXELS = (
    '<Pixels ID="p" DimensionOrder="XYZCT" Type="uint8" SizeX="4" SizeY="4" '
    'SizeZ="{z}" SizeC="1" SizeT="{t}">{x}</Pixels>'
)
_ENTITIES = '<!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'
_EXTERNAL = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
_MODULO = (
    '<StructuredAnnotations><XMLAnnotation ID="A" Namespace="modulo"><Value><Modulo>'
    '<ModuloAlongZ Type="lifetime" Start="0" End="1e12" Step="{}"/>'
    "</Modulo></Value></XMLAnnotation></StructuredAnnotations>"
)


def _ome(z: int = 1, t: int = 1, x: str = "<TiffData/>", head: str = "") -> bytes:
    return tiff([tags(tag_270=ome(_PIXELS.format(z=z, t=t, x=x), head=head))])


def _modulo(step: str) -> bytes:
    plain = ome(_PIXELS.format(z=1, t=1, x="<TiffData/>"))
    closing = f"{_MODULO.format(step)}</OME>".encode()
    return tiff([tags(tag_270=plain.replace(b"</OME>", closing))])


def _imagej(text: str) -> bytes:
    return tiff([tags(tag_270=f"ImageJ=1.53t\n{text}\0".encode())])


def _shaped(text: str) -> bytes:
    return tiff([tags(tag_270=text.encode() + b"\0")])


def _compressed(code: int, data: bytes = bytes(64), side: int = 200_000) -> bytes:
    page = tags(side, side) | {259: (SHORT, 1, code), 279: (4, 1, len(data))}
    return tiff([page], data)


def jpeg(side: int) -> bytes:
    """Return a black JPEG."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(file, format="jpeg")
    return file.getvalue()


def _text_bomb(size: int, count: int = 1) -> bytes:
    chunk = (b"zTXt", b"a\0\0" + zlib.compress(bytes(size)))
    return png(4, 4, *[chunk] * count, (b"IDAT", zlib.compress(bytes(20))))


def _bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


_TILE = {322: (4, 1, 2**20), 323: (4, 1, 2**16), 324: (4, 1, 8), 325: (4, 1, 64)}
_BAD_DEFLATE = _compressed(8, zlib.compress(b"\1" * 10)[:-4] + b"junk", side=4)

BAD_IMAGES: dict[str, tuple[bytes, str]] = {
    # sizes
    "40_gb_in_186_bytes": (tiff([tags(200_000, 200_000)]), "tells of 40 GB of pixels"),
    "big_tiff_of_40_gb": (big_tiff(200_000, 100_000), "tells of 40 GB"),
    "beyond_all_numbers": (big_tiff(2**40, 2**40), "over 1000 EB"),
    "bits_of_10_gb": (tiff([tags(100_000, 100_000, bits=1)]), "tells of 10 GB"),
    "zstd_of_40_gb": (_compressed(50_000), "cannot hold"),
    "deflate_of_40_gb": (_compressed(8), "cannot hold"),
    "lzw_of_40_gb": (_compressed(5), "cannot hold"),
    "no_width": (tiff([tags(0, 4)]), "holds no pixels"),
    "no_bits": (tiff([tags(bits=0)]), "incomplete or damaged"),
    "tile_larger_than_its_page": (tiff([tags(8, 8) | _TILE]), "a tile of it claims"),
    "jpeg_larger_than_its_tile": (
        _compressed(7, jpeg(800), side=8),
        "holds more than its place",
    ),
    # what nobody reads
    "jpeg_xr_in_tiff": (_compressed(34_934, side=4), "does not read (JPEGXR)"),
    "webp_that_says_no_size": (_compressed(50_001, side=4), "more than its place"),
    "unknown_compression": (_compressed(999, side=4), "does not read (999)"),
    "damaged_deflate": (_BAD_DEFLATE, "incomplete or damaged"),
    # pages
    "pages_in_a_circle": (tiff([tags(), tags()], loop=True), "runs in a circle"),
    "a_page_after_itself": (tiff([tags()], loop=True), "runs in a circle"),
    "a_million_levels": (
        tiff([tags() | {330: (4, 10**6, 80)}]),
        "claims 1000000 smaller copies",
    ),
    "no_page": (b"II*\0\0\0\0\0", "incomplete or damaged"),
    "page_beyond_the_end": (b"II*\0\xff\xff\xff\x7f", "incomplete or damaged"),
    "only_a_magic_number": (b"MM\0*", "incomplete or damaged"),
    # metadata
    "imagej_million_slices": (
        _imagej("images=1000000\nslices=1000000\n"),
        "incomplete or damaged",
    ),
    "imagej_negative": (_imagej("images=-5\nslices=-5\n"), "incomplete or damaged"),
    "imagej_nan": (_imagej("images=nan\nslices=1e99\n"), "incomplete or damaged"),
    "shape_of_a_million": (_shaped('{"shape": [1000000, 4, 4]}'), "cannot hold"),
    "negative_shape": (_shaped('{"shape": [-1, -1, 4, 4]}'), "incomplete or damaged"),
    "nested_shape": (
        _shaped('{"shape": ' + "[" * 100_000 + "}"),
        "incomplete or damaged",
    ),
    "ome_of_10_9_times": (_ome(t=10**9), "more than 1,000,000 planes"),
    "ome_of_10_9_pages": (
        _ome(x='<TiffData IFD="0" PlaneCount="1000000000"/>'),
        "more than 1,000,000 planes",
    ),
    "ome_pages_again_and_again": (
        _ome(x='<TiffData PlaneCount="1000"/>' * 2000),
        "more than 1,000,000 planes",
    ),
    "ome_of_1000_planes": (_ome(z=1000), "cannot hold"),
    "ome_endless_range": (_modulo("1"), "more than 1,000,000 planes"),
    "ome_range_without_step": (_modulo("0"), "more than 1,000,000 planes"),
    "ome_range_of_nan": (_modulo("nan"), "more than 1,000,000 planes"),
    "billion_laughs": (_ome(head=_ENTITIES), "define entities of their own"),
    "external_entity": (_ome(head=_EXTERNAL), "define entities of their own"),
    # other formats
    "png_of_40_gpx": (png(200_000, 200_000), "too large for its format"),
    "png_of_100_mpx": (png(10_000, 10_000), "10000 x 10000 pixels"),
    "png_without_width": (png(0, 10), "is not an image that this program reads"),
    "png_text_bomb": (_text_bomb(10**8), "incomplete or damaged"),
    "png_text_bombs": (_text_bomb(10**6 - 5, 100), "incomplete or damaged"),
    "bmp_of_100_mpx": (_bmp(10_000, 10_000), "10000 x 10000 pixels"),
    "jpeg_of_100_mpx": (
        jpeg(64).replace(b"\x08\0\x40\0\x40", b"\x08\x27\x10\x27\x10"),
        "10000 x 10000 pixels",
    ),
    "jpeg_cut": (jpeg(64)[:300], "incomplete or damaged"),
    "program_for_ghostscript": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "is not an image that this program reads",
    ),
    "pickle": (b"\x80\x04cos\nsystem\n(S'true'\ntR.", "is not an image"),
    "zeros": (bytes(1000), "is not an image"),
}
