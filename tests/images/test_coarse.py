"""Planes seen from afar, and files of which nobody reads all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_unet.geometry.box import Box
from napari_unet.images import coarse
from napari_unet.images.coarse import CoarsePlanes
from napari_unet.images.source import ArrayImage, ImageSource, as_source
from napari_unet.io.large_file import find_large, open_large, read_coarsely
from napari_unet.session.images.size import is_large

SHAPE = 2, 900, 700


def _small(shape: tuple[int, ...], axes: str) -> bool:
    return is_large(shape, axes, 1000)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coarse, "_MOST", 256)


def _ramp() -> np.ndarray:
    rows, columns = np.mgrid[:900, :700]
    return np.stack([rows + columns, rows * 2 + columns]).astype(np.uint16)


def _read_all(source: ImageSource, planes: CoarsePlanes) -> None:
    for at in list(planes.wanted):
        planes.begin(at)
        for box, values in read_coarsely(source, planes.rows, at, planes.step):
            planes.take(at, box, values)


def test_levels_are_what_was_read_of_planes_that_are_wanted() -> None:
    pixels = _ramp()
    planes = CoarsePlanes(SHAPE, np.uint16, 1)
    assert planes.step == 4
    half, quarter = planes.levels
    assert half.shape == (2, 450, 350)
    assert not np.asarray(quarter[1]).any()
    assert planes.wanted == [(1,)]
    _read_all(ArrayImage(array=pixels), planes)
    np.testing.assert_array_equal(quarter[1], pixels[1, ::4, ::4])
    rows, columns = np.arange(10, 20, 2) // 2 * 4, np.arange(3, 9) // 2 * 4
    expected = pixels[1][np.ix_(rows, columns)]
    np.testing.assert_array_equal(half[1, 10:20:2, 3:9], expected)
    assert planes.wanted == []


def test_a_part_is_read_when_its_numbers_are_wanted() -> None:
    """Of all planes napari takes a part first, and then one plane of that."""
    planes = CoarsePlanes((50, 900, 700), np.uint16, 1)
    part = planes.levels[0][:, 10:20, 5:]
    assert part.shape == (50, 10, 345)
    assert planes.wanted == []
    assert part[7].shape == (10, 345)
    assert np.asarray(part[7, ::3, -1]).shape == (4,)
    assert planes.wanted == [(7,)]


def test_more_planes_than_are_kept_are_not_asked_for() -> None:
    planes = CoarsePlanes((50, 900, 700), np.uint16, 1)
    assert np.asarray(planes.levels[-1]).shape == (50, 225, 175)
    assert planes.wanted == []


@pytest.mark.parametrize("kind", ["tiff", "zarr"])
def test_a_file_without_a_pyramid_gets_coarse_levels(tmp_path: Path, kind: str) -> None:
    pixels, path = _ramp(), tmp_path / f"stack.{kind}"
    if kind == "tiff":
        tifffile.imwrite(path, pixels, tile=(128, 128), metadata={"axes": "ZYX"})
    else:
        array = zarr.create_array(
            path,
            shape=SHAPE,
            chunks=(1, 128, 128),
            dtype=np.uint16,
            dimension_names=["z", "y", "x"],
        )
        array[:] = pixels
    source = find_large(path, _small)
    assert source is not None
    assert find_large(path, lambda *_: False) is None
    found = open_large(source)
    assert found.axes == "ZYX"
    level = found.levels[0]
    np.testing.assert_array_equal(level[1, 5:900:7, -3:], pixels[1, 5:900:7, -3:])
    np.testing.assert_array_equal(level[..., 3], pixels[..., 3])
    box = Box((0, 100, 200), (2, 300, 210))
    np.testing.assert_array_equal(as_source(level).read(box), pixels[box.slices])
    low, high = found.limits
    assert 0 <= low < 400 < high <= pixels[1].max()
    assert found.coarse is not None
    np.asarray(found.levels[-1][0])
    _read_all(source, found.coarse)
    np.testing.assert_array_equal(found.levels[-1][0], pixels[0, ::4, ::4])


def test_a_pyramid_in_a_file_is_its_levels(tmp_path: Path) -> None:
    pixels, path = _ramp()[0], tmp_path / "slide.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels, tile=(128, 128), subifds=1)
        writer.write(pixels[::2, ::2], tile=(128, 128), subfiletype=1)
    source = find_large(path, _small)
    assert source is not None
    found = open_large(source)
    assert found.coarse is None
    np.testing.assert_array_equal(found.levels[1][:, :50], pixels[::2, ::2][:, :50])


def test_damaged_pieces_are_left_out(tmp_path: Path) -> None:
    pixels, path = _ramp()[0], tmp_path / "slide.zarr"
    array = zarr.create_array(path, shape=pixels.shape, chunks=(128, 128), dtype="u2")
    array[:] = pixels
    (path / "c/0/0").write_bytes(b"damaged")
    source = find_large(path, _small)
    assert source is not None
    found = open_large(source)
    assert found.coarse is not None
    assert found.limits[1] > 0
