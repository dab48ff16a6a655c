from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.errors import InputError
from napari_unet.images.normalize import PercentileNormalization

NORMALIZATION = PercentileNormalization()
DTYPES = st.sampled_from(
    [np.uint8, np.uint16, np.int16, np.int32, np.uint64, np.float32, np.float64, bool]
)


@given(
    DTYPES.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=3, max_dims=3)))
)
def test_result_is_finite_and_bounded_or_refused(image: np.ndarray) -> None:
    try:
        result = NORMALIZATION.apply(image)
    except InputError:
        assert not np.isfinite(image).any(axis=(1, 2)).all()
        return
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert result.min() >= -1
    assert result.max() <= 4


@given(
    st.integers(0, 2**31),
    st.floats(0.01, 1e4),
    st.floats(-1e4, 1e4),
)
def test_gain_and_offset_do_not_matter(seed: int, gain: float, offset: float) -> None:
    image = np.random.default_rng(seed).random((1, 16, 16))
    np.testing.assert_allclose(
        NORMALIZATION.apply(image),
        NORMALIZATION.apply(gain * image + offset),
        atol=1e-3,
    )


def test_constant_image_becomes_zero() -> None:
    assert not NORMALIZATION.apply(np.full((1, 8, 8), 7.0)).any()


def test_nan_is_ignored_and_becomes_dark() -> None:
    image = np.random.default_rng(0).random((1, 32, 32)) + 5
    whole = NORMALIZATION.limits(image[0])
    image[0, :4] = np.nan
    result = NORMALIZATION.apply(image)
    assert not result[0, :4].any()
    np.testing.assert_allclose(NORMALIZATION.limits(image[0]), whole, atol=0.05)


def test_all_nan_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="no finite pixel"):
        NORMALIZATION.apply(np.full((1, 8, 8), np.nan))


def test_one_hot_pixel_does_not_flatten_the_image() -> None:
    image = np.random.default_rng(0).random((1, 128, 128))
    image[0, 0, 0] = 1e9
    assert np.median(NORMALIZATION.apply(image)) > 0.4


def test_mostly_empty_and_saturated_images_keep_their_contrast() -> None:
    empty = np.zeros((1, 128, 128))
    empty[0, :2, :2] = 100
    assert NORMALIZATION.apply(empty).max() == 1
    saturated = np.full((1, 128, 128), 255, np.uint8)
    saturated[0, :2, :2] = 0
    assert np.ptp(NORMALIZATION.apply(saturated)) == 1


def test_channels_are_independent() -> None:
    first = np.random.default_rng(0).random((1, 16, 16))
    both = np.concatenate([first, 1000 * first])
    np.testing.assert_allclose(*NORMALIZATION.apply(both), atol=1e-5)
