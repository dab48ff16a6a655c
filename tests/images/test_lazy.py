"""Arrays that compute what is asked for are asked for regions alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch
import xarray
import zarr
from napari.layers._multiscale_data import MultiScaleData

from napari_unet.errors import InputError, UnreadableRegion
from napari_unet.geometry.box import Box
from napari_unet.images.lazy import LazyImage
from napari_unet.images.source import ArrayImage, ImageSource, as_source

ARRAY = np.arange(2 * 40 * 50, dtype=np.uint16).reshape(2, 40, 50)
HALF = ARRAY[:, ::2, ::2]
REGION = Box((1, 3, 4), (2, 20, 30))


def lazy(array: np.ndarray) -> da.Array:
    return da.from_array(array, chunks=(1, 16, 16))


@pytest.mark.parametrize(
    ("image", "axes", "levels"),
    [
        (lazy(ARRAY), None, 1),
        (zarr.array(ARRAY, chunks=(1, 16, 16)), None, 1),
        (xarray.DataArray(lazy(ARRAY), dims=("time", "y", "x")), "TYX", 1),
        ([lazy(ARRAY), lazy(HALF)], None, 2),
        (MultiScaleData([lazy(ARRAY), lazy(HALF)]), None, 2),
        ([ARRAY, HALF], None, 2),
    ],
)
def test_what_stays_lazy(image: Any, axes: str | None, levels: int) -> None:
    source = as_source(image)
    assert isinstance(source, LazyImage)
    assert isinstance(source, ImageSource)
    assert as_source(source) is source
    assert (source.shape, source.axes, source.dtype) == (ARRAY.shape, axes, np.uint16)
    assert source.levels == (ARRAY.shape, HALF.shape)[:levels]
    assert source.piece in ((1, 16, 16), (1, 1, 1))
    np.testing.assert_array_equal(source.read(REGION), ARRAY[REGION.slices])
    if levels > 1:
        part = Box((0, 0, 0), (2, 9, 9))
        np.testing.assert_array_equal(source.read(part, 1), HALF[part.slices])


@pytest.mark.parametrize(
    "image",
    [
        ARRAY,
        [ARRAY[0], ARRAY[1]],
        ARRAY.tolist(),
        torch.from_numpy(ARRAY.astype(np.int32)),
        np.ma.masked_less(ARRAY, 20),
        da.ma.masked_less(lazy(ARRAY), 20),
    ],
)
def test_what_is_in_memory_is_taken_as_before(image: Any) -> None:
    source = as_source(image)
    assert isinstance(source, ArrayImage)
    assert source.shape == ARRAY.shape


def test_only_chunks_of_a_region_are_computed() -> None:
    computed: list[Any] = []

    def note(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        computed.append(block_info[0]["chunk-location"])
        return block

    image = lazy(ARRAY).map_blocks(note, dtype=np.uint16, meta=np.empty((0,) * 3))
    as_source(image).read(Box((1, 0, 20), (2, 16, 40)))
    assert sorted(computed) == [(1, 0, 1), (1, 0, 2)]


def test_a_graph_that_fails_is_an_unreadable_region() -> None:
    def fail(block: np.ndarray) -> np.ndarray:
        raise OSError("the disk is gone\nand more")

    image = lazy(ARRAY).map_blocks(fail, dtype=np.uint16, meta=np.empty((0,) * 3))
    with pytest.raises(UnreadableRegion, match=r"0:1 x 0:2 x 0:3 .*the disk is gone\)"):
        as_source(image).read(Box((0, 0, 0), (1, 2, 3)))


def test_other_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="complex"):
        as_source(lazy(ARRAY) * 1j)


class LikeBioio:
    """What bioio opens: its pixels are computed by `data`, and not by `dask_data`."""

    def __init__(self, array: np.ndarray, order: str) -> None:
        sizes = dict(zip(order, array.shape, strict=True))
        self.dims = SimpleNamespace(order=order, **sizes)
        self.dask_data = da.from_array(array)


@pytest.mark.parametrize(
    ("order", "axes", "shape"),
    [("TCZYX", "TCZYX", (1, 1, 1, 40, 50)), ("TCZYXS", "TZYXC", (1, 1, 40, 50, 3))],
)
def test_an_image_of_bioio_is_not_computed(
    order: str, axes: str, shape: tuple[int, ...]
) -> None:
    plane = ARRAY[0] if "S" not in order else np.stack([ARRAY[0]] * 3, -1)
    source = as_source(LikeBioio(plane[None, None, None], order))
    assert isinstance(source, LazyImage)
    assert (source.axes, source.shape) == (axes, shape)
