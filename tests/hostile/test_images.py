"""Images from strangers: the sizes they claim, the files they name, their XML."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.errors import InputError
from napari_unet.io.read import read_image
from napari_unet.io.tiff import checks
from napari_unet.io.tiff.checks import pixels_of
from tests.hostile.bad_images import BAD_IMAGES, jpeg
from tests.hostile.forge import ome, tags, tiff, write

OTHER = (
    '<TiffData IFD="{0}" FirstZ="{0}"><UUID FileName="{1}">urn:uuid:{2}</UUID>'
    "</TiffData>"
)
PIXELS = (
    '<Pixels ID="p" DimensionOrder="XYZCT" Type="uint8" SizeX="4" SizeY="4" '
    'SizeZ="2" SizeC="1" SizeT="1">{}</Pixels>'
)


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_a_lie_is_answered_with_one_sentence(tmp_path: Path, name: str) -> None:
    content, phrase = BAD_IMAGES[name]
    path = write(tmp_path / "stranger.tif", content)
    with pytest.raises(InputError) as caught:
        read_image(path)
    assert phrase in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("place", ["secret.tif", "../secret.tif", "/{}/secret.tif"])
def test_metadata_lead_to_no_other_file(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for where in (tmp_path, folder):
        write(where / "secret.tif", tiff([tags()], bytes([77] * 64)))
    name = place.format(tmp_path)
    planes = PIXELS.format(OTHER.format(0, name, "a") + OTHER.format(0, name, "b"))
    path = write(folder / "mine.tif", tiff([tags(tag_270=ome(planes))], bytes(64)))
    found = read_image(path)
    assert not found.array.any()
    assert "only its own planes were read" in str(found.note)


def test_planes_of_ones_own_are_read_by_their_metadata(tmp_path: Path) -> None:
    mine = OTHER.format(0, "mine.ome.tif", "a") + OTHER.format(1, "mine.ome.tif", "a")
    text = ome(PIXELS.format(mine))
    path = write(tmp_path / "mine.ome.tif", tiff([tags(tag_270=text), tags()]))
    found = read_image(path)
    assert (found.array.shape, found.axes, found.note) == ((2, 4, 4), "ZYX", None)


def test_planes_that_are_missing_are_told(tmp_path: Path) -> None:
    text = ome(PIXELS.format("<TiffData/>"))
    path = write(tmp_path / "aborted.ome.tif", tiff([tags(tag_270=text)]))
    with pytest.raises(InputError, match="incomplete or damaged"):
        read_image(path)


def test_no_more_memory_than_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = np.ones((100, 100), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", plane)
    Image.fromarray(plane).save(tmp_path / "a.png")
    monkeypatch.setattr("napari_unet.io.reader.available_memory", lambda: 9_999)
    for name in ("a.tif", "a.png"):
        with pytest.raises(InputError, match=r"need 10 kB and 10 kB are free"):
            read_image(tmp_path / name)


def test_more_pages_than_any_image_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.tif", tiff([tags()] * 20))
    assert read_image(path).array.shape == (20, 4, 4)
    monkeypatch.setattr(checks, "MOST_PAGES", 19)
    with pytest.raises(InputError, match="more than 19 pages"):
        read_image(path)


@pytest.mark.parametrize(
    ("compression", "array"),
    [
        ("zlib", np.zeros((600, 700), np.uint8)),
        ("lzw", np.zeros((600, 700), np.uint16)),
        ("packbits", np.zeros((60, 70), np.uint8)),
        ("zstd", np.zeros((900, 900), np.float32)),
        ("lzma", np.zeros((900, 900), np.uint16)),
        ("jpeg", np.zeros((800, 800), np.uint8)),
        ("jpeg2000", np.zeros((300, 300), np.uint8)),
        ("zlib", np.zeros((300, 300), bool)),
    ],
)
@pytest.mark.parametrize("tile", [None, (128, 128)])
def test_what_honest_files_shrink_to_is_believed(
    tmp_path: Path, compression: str, array: np.ndarray, tile: tuple[int, int] | None
) -> None:
    pytest.importorskip("imagecodecs")
    path = tmp_path / "empty.tif"
    tifffile.imwrite(path, array, compression=compression, tile=tile)
    np.testing.assert_array_equal(read_image(path).array, array)


def test_without_imagecodecs_a_bomb_in_a_tile_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "_is_installed", lambda: False)
    monkeypatch.setattr(checks, "_CHECKED_FROM", 0)
    path = tmp_path / "a.tif"
    array = np.zeros((2000, 2000), np.uint8)
    tifffile.imwrite(path, array, compression="zlib")
    assert read_image(path).array.shape == array.shape
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            file.pages[0].tags[name].overwrite(100)
    with pytest.raises(InputError, match="holds more than its place"):
        read_image(path)


@pytest.mark.parametrize("size", [1e-300, 1e300, float("nan"), -1, 0])
def test_pixel_sizes_beyond_reason_are_left_out(tmp_path: Path, size: float) -> None:
    stack = np.zeros((2, 5, 6), np.uint8)
    metadata = {"axes": "ZYX", "PhysicalSizeX": size, "PhysicalSizeY": 0.5}
    tifffile.imwrite(tmp_path / "a.tif", stack, ome=True, metadata=metadata)
    assert read_image(tmp_path / "a.tif").pixel_size == {"Y": 0.5}


def test_a_jpeg_tells_its_size_before_it_is_unpacked() -> None:
    assert pixels_of(jpeg(800)) == 640_000


@pytest.mark.skipif(sys.platform == "win32", reason="no such devices")
@pytest.mark.parametrize("target", ["/dev/zero", "a.tif", "nowhere", "."])
def test_links_to_what_is_no_file(tmp_path: Path, target: str) -> None:
    (tmp_path / "a.tif").symlink_to(target)
    with pytest.raises(InputError, match=r"device or pipe|no file|the folder"):
        read_image(tmp_path / "a.tif")
