"""Damaged pieces are named, and the rest can be read; a change is noticed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_unet.errors import InputError, UnreadableRegion
from napari_unet.geometry.box import Box
from napari_unet.io import open_source
from napari_unet.io.read import read_image
from tests.io.written import WAYS, save_pyramid

ARRAY = np.random.default_rng(0).integers(0, 60_000, (64, 64)).astype(np.uint16)
DAMAGED, REST = Box((0, 0), (64, 20)), Box((0, 32), (64, 64))


def tiled(path: Path, **options: Any) -> tuple[int, int]:
    """Write a TIFF of four tiles; return where the first one begins and its length."""
    tifffile.imwrite(path, ARRAY, tile=(32, 32), **options)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        return page.dataoffsets[0], page.databytecounts[0]


@pytest.mark.parametrize("version", [2, 3])
def test_a_corrupt_chunk(tmp_path: Path, version: Any) -> None:
    path = save_pyramid(tmp_path / "a.zarr", [ARRAY], "YX", version)
    key = "0/1.0" if version == 2 else "0/c/1/0"
    (path / key).write_bytes(b"nonsense" * 9)
    with open_source(path) as source:
        with pytest.raises(UnreadableRegion) as caught:
            source.read(DAMAGED)
        assert caught.value.piece == f"the chunk {key!r}"
        assert caught.value.path == str(path)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.reason) == (str(caught.value), caught.value.reason)
        np.testing.assert_array_equal(source.read(REST), ARRAY[REST.slices])
    with pytest.raises(UnreadableRegion, match="copy or export it again"):
        read_image(path)


@pytest.mark.parametrize("cut", [3, 200])
def test_a_shard_that_was_cut_off(tmp_path: Path, cut: int) -> None:
    save_pyramid(tmp_path / "a.zarr", [ARRAY], "YX", shards=(32, 32))
    shard = tmp_path / "a.zarr" / "0" / "c" / "1" / "0"
    shard.write_bytes(shard.read_bytes()[:-cut])
    with open_source(tmp_path / "a.zarr") as source:
        for region in (DAMAGED, Box((32, 0), (64, 32)), Box((32, 0), (40, 8))):
            with pytest.raises(UnreadableRegion, match=r"the shard '0/c/1/0'"):
                source.read(region)
        np.testing.assert_array_equal(source.read(REST), ARRAY[REST.slices])


def test_a_missing_chunk_is_named_and_has_the_fill_value(tmp_path: Path) -> None:
    path = save_pyramid(tmp_path / "a.zarr", [ARRAY], "YX", 2, fill_value=3)
    (path / "0" / "1.0").unlink()
    with open_source(path) as source:
        assert (source.read(Box((16, 0), (32, 16))) == 3).all()
        assert source.missing(DAMAGED) == ("the chunk '0/1.0'",)
        assert source.missing(REST) == ()


@pytest.mark.parametrize("options", [{"compression": "zlib"}, {"compression": "lzw"}])
def test_a_corrupt_tile(tmp_path: Path, options: dict[str, Any]) -> None:
    offset, length = tiled(tmp_path / "a.tif", **options)
    with (tmp_path / "a.tif").open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * length)
    with open_source(tmp_path / "a.tif") as source:
        with pytest.raises(UnreadableRegion) as caught:
            source.read(DAMAGED)
        assert caught.value.piece == "tile 0 of page 0"
        np.testing.assert_array_equal(source.read(REST), ARRAY[REST.slices])
    with pytest.raises(InputError, match="incomplete or damaged"):
        read_image(tmp_path / "a.tif")


def test_tiles_beyond_the_end_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tiled(path, compression="zlib")
    with tifffile.TiffFile(path) as file:
        last = file.pages.first.dataoffsets[-1]
    os.truncate(path, last + 10)
    with open_source(path) as source:
        np.testing.assert_array_equal(source.read(DAMAGED), ARRAY[DAMAGED.slices])
        with pytest.raises(UnreadableRegion, match=r"tile 3 .*the file ends before"):
            source.read(REST)


def test_planes_that_are_not_packed_are_there_or_not(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.stack([ARRAY] * 3), photometric="minisblack")
    size = path.stat().st_size
    with open_source(path) as source:
        source.read(Box((0, 0, 0), (1, 2, 2)))
        os.truncate(path, size - ARRAY.nbytes)
        np.testing.assert_array_equal(
            source.read(Box((0, 0, 0), (1, 64, 64)))[0], ARRAY
        )
        with pytest.raises(UnreadableRegion, match="cut off"):
            source.read(Box((2, 0, 0), (3, 64, 64)))
    with pytest.raises(InputError, match="incomplete or damaged"):
        open_source(path)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tiled(path)
    source = open_source(path)
    path.unlink()
    for function in (lambda: source.read(DAMAGED), source.fingerprint):
        with pytest.raises(InputError, match="There is no file"):
            function()
    with pytest.raises(InputError, match="There is no file"):
        open_source(path)


@pytest.mark.parametrize("name", ["tiles.ome.tif", "version_2.zarr", "ome_0.5.zarr"])
def test_a_change_is_another_fingerprint(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WAYS[name].write(path, ARRAY, "YX")
    source = open_source(path)
    before = source.fingerprint()
    source.read(DAMAGED)
    assert (source.fingerprint(), open_source(path).fingerprint()) == (before, before)
    files = [one for one in (path, *path.rglob("*")) if one.is_file()]
    for file in files:
        status = file.stat()
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        assert source.fingerprint() != before
        file.write_bytes(content)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert source.fingerprint() == before


def test_labels_beside_an_image_do_not_change_it(tmp_path: Path) -> None:
    path = save_pyramid(tmp_path / "a.zarr", [ARRAY], "YX")
    before = open_source(path).fingerprint()
    zarr.create_array(store=str(path / "labels" / "0"), data=ARRAY, chunks=(32, 32))
    assert open_source(path).fingerprint() == before
