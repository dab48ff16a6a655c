"""Whatever lies on a disk is read right or refused in a sentence."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.errors import InputError
from napari_unet.io.read import read_image

RNG = np.random.default_rng(0)
PLANE = RNG.integers(0, 255, (24, 20), dtype=np.uint8)
STACK = RNG.integers(0, 255, (5, 24, 20), dtype=np.uint8)


@pytest.mark.parametrize(
    ("array", "options", "axes"),
    [
        (PLANE, {}, "YX"),
        (STACK, {}, None),
        (STACK, {"metadata": {"axes": "TYX"}}, "TYX"),
        (STACK, {"ome": True, "metadata": {"axes": "ZYX"}}, "ZYX"),
        (STACK, {"ome": True, "metadata": {"axes": "CYX"}}, "CYX"),
        (STACK, {"imagej": True, "metadata": {"axes": "TYX"}}, "TYX"),
        (np.moveaxis(STACK[:3], 0, -1), {"photometric": "rgb"}, "YXC"),
        (STACK[:3], {"photometric": "rgb", "planarconfig": "separate"}, "CYX"),
        (PLANE.astype(">u2"), {"byteorder": ">"}, "YX"),
        (PLANE.astype(np.float16), {"compression": "zlib"}, "YX"),
    ],
)
def test_tiff_keeps_pixels_and_axes(
    tmp_path: Path, array: np.ndarray, options: dict[str, Any], axes: str | None
) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, array, **options)
    found = read_image(path)
    np.testing.assert_array_equal(found.array, array)
    assert found.array.dtype.isnative
    assert found.axes == axes
    assert found.note is None


def test_pages_appended_one_by_one_are_a_stack(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as writer:
        for plane in STACK:
            writer.write(plane, contiguous=False)
    np.testing.assert_array_equal(read_image(path).array, STACK)


def test_images_that_differ_leave_a_note(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(PLANE)
        writer.write(PLANE[:10])
    found = read_image(path)
    assert found.array.shape == PLANE.shape
    assert found.note is not None
    assert "2 images" in found.note


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (
            {
                "ome": True,
                "metadata": {
                    "axes": "ZYX",
                    "PhysicalSizeX": 100,
                    "PhysicalSizeXUnit": "nm",
                    "PhysicalSizeY": 0.2,
                    "PhysicalSizeYUnit": "µm",
                    "PhysicalSizeZ": 1.5,
                },
            },
            {"X": 0.1, "Y": 0.2, "Z": 1.5},
        ),
        (
            {
                "imagej": True,
                "resolution": (4, 2),
                "metadata": {"axes": "ZYX", "unit": "um", "spacing": 2.0},
            },
            {"X": 0.25, "Y": 0.5, "Z": 2.0},
        ),
        ({"imagej": True, "metadata": {"axes": "ZYX", "unit": "pixel"}}, {}),
        ({"imagej": True, "metadata": {"axes": "ZYX"}}, {}),
        ({"resolution": (72, 72)}, {}),
    ],
)
def test_pixel_size(
    tmp_path: Path, options: dict[str, Any], sizes: dict[str, float]
) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, STACK, **options)
    assert read_image(path).pixel_size == pytest.approx(sizes)


@pytest.mark.parametrize(
    ("name", "mode", "array", "axes"),
    [
        ("grey.png", None, PLANE, "YX"),
        ("grey16.png", None, PLANE.astype(np.uint16) * 200, "YX"),
        ("mask.png", None, PLANE > 100, "YX"),
        ("colour.png", None, np.moveaxis(STACK[:3], 0, -1).copy(), "YXC"),
        ("grey.bmp", None, PLANE, "YX"),
        ("palette.png", "P", PLANE, "YX"),
    ],
)
def test_other_formats(
    tmp_path: Path, name: str, mode: str | None, array: np.ndarray, axes: str
) -> None:
    path = tmp_path / name
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)
    found = read_image(path)
    assert found.axes == axes
    assert found.array.dtype.kind == "u"
    expected = array if array.ndim == len(axes) else np.stack([array] * 3, -1)
    np.testing.assert_array_equal(found.array, expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"imagej": True},
        {"ome": True, "compression": "zlib"},
        {"tile": (16, 16), "metadata": None},
    ],
)
def test_a_truncated_tiff_is_never_taken_for_a_whole_one(
    tmp_path: Path, options: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, STACK, **options)
    content = path.read_bytes()
    refused = 0
    for size in np.linspace(1, len(content) - 1, 25).astype(int):
        path.write_bytes(content[:size])
        try:
            found = read_image(path)
        except InputError:
            refused += 1
        else:
            np.testing.assert_array_equal(found.array, STACK)
    assert refused >= 15
    assert capfd.readouterr().err == ""


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _tiff(array: np.ndarray) -> Any:
    return lambda path: tifffile.imwrite(path, array)


def _truncated_png(path: Path) -> None:
    Image.fromarray(PLANE).save(path, format="png")
    path.write_bytes(path.read_bytes()[:200])


def _lzw(path: Path) -> None:
    Image.fromarray(PLANE).save(path, format="tiff", compression="tiff_lzw")


def test_compressed_tiffs_are_read(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    _lzw(tmp_path / "lzw.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "lzw.tif").array, PLANE)


def test_without_imagecodecs_the_remedy_is_named(tmp_path: Path) -> None:
    _lzw(tmp_path / "lzw.tif")
    program = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from napari_unet.io.read import read_image\n"
        "from napari_unet.errors import InputError\n"
        "try:\n    read_image(sys.argv[1])\n"
        "except InputError as error:\n    print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "lzw.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "pip install imagecodecs" in done.stdout


@pytest.mark.filterwarnings("ignore:.*zero-size:UserWarning")  # of the writer
@pytest.mark.parametrize(
    ("name", "make", "phrase"),
    [
        ("missing.tif", str, "There is no file"),
        ("folder.tif", lambda path: path.mkdir(), "found the folder"),
        ("empty.tif", lambda path: _write(path, b""), "is empty"),
        ("text.tif", lambda path: _write(path, b"hello"), "is not an image"),
        ("notes.txt", lambda path: _write(path, b"hello"), "is not an image"),
        ("header.tif", lambda path: _write(path, b"II*\0\x08\0\0\0"), "damaged"),
        ("cut.png", _truncated_png, "damaged"),
        ("complex.tif", _tiff(np.ones((4, 4), np.complex64)), "complex64"),
        ("none.tif", _tiff(np.ones(0, np.uint8)), "no pixels"),
    ],
)
def test_refused_in_a_sentence(
    tmp_path: Path, name: str, make: Any, phrase: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(InputError, match=phrase) as caught:
        read_image(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(InputError, match="device or pipe"):
        read_image(tmp_path / "pipe.tif")


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything"
)
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "mine.tif"
    tifffile.imwrite(path, PLANE)
    path.chmod(0)
    with pytest.raises(InputError, match="permission"):
        read_image(path)


@pytest.mark.parametrize("target", ["itself.tif", "gone.tif"])
def test_links_that_lead_nowhere_are_told(tmp_path, target) -> None:
    (tmp_path / "itself.tif").symlink_to(tmp_path / target)
    with pytest.raises(InputError, match="leads to no file"):
        read_image(tmp_path / "itself.tif")
