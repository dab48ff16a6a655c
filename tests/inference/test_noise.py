"""Noise is told from images: fields of many cameras, and the sample images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_unet.core.jobs import drain
from napari_unet.images.normalize import PercentileNormalization
from napari_unet.inference.noise import iter_is_noise
from napari_unet.io.samples import list_samples, load_sample

SIZE = 256
Y, X = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
LIGHT = 1 - 0.3 * (Y**2 + X**2)


def is_noise(image: np.ndarray) -> bool:
    return drain(iter_is_noise(PercentileNormalization().apply(image[None])))


def normal(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(100, 5, (SIZE, SIZE))


FIELDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "readout": normal,
    "few counts": lambda rng: rng.poisson(10 * np.ones((SIZE, SIZE))),
    "rounded": lambda rng: normal(rng).round(),
    "uneven light": lambda rng: rng.poisson(200 * LIGHT),
    "a gradient": lambda rng: normal(rng) + 50 * X,
    "smoothed a little": lambda rng: ndi.gaussian_filter(normal(rng), 1),
    "smoothed": lambda rng: ndi.gaussian_filter(normal(rng), 3),
    "smoothed much": lambda rng: ndi.gaussian_filter(normal(rng), 8),
    "median": lambda rng: ndi.median_filter(normal(rng), 3),
    "two kinds": lambda rng: normal(rng) + 15 * ndi.gaussian_filter(normal(rng), 3),
}


@pytest.mark.parametrize("field", FIELDS)
def test_empty_fields_are_noise(field: str) -> None:
    seen = [is_noise(FIELDS[field](np.random.default_rng(seed))) for seed in range(3)]
    assert all(seen)


@pytest.mark.parametrize("name", [sample.name for sample in list_samples()])
def test_sample_images_are_none(name: str) -> None:
    for sample in load_sample(name):
        axes = sample.axes or "YX"
        image = sample.image
        if "C" in axes:
            image = np.moveaxis(image, axes.index("C"), 0)[0]
        while image.ndim > 2:
            image = image[len(image) // 2]
        assert not is_noise(image)


@pytest.mark.parametrize("radius", [4, 10, 25])
@pytest.mark.parametrize("contrast", [2, 20])
def test_a_single_object_is_enough(radius: int, contrast: float) -> None:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:600, :600]
    disk = (rows - 450) ** 2 + (columns - 90) ** 2 <= radius**2
    image = rng.normal(100, 5, disk.shape) + 5 * contrast * disk
    assert not is_noise(image)


def test_objects_in_a_row_are_no_noise() -> None:
    rows, columns = np.mgrid[:192, :192] % 24 - 12
    image = 100.0 * (rows**2 + columns**2 <= 49)
    image += np.random.default_rng(0).normal(20, 10, image.shape)
    assert not is_noise(image)


def test_a_plane_that_is_too_small_tells_nothing() -> None:
    assert not is_noise(np.random.default_rng(0).normal(0, 1, (60, 900)))
