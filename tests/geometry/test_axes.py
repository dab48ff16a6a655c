from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.errors import InputError
from napari_unet.geometry.axes import (
    from_canonical,
    guess_axes,
    parse_axes,
    result_axes,
    to_canonical,
)


@st.composite
def images_with_axes(draw: st.DrawFn) -> tuple[np.ndarray, str]:
    others = draw(st.sets(st.sampled_from("TCZ")))
    axes = "".join(draw(st.permutations(sorted(others | {"Y", "X"}))))
    shape = tuple(draw(st.integers(1, 4)) for _ in axes)
    return np.arange(np.prod(shape)).reshape(shape), axes


@given(images_with_axes())
def test_canonical_and_back_is_the_identity(case: tuple[np.ndarray, str]) -> None:
    image, axes = case
    canonical = to_canonical(image, axes)
    assert canonical.ndim == 5
    first_channel = image.take(0, axes.index("C")) if "C" in axes else image
    restored = from_canonical(canonical[:, 0], axes)
    np.testing.assert_array_equal(restored, first_channel)
    assert restored.ndim == len(result_axes(axes))


@pytest.mark.parametrize(
    ("shape", "dtype", "axes"),
    [
        ((64, 64), np.float32, "YX"),
        ((64, 64, 3), np.uint8, "YXC"),
        ((64, 64, 4), np.uint16, "YXC"),
        ((64, 64, 3), np.float32, "YXC"),
        ((12, 64, 64), np.uint8, "ZYX"),
        ((5, 12, 64, 64), np.uint8, "TZYX"),
        ((5, 64, 64, 3), np.uint8, "ZYXC"),
        ((2, 2, 5, 64, 64), np.uint8, "TCZYX"),
    ],
)
def test_guess(shape: tuple[int, ...], dtype: type, axes: str) -> None:
    assert guess_axes(shape, dtype) == axes


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2, 2, 8, 8)])
def test_guess_refuses_other_dimensions(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="2 to 5 axes"):
        guess_axes(shape, np.uint8)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ("ZYQ", "unknown letter 'Q'"),
        ("YYX", "twice"),
        ("ZCX", "both Y and X"),
        ("YX", "one letter per axis"),
    ],
)
def test_parse_says_what_is_wrong(axes: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_axes(axes, 3)
