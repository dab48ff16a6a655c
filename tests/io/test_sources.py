"""A region of an image in a file is the same part of what was written."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.images.source import ImageSource, as_image
from napari_unet.io import open_source
from napari_unet.io.read import read_image
from tests.io.format_cases import IMAGES, FormatCase
from tests.io.written import WAYS, Way, save_pyramid

EXTENTS = st.integers(1, 3)
SIDES = st.one_of(st.just(1), st.integers(1, 45))


@st.composite
def images(draw: st.DrawFn, way: Way) -> tuple[np.ndarray, str]:
    others = draw(st.sampled_from(["", "T", "C", "Z", "TC", "CZ", "TCZ"]))
    if way.planes_last:
        axes = "".join([*draw(st.permutations(others)), "Y", "X"])
    else:
        axes = "".join(draw(st.permutations(f"{others}YX")))
    shape = tuple(draw(SIDES if a in "YX" else EXTENTS) for a in axes)
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]))
    seed = draw(st.integers(0, 99))
    return np.random.default_rng(seed).integers(0, 120, shape).astype(dtype), axes


def regions(shape: tuple[int, ...]) -> st.SearchStrategy[Box]:
    spans = [st.lists(st.integers(0, n), min_size=2, max_size=2) for n in shape]
    return st.tuples(*spans).map(
        lambda ends: Box(tuple(map(min, ends)), tuple(map(max, ends)))
    )


@pytest.mark.parametrize("name", WAYS)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_region_is_what_was_written_there(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    way = WAYS[name]
    array, axes = data.draw(images(way))
    path = tmp_path_factory.mktemp("a") / name
    way.write(path, array, axes)
    expected, stated = way.expected(array, axes)
    with open_source(path) as source:
        assert (source.shape, source.axes) == (expected.shape, stated)
        assert source.dtype == array.dtype
        for _ in range(3):
            region = data.draw(regions(source.shape))
            found = source.read(region)
            np.testing.assert_array_equal(found, expected[region.slices])
            assert found.dtype == array.dtype
        np.testing.assert_array_equal(source.read_whole(), expected)


def test_every_order_of_axes(tmp_path: Path) -> None:
    extents = {"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6}
    for number, letters in enumerate(list(permutations("TCZYX"))[::5]):
        axes = "".join(letters)
        array = np.arange(2 * 3 * 4 * 5 * 6, dtype=np.uint16)
        array = array.reshape([extents[a] for a in axes])
        path = save_pyramid(tmp_path / f"{number}.zarr", [array], axes, 2)
        with open_source(path) as source:
            assert source.axes == axes
            region = Box((1,) * 5, source.shape)
            np.testing.assert_array_equal(source.read(region), array[region.slices])


@pytest.mark.parametrize("case", IMAGES, ids=lambda case: case.words)
@pytest.mark.filterwarnings("ignore")  # of the writers
def test_parts_of_every_format_are_those_of_the_whole(
    tmp_path: Path, case: FormatCase
) -> None:
    path = tmp_path / case.name
    case.make(path)
    refused = _refusal(lambda: read_image(path))
    assert _refusal(lambda: open_source(path)) == refused
    if refused:
        return
    whole = read_image(path)
    rng = np.random.default_rng(1)
    with open_source(path) as source:
        assert (source.shape, source.dtype) == (whole.shape, whole.dtype)
        assert (source.axes, source.note) == (whole.axes, whole.note)
        for _ in range(5):
            ends = [np.sort(rng.integers(0, n + 1, 2)) for n in source.shape]
            region = Box.from_slices(tuple(slice(int(a), int(b)) for a, b in ends))
            found = source.read(region)
            np.testing.assert_array_equal(found, whole.array[region.slices])


def _refusal(function: Callable[[], object]) -> str:
    try:
        function()
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["tiles.ome.tif", "shards.zarr"])
def test_it_travels_to_another_process_and_is_opened_there(
    tmp_path: Path, name: str
) -> None:
    array = np.random.default_rng(0).integers(0, 999, (2, 40, 50)).astype(np.uint16)
    WAYS[name].write(tmp_path / name, array, "CYX")
    with open_source(tmp_path / name, axes="TYX") as source:
        source.read(Box((0, 0, 0), (1, 9, 9)))
        packed = pickle.dumps(source)
    assert len(packed) < 3_000
    there = pickle.loads(packed)
    assert isinstance(there, ImageSource)
    assert (there.axes, there.shape) == ("TYX", (2, 40, 50))
    region = Box((1, 7, 11), (2, 33, 50))
    np.testing.assert_array_equal(there.read(region), array[region.slices])
    assert there.fingerprint() == source.fingerprint()
    there.close()
    np.testing.assert_array_equal(there.read(region), array[region.slices])
    there.close()


def test_a_picture_travels_as_its_name(tmp_path: Path) -> None:
    from PIL import Image

    array = np.random.default_rng(0).integers(0, 250, (300, 400)).astype(np.uint8)
    Image.fromarray(array).save(tmp_path / "a.png")
    packed = pickle.dumps(open_source(tmp_path / "a.png"))
    assert len(packed) < 3_000
    np.testing.assert_array_equal(as_image(pickle.loads(packed)).array, array)


@pytest.mark.parametrize("subifds", [True, False])
def test_levels_of_a_tiff(tmp_path: Path, subifds: bool) -> None:
    array = np.random.default_rng(0).integers(0, 999, (80, 96)).astype(np.uint16)
    levels = [array, array[::2, ::2], array[::4, ::4]]
    options = {"tile": (16, 16), "photometric": "minisblack"}
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=subifds) as file:
        more = {"subifds": 2} if subifds else {}
        file.write(array, **options, **more)
        for level in levels[1:]:
            file.write(level, subfiletype=1, **options)
    with open_source(tmp_path / "a.tif") as source:
        assert source.levels == tuple(level.shape for level in levels)
        for number, level in enumerate(levels):
            region = Box((3, 5), (level.shape[0], 20))
            found = source.read(region, number)
            np.testing.assert_array_equal(found, level[region.slices])


@pytest.mark.parametrize("version", [2, 3])
def test_levels_of_a_zarr_and_those_that_do_not_fit(
    tmp_path: Path, version: int
) -> None:
    array = np.random.default_rng(0).integers(0, 999, (1, 80, 96)).astype(np.uint16)
    levels = [array, array[:, ::2, ::2], array[:, ::4, ::4].astype(np.float32)]
    path = save_pyramid(tmp_path / "a.zarr", levels, "CYX", version)
    with open_source(path) as source:
        assert source.levels == ((80, 96), (40, 48))
        found = source.read(Box((1, 2), (30, 31)), level=1)
        np.testing.assert_array_equal(found, levels[1][0, 1:30, 2:31])


def test_axes_of_a_person_have_to_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    WAYS["version_3.zarr"].write(path, np.zeros((3, 4, 5)), "ZYX")
    assert open_source(path, axes="cyx").axes == "CYX"
    with pytest.raises(InputError, match="name 2 axes"):
        open_source(path, axes="YX")


def test_beyond_the_image_is_no_region(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    WAYS["version_3.zarr"].write(path, np.zeros((4, 5)), "YX")
    with open_source(path) as source, pytest.raises(ValueError, match="no part"):
        source.read(Box((0, 0), (5, 5)))


def test_colours_of_palettes_and_inks_are_cut_along_the_colours(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 250, (40, 48), dtype=np.uint8)
    palette = rng.integers(0, 65535, (3, 256), dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif", numbers, photometric="palette", colormap=palette
    )
    inks = rng.integers(0, 250, (40, 48, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "b.tif", inks, photometric="separated", tile=(16, 16))
    for name in ("a.tif", "b.tif"):
        whole = read_image(tmp_path / name).array
        with open_source(tmp_path / name) as source:
            region = Box((3, 4, 1), (20, 40, 2))
            np.testing.assert_array_equal(source.read(region), whole[region.slices])
