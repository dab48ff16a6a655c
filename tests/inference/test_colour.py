"""What shows nothing is left out of an image's channels, and nothing else."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.errors import InputError
from napari_unet.geometry.axes import guess_axes
from napari_unet.inference.model_input import fit_channels

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 200, (12, 14), np.uint8)
OTHER = RNG.integers(0, 200, (12, 14), np.uint8)
BLANK = np.zeros_like(GREY)
FULL = np.full_like(GREY, 255)


def _stack(*channels: np.ndarray) -> np.ndarray:
    return np.stack(channels, -1)


@pytest.mark.parametrize(
    ("image", "wanted", "expected", "word"),
    [
        (_stack(GREY, GREY, GREY), 1, GREY, "equal"),
        (_stack(GREY, GREY, GREY, OTHER), 1, GREY, "transparency"),
        (_stack(BLANK, GREY, BLANK), 1, GREY, "only green"),
        (_stack(GREY, FULL, BLANK, FULL), 1, GREY, "only red"),
        (_stack(BLANK, BLANK, BLANK), 1, BLANK, "equal"),
        (_stack(GREY, FULL), 1, GREY, "only channel 1"),
        (_stack(GREY, OTHER, GREY, FULL), 3, _stack(GREY, OTHER, GREY), "transparency"),
        (_stack(GREY, OTHER, GREY, OTHER), 3, _stack(GREY, OTHER, GREY), "stored"),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_shows_nothing_is_left_out(
    image: np.ndarray, wanted: int, expected: np.ndarray, word: str, dtype: type
) -> None:
    fitted = fit_channels(image.astype(dtype), "YXC", wanted)
    assert fitted is not None
    np.testing.assert_array_equal(fitted.array, expected)
    assert fitted.axes == ("YXC" if wanted == 3 else "YX")
    assert word in str(fitted.note)


@pytest.mark.parametrize(
    ("image", "axes", "wanted"),
    [
        (_stack(GREY, OTHER, GREY), "YXC", 1),
        (_stack(GREY, GREY), "YXC", 1),
        (_stack(*[GREY] * 5), "YXC", 1),
        (GREY, "YX", 3),
        (np.stack([GREY, OTHER, GREY, OTHER]), "CYX", 3),
        (_stack(GREY, GREY, GREY), "YXC", 2),
        (_stack(GREY % 2, 1 - GREY % 2, GREY % 2), "YXC", 1),
    ],
)
def test_what_shows_something_is_not(image: np.ndarray, axes: str, wanted: int) -> None:
    assert fit_channels(image, axes, wanted) is None


def test_rounding_of_a_decoder_is_no_colour() -> None:
    rounded = GREY + (OTHER % 50 == 0)
    fitted = fit_channels(_stack(GREY, rounded, GREY), "YXC", 1)
    assert fitted is not None
    assert fitted.array is not None


@st.composite
def images(draw: st.DrawFn) -> tuple[np.ndarray, str, int]:
    axes = "".join(draw(st.permutations("CYX")))
    count = draw(st.integers(1, 5))
    pool = [GREY, OTHER, BLANK, FULL, GREY + 1]
    channels = [pool[draw(st.integers(0, 4))] for _ in range(count)]
    array = np.stack(channels).astype(draw(st.sampled_from(["u1", "u2", "f4"])))
    order = ["CYX".index(axis) for axis in axes]
    return array.transpose(order), axes, draw(st.sampled_from([1, 2, 3]))


@settings(deadline=None)
@given(images())
def test_what_is_kept_is_a_part_of_the_image(case: tuple[np.ndarray, str, int]) -> None:
    image, axes, wanted = case
    fitted = fit_channels(image, axes, wanted)
    if fitted is None:
        return
    assert fit_channels(image, axes, wanted, thinned=True) is not None
    assert np.shares_memory(fitted.array, image)
    channels = fitted.array.shape[fitted.axes.index("C")] if "C" in fitted.axes else 1
    assert channels == wanted
    assert (fitted.note is None) == (fitted.array is image)


@settings(deadline=None)
@given(st.integers(8, 300), st.integers(8, 300), st.integers(1, 40), st.booleans())
def test_channels_in_the_last_place_are_never_taken_for_columns(
    height: int, width: int, count: int, deep: bool
) -> None:
    if 2 * count > min(height, width):
        return
    axes = "asked"
    with suppress(InputError):
        axes = guess_axes((height, width, count), np.float32 if deep else np.uint8)
    assert axes in (("YXZ",) if count == 1 else ("YXC", "asked"))


@settings(deadline=None)
@given(st.integers(1, 64), st.integers(64, 300), st.integers(64, 300))
def test_stacks_stay_stacks(sections: int, height: int, width: int) -> None:
    assert guess_axes((sections, height, width), np.uint16) == "ZYX"
