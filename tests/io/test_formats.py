"""Pixels come from files as they were put in, or are refused; the page says how."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_unet.errors import InputError
from napari_unet.io.read import EIGHT_BITS, as_file_means, read_image
from napari_unet.io.tiff.photometric import turn_round
from tests.io.format_cases import (
    DEEP,
    PLANE,
    RGB,
    STACK,
    imagej_of_other_length,
    packed_tiff,
    png,
    virtual_stack,
)
from tests.io.format_table import PAGE, make_page

QUICK = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]


def test_the_page_says_what_happens() -> None:
    pytest.importorskip("imagecodecs")
    text = PAGE.read_text("utf-8")
    assert make_page(text) == text, "run: python -m tests.io.format_table"


@st.composite
def tiffs(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any]]:
    axes = draw(st.sampled_from(["YX", "ZYX", "TYX", "CYX", "TCYX", "TZYX", "TZCYX"]))
    shape = (*(draw(st.integers(2, 3)) for _ in axes[:-2]), 20, 18)
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    array = rng.integers(0, 100, shape).astype(dtype)
    packings = [None, "zlib", "lzw", "zstd", "packbits"]
    return array, {
        "metadata": {"axes": axes},
        "compression": draw(st.sampled_from(packings)),
        "tile": draw(st.sampled_from([None, (16, 16), (32, 32)])),
        "byteorder": draw(st.sampled_from("<>")),
        "bigtiff": draw(st.booleans()),
        "photometric": draw(st.sampled_from(["minisblack", "miniswhite"])),
    }


@QUICK
@given(tiffs())
def test_tiffs_come_back(tmp_path: Path, case: tuple[np.ndarray, Any]) -> None:
    pytest.importorskip("imagecodecs")
    array, options = case
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, array, **options)
    found, raw = read_image(path), read_image(path, stored=True)
    white = options["photometric"] == "miniswhite"
    assert raw.axes == found.axes == options["metadata"]["axes"]
    np.testing.assert_array_equal(raw.array, array)
    turned = turn_round(found.array, 8 * array.itemsize) if white else found.array
    np.testing.assert_array_equal(turned, array)
    assert found.array.dtype == array.dtype
    assert (found.note is not None) == white


@QUICK
@given(st.integers(9, 15), st.integers(1, 30), st.integers(0, 99))
def test_packed_bits_come_back(
    tmp_path: Path, bits: int, width: int, seed: int
) -> None:
    pytest.importorskip("imagecodecs")
    values = np.random.default_rng(seed).integers(0, 2**bits, (5, width), np.uint16)
    path = tmp_path / "a.tif"
    path.write_bytes(packed_tiff(values, bits))
    np.testing.assert_array_equal(read_image(path).array, values)


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_pngs_of_16_bits_come_back(tmp_path: Path, kind: int, channels: int) -> None:
    pytest.importorskip("imagecodecs")
    rng = np.random.default_rng(kind)
    array = rng.integers(0, 2**16, (20, 30, channels), np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(png(array, kind))
    found = read_image(path).array
    colours = array if channels > 2 else array[..., 0]
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, colours)
    content = path.read_bytes()
    for share in (0.3, 0.6, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match="damaged"):
            read_image(path)


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("array", [DEEP, RGB.astype(np.uint16) * 200])
def test_pnms_of_16_bits_come_back(tmp_path: Path, array: Any, text: bool) -> None:
    kind = (3 if text else 6) - (array.ndim == 2)
    head = f"P{kind} # made by hand\n48\n40 65535\n".encode()
    words = " ".join(map(str, array.ravel())).encode()
    path = tmp_path / "a.pnm"
    path.write_bytes(head + (words if text else array.astype(">u2").tobytes()))
    np.testing.assert_array_equal(read_image(path).array, array)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match="damaged"):
        read_image(path)


@pytest.mark.parametrize("told", [b"2", b"5", b"6", b"9"])
def test_imagej_planes_that_are_there(tmp_path: Path, told: bytes) -> None:
    for options in ({}, {"compression": "zlib"}):
        path = tmp_path / "a.tif"
        path.write_bytes(imagej_of_other_length(told, **options))
        found = read_image(path)
        np.testing.assert_array_equal(found.array, STACK)
        assert found.axes == "TYX"
        assert (found.note is None) == (told == b"6")


@QUICK
@given(*[st.integers(1, 3)] * 3, st.integers(2, 20))
def test_imagej_stacks_in_one_page(
    tmp_path: Path, c: int, z: int, t: int, there: int
) -> None:
    told = c * z * t
    planes = np.arange(there * 12, dtype=np.uint8).reshape(there, 3, 4)
    path = tmp_path / "a.tif"
    words = f"images={told}\nchannels={c}\nslices={z}\nframes={t}\n"
    path.write_bytes(virtual_stack(planes, words))
    found = read_image(path)
    read = math.prod(found.array.shape[:-2])
    assert 0 < read <= min(told, there)
    np.testing.assert_array_equal(found.array.reshape(read, 3, 4), planes[:read])
    assert (found.note is not None) == (there < told)
    if there >= told:
        assert read == told


def test_a_tag_that_nobody_needs_may_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    artist = "somebody with a name"
    tifffile.imwrite(path, PLANE, metadata=None, extratags=[(315, 2, 20, artist, True)])
    with tifffile.TiffFile(path) as file:
        tag = file.pages.first.tags[315]
    for code, phrase in ((315, None), (273, "damaged")):
        content = bytearray(path.read_bytes())
        place = tag.offset
        content[place : place + 2] = code.to_bytes(2, "little")
        content[place + 8 : place + 12] = b"\xff\xff\xff\x7f"
        other = tmp_path / "b.tif"
        other.write_bytes(content)
        if phrase is None:
            np.testing.assert_array_equal(read_image(other).array, PLANE)
        else:
            with pytest.raises(InputError, match=phrase):
                read_image(other)


@pytest.mark.parametrize("compression", ["webp", "png", "lerc", "jpegxl"])
def test_a_tile_that_is_larger_than_its_place(tmp_path: Path, compression: str) -> None:
    pytest.importorskip("imagecodecs")
    path = tmp_path / "a.tif"
    large = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    tifffile.imwrite(path, large, photometric="rgb", compression=compression)
    assert read_image(path).array.shape == large.shape
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            file.pages.first.tags[name].overwrite(40)
    with pytest.raises(InputError, match="damaged"):
        read_image(path)


def test_a_palette_that_only_gets_brighter_is_grey(tmp_path: Path) -> None:
    ramp = np.zeros((3, 256), np.uint16)
    ramp[1] = np.arange(256) * 257
    tifffile.imwrite(tmp_path / "a.tif", PLANE, photometric="palette", colormap=ramp)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, PLANE)
    grey = np.stack([np.roll(np.arange(256) * 257, 9)] * 3).astype(np.uint16)
    tifffile.imwrite(tmp_path / "b.tif", PLANE, photometric="palette", colormap=grey)
    found = read_image(tmp_path / "b.tif")
    np.testing.assert_array_equal(found.array, (grey[0] >> 8)[PLANE])
    assert found.axes == "YX"


def test_what_napari_reads_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANE, photometric="miniswhite")
    seen, note = as_file_means(path, PLANE)
    np.testing.assert_array_equal(seen, 255 - PLANE)
    assert "0 is white" in str(note)
    other = PLANE[::-1].copy()
    assert as_file_means(path, other) == (other, None)
    tifffile.imwrite(path, PLANE)
    assert as_file_means(path, PLANE) == (PLANE, None)


def test_16_bits_that_napari_reads_as_8(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    path = tmp_path / "a.png"
    deep = np.random.default_rng(0).integers(0, 2**16, (20, 30, 4), np.uint16)
    deep[..., 3] = 2**16 - 1
    for array, kind in ((deep, 6), (deep[..., :3], 2), (deep[..., 2:], 4)):
        path.write_bytes(png(array, kind))
        opened = np.array(Image.open(path))
        seen, note = as_file_means(path, opened)
        assert (seen.dtype, seen.shape) == (np.uint16, opened.shape), note
        np.testing.assert_array_equal(seen >> 8, opened)
    changed = opened // 2
    assert as_file_means(path, changed) == (changed, EIGHT_BITS)
