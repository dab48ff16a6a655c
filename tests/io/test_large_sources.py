"""What is read for a region is bounded, however large the image is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.io import open_source
from napari_unet.io.read import read_image
from napari_unet.io.source import Source
from napari_unet.io.tiff import image
from tests.io.written import save_pyramid

SIDE = 20_000
CORNER = Box((SIDE - 300, SIDE - 200), (SIDE, SIDE))


def read_nbytes(source: Source) -> int:
    """Return how much of its chunks a zarr has read."""
    opened: Any = source._open()
    return sum(level.store.read_nbytes for level in opened.levels)


def unpacked(source: Source) -> int:
    """Return how many tiles and strips a TIFF has unpacked."""
    opened: Any = source._open()
    return sum(level.kept.unpacked for level in opened.levels)


@pytest.fixture
def read_of_files(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the bytes of all that tifffile reads from here on."""
    found: list[int] = []
    read, into = tifffile.FileHandle.read, tifffile.FileHandle.readinto

    def counted(handle: Any, size: int = -1, /) -> bytes:
        data = read(handle, size)
        found.append(len(data))
        return data

    def counted_into(handle: Any, buffer: Any, /) -> Any:
        found.append(memoryview(buffer).nbytes)
        return into(handle, buffer)

    monkeypatch.setattr(tifffile.FileHandle, "read", counted)
    monkeypatch.setattr(tifffile.FileHandle, "readinto", counted_into)
    return found


@pytest.mark.parametrize("options", [{}, {"shards": (4096, 4096)}])
def test_the_corner_of_a_sparse_zarr(tmp_path: Path, options: dict[str, Any]) -> None:
    array = zarr.create_array(
        store=str(tmp_path / "a.zarr"),
        shape=(SIDE, SIDE),
        dtype="uint16",
        chunks=(512, 512),
        fill_value=7,
        **options,
    )
    array[-300:, -200:] = 9
    with open_source(tmp_path / "a.zarr") as source:
        assert source.shape == (SIDE, SIDE)
        assert (source.read(CORNER) == 9).all()
        assert 0 < read_nbytes(source) < 20_000
        before = read_nbytes(source)
        empty = Box((0, 0), (600, 600))
        assert (source.read(empty) == 7).all()
        assert read_nbytes(source) == before
        assert source.missing(CORNER) == ()
        assert len(source.missing(empty)) == (1 if options else 4)
        assert "'c/0/0'" in source.missing(empty)[0]


def test_only_chunks_of_a_region_are_read(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 60_000, (256, 256)).astype(np.uint16)
    path = save_pyramid(tmp_path / "a.zarr", [array], "YX", compressors=None)
    with open_source(path) as source:
        source.read(Box((16, 16), (48, 33)))
        assert read_nbytes(source) == 4 * 16 * 16 * 2


def tiled_big_tiff(path: Path) -> np.ndarray:
    """Write a BigTIFF of 20,000 x 20,000 with one tile that is not empty."""
    tile = np.random.default_rng(0).integers(1, 60_000, (512, 512)).astype(np.uint16)
    across = -(-SIDE // 512)

    def tiles() -> Any:
        for number in range(across**2):
            yield tile.tobytes() if number == across**2 - 1 else b""

    tifffile.imwrite(
        path,
        tiles(),
        shape=(SIDE, SIDE),
        dtype=np.uint16,
        tile=(512, 512),
        bigtiff=True,
        photometric="minisblack",
    )
    return tile


def test_the_corner_of_a_tiled_big_tiff(
    tmp_path: Path, read_of_files: list[int]
) -> None:
    tile = tiled_big_tiff(tmp_path / "a.tif")
    with open_source(tmp_path / "a.tif") as source:
        assert source.shape == (SIDE, SIDE)
        source.read(Box((0, 0), (10, 10)))
        read_of_files.clear()
        last = SIDE % 512
        region = Box((SIDE - 9, SIDE - 8), (SIDE, SIDE))
        expected = tile[last - 9 : last, last - 8 : last]
        np.testing.assert_array_equal(source.read(region), expected)
        source.read(CORNER)
        assert unpacked(source) == 1
        assert sum(read_of_files) == tile.nbytes
        assert source.missing(Box((0, 0), (513, 10))) == (
            "tile 0 of page 0",
            "tile 40 of page 0",
        )


def test_rows_of_planes_that_are_not_packed(
    tmp_path: Path, read_of_files: list[int]
) -> None:
    stack = np.random.default_rng(0).integers(0, 999, (5, 300, 400)).astype(">u2")
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    with open_source(tmp_path / "a.tif") as source:
        source.read(Box((0, 0, 0), (1, 1, 1)))
        read_of_files.clear()
        region = Box((1, 10, 20), (3, 30, 60))
        np.testing.assert_array_equal(source.read(region), stack[region.slices])
        assert sum(read_of_files) == 2 * 20 * 40 * 2
        # Whole planes lie together.
        read_of_files.clear()
        region = Box((1, 0, 0), (4, 300, 400))
        np.testing.assert_array_equal(source.read(region), stack[region.slices])
        assert read_of_files == [stack[1:4].nbytes]


def test_a_plane_in_one_strip_is_unpacked_once_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "KEPT", 1_000)
    stack = np.random.default_rng(0).integers(0, 99, (3, 200, 300)).astype(np.uint16)
    options: Any = {"rowsperstrip": 200, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "a.tif", stack, compression="zlib", **options)
    with open_source(tmp_path / "a.tif") as source:
        assert "packed in pieces of 120 kB" in str(source.note)
        opened: Any = source._open()
        kept = opened.levels[0].kept
        kept.most = 1_000
        for row in range(0, 200, 50):
            region = Box((1, row, 0), (2, row + 50, 300))
            np.testing.assert_array_equal(source.read(region), stack[region.slices])
        assert kept.unpacked == 1
        source.read(Box.whole(source.shape))
        assert len(kept.pieces) == 1
    assert read_image(tmp_path / "a.tif").note is None


def test_tiles_that_were_used_are_kept_in_bounded_memory(tmp_path: Path) -> None:
    array = np.zeros((256, 256), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, tile=(16, 16), compression="zlib")
    with open_source(tmp_path / "a.tif") as source:
        opened: Any = source._open()
        kept = opened.levels[0].kept
        kept.most = 16 * 16 * 20
        source.read(Box.whole(source.shape))
        assert (kept.unpacked, len(kept.pieces)) == (256, 20)
        source.read(Box((250, 0), (256, 256)))
        assert kept.unpacked == 256


@pytest.mark.parametrize("kind", ["zarr", "tif"])
def test_what_does_not_fit_is_read_by_regions_but_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    array = np.ones((200, 200), np.uint8)
    path = tmp_path / f"a.{kind}"
    if kind == "zarr":
        save_pyramid(path, [array], "YX")
    else:
        tifffile.imwrite(path, array)
    monkeypatch.setattr("napari_unet.io.reader.available_memory", lambda: 9_999)
    with open_source(path) as source:
        assert source.read(Box((10, 10), (20, 20))).all()
        with pytest.raises(InputError, match="does not fit into memory"):
            source.read_whole()
    with pytest.raises(InputError, match="does not fit into memory"):
        read_image(path)
