"""Arrays of other libraries are taken as numpy's are, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch
import zarr
from PIL import Image

import napari_unet as nu
from napari_unet.errors import InputError
from napari_unet.images.source import as_image

PLANE = np.random.default_rng(0).integers(0, 99, (20, 24)).astype(np.float32)


class Named:
    """As xarray has it: an array whose dimensions have names."""

    def __init__(self, values: np.ndarray, *dims: str) -> None:
        self.values, self.dims = values, dims

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values


class Failing:
    """A graph that cannot be computed."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("the file is gone")


class Dataset:
    """As xarray has it: several arrays."""

    data_vars = ("nuclei", "membranes")


OTHERS = {
    "dask": da.from_array(PLANE, chunks=8),
    "zarr": zarr.array(PLANE),
    "tensor": torch.from_numpy(PLANE),
    "gradient": torch.from_numpy(PLANE).requires_grad_(),
    "bfloat16": torch.from_numpy(PLANE).bfloat16(),
    "list": PLANE.tolist(),
    "matrix": np.ma.masked_array(PLANE),
    "picture": Image.fromarray(PLANE),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_taken(name: str) -> None:
    found = as_image(OTHERS[name])
    assert type(found.array) is np.ndarray
    np.testing.assert_array_equal(found.array, PLANE)
    assert (found.axes, found.note) == (None, None)


def test_an_array_of_numpy_is_not_copied() -> None:
    assert as_image(PLANE).array is PLANE


@pytest.mark.parametrize(
    ("dims", "axes"),
    [
        (("y", "x"), "YX"),
        (("row", "column"), "YX"),
        (("Time", "X"), None),
        (("dim_0", "dim_1"), None),
        (("x", "x"), None),
    ],
)
def test_names_of_dimensions_are_axes(dims: tuple[str, ...], axes: str | None) -> None:
    assert as_image(Named(PLANE, *dims)).axes == axes


def test_masked_pixels_are_unknown() -> None:
    for dtype in (np.uint8, np.uint16, np.int32, np.float32):
        values = PLANE.astype(dtype)
        found = as_image(np.ma.masked_less(values, 30))
        np.testing.assert_array_equal(np.isnan(found.array), values < 30)
        np.testing.assert_array_equal(found.array[values >= 30], values[values >= 30])
        assert "masked" in str(found.note)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a.tif", "read it first"),
        (Path("a.tif"), "read it first"),
        (None, "found NoneType"),
        (3, "found int"),
        ([[1, 2], [3]], "could not be turned into an array"),
        (Failing(), "the file is gone"),
        (Dataset(), "nuclei, membranes"),
        (Image.fromarray(PLANE).convert("L").convert("P"), "mode 'P'"),
        (np.array([["a", "b"]]), "real numbers"),
        (np.zeros((3, 3), complex), "real numbers"),
        ([[None, 1]], "array of numbers"),
        (torch.zeros(3, 3, dtype=torch.complex64), "real numbers"),
        ({"a": 1}, "found dict, which holds several"),
        (zarr.open_group(store={}, mode="w"), "holds several by name"),
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence(value: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        as_image(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", OTHERS)
def test_one_door_for_samples_and_scores(name: str) -> None:
    sample = nu.Sample(OTHERS[name], OTHERS[name], OTHERS[name])
    for part in (sample.image, sample.labels, sample.verified):
        np.testing.assert_array_equal(part, PLANE)
    ids = (PLANE // 20).astype(np.int32)
    assert nu.evaluate(ids.tolist(), da.from_array(ids)).ap["0.90"] == 1
    assert nu.Sample(Named(PLANE, "y", "x"), ids).axes == "YX"
