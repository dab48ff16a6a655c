from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.instances.distances import instance_targets
from napari_unet.learning.augment import (
    _smooth,
    change_grey_values,
    gaussian_blur,
    resample,
)
from napari_unet.learning.config import Augmentation
from napari_unet.learning.sampling import draw_batch
from tests.tiny import make_disks, make_training_plane

STILL = Augmentation(
    zoom=0, rotate=False, gamma=0, contrast=0, offset=0, illumination=0, blur=0, noise=0
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_still_crop_is_a_copy() -> None:
    stack = torch.rand(2, 40, 50)
    crop = resample(stack, (19.5, 24.5), 1.0, 16, STILL, rng())
    torch.testing.assert_close(crop, stack[:, 12:28, 17:33], rtol=1e-4, atol=1e-4)
    image = stack[:1]
    torch.testing.assert_close(change_grey_values(image, STILL, rng()), image)


@given(
    st.integers(0, 1000), st.floats(0.4, 2.5), st.floats(-20, 60), st.floats(-20, 60)
)
def test_any_crop_has_its_size_and_range(
    seed: int, zoom: float, y: float, x: float
) -> None:
    stack = torch.rand(1, 33, 47)
    augmentation = Augmentation(elastic=2.0)
    crop = resample(stack, (y, x), zoom, 32, augmentation, rng(seed))
    assert crop.shape == (1, 32, 32)
    assert crop.min() >= 0
    assert crop.max() <= stack.max() + 1e-6


def test_zoomed_targets_are_the_targets_of_the_zoomed_image() -> None:
    sample = make_disks(size=96, pitch=48, radius=14)
    targets = torch.from_numpy(instance_targets(sample.labels))
    zoomed = resample(targets, (23.5, 23.5), 2.0, 96, STILL, rng())
    large = make_disks(size=96, pitch=96, radius=28)
    again = instance_targets(large.labels)
    inside = instance_targets(large.labels)[2] > 0.2
    assert np.abs(zoomed.numpy() - again)[:, inside].mean() < 0.05


def test_crops_keep_to_verified_pixels() -> None:
    sample = make_disks()
    verified = np.zeros(sample.labels.shape, bool)
    verified[40:60, 40:60] = True
    plane = make_training_plane(sample.image[None], sample.labels, verified)
    batch = draw_batch([plane], np.ones(1), 32, 20, Augmentation(), rng())
    share = batch.weight.mean(dim=(1, 2, 3))
    assert (share > 0).all()
    assert set(batch.weight.unique().tolist()) <= {0.0, 1.0}
    assert batch.targets.min() >= 0
    assert batch.targets.max() <= 1


def test_crops_that_are_not_wanted_are_drawn_but_not_made() -> None:
    sample = make_disks()
    plane = make_training_plane(sample.image[None], sample.labels)
    how = Augmentation(elastic=1.0, haze=0.5, clip=0.5, invert=0.5)
    what = ([plane], np.ones(1), 32, 6, how)
    draws = [rng(), rng()]
    whole = draw_batch(*what, draws[0])
    some = draw_batch(*what, draws[1], wanted=[slice(1, 2), slice(4, 6)])
    for of_whole, of_some in (
        (whole.images, some.images),
        (whole.targets, some.targets),
        (whole.weight, some.weight),
    ):
        assert torch.equal(of_some[[1, 4, 5]], of_whole[[1, 4, 5]])
        assert not of_some[[0, 2, 3]].any()
    assert draws[0].bit_generator.state == draws[1].bit_generator.state


def test_haze_takes_contrast_and_leaves_the_mean() -> None:
    image = torch.rand(1, 64, 64)
    hazy = change_grey_values(image, STILL.model_copy(update={"haze": 0.9}), rng(2))
    assert hazy.std() < 0.9 * image.std()
    assert hazy.mean().item() == pytest.approx(image.mean().item(), abs=0.02)


def test_an_overexposed_camera_clips_what_is_bright() -> None:
    image = torch.linspace(0, 1, 64 * 64).reshape(1, 64, 64)
    clipped = change_grey_values(image, STILL.model_copy(update={"clip": 0.5}), rng(2))
    highest = clipped == clipped.max()
    assert clipped.max().item() == pytest.approx(1)
    assert 0.01 < highest.float().mean() <= 0.5
    dark = ~highest
    ratio = clipped[dark][1:] / image[dark][1:]
    torch.testing.assert_close(ratio, torch.full_like(ratio, ratio[0].item()))


def test_dark_and_bright_change_places() -> None:
    image = torch.rand(1, 8, 8)
    inverted = change_grey_values(image, STILL.model_copy(update={"invert": 1}), rng())
    torch.testing.assert_close(inverted, 1 - image)


@given(st.integers(2, 9), st.integers(2, 40), st.integers(0, 99))
def test_smooth_fields_go_through_their_knots(
    knots: int, steps: int, seed: int
) -> None:
    size = (knots - 1) * steps + 1
    given = rng(seed).normal(0, 1.0, (1, knots, knots))
    field = _smooth(given, size)
    np.testing.assert_allclose(field[:, ::steps, ::steps], given, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_blur_keeps_the_mean(sigma: float) -> None:
    image = torch.zeros(1, 41, 41)
    image[0, 20, 20] = 1
    blurred = gaussian_blur(image, sigma)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-4)
    assert blurred.max() < 1
