"""How far apart sections seem to be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_unet.images.anisotropy import seeming_anisotropy
from napari_unet.images.source import (
    ArrayImage,
    CanonicalImage,
    anisotropy_of,
)


@pytest.fixture(scope="module")
def blobs() -> np.ndarray:
    """Return round blobs, of all sizes and at all places, with noise."""
    rng = np.random.default_rng(0)
    grey = ndi.gaussian_filter(rng.normal(size=(60, 96, 96)), 4)
    return (grey > 0.3 * grey.std()) * 200.0 + rng.normal(0, 20, grey.shape)


def seen(array: np.ndarray) -> float | None:
    return seeming_anisotropy(CanonicalImage(ArrayImage(array=array), "ZYX"))


@pytest.mark.parametrize("apart", [1, 2, 3, 5])
def test_sections_of_round_things_tell_how_far_apart_they_are(blobs, apart) -> None:
    assert seen(blobs[::apart]) == pytest.approx(apart, rel=0.2)


def test_light_and_offset_change_nothing(blobs) -> None:
    assert seen(7 * blobs[::3] + 1000) == pytest.approx(seen(blobs[::3]), rel=1e-3)


@pytest.mark.parametrize("sections", [1, 2, 4])
def test_nobody_can_tell_of_a_thin_stack(blobs, sections: int) -> None:
    assert seen(blobs[:sections]) is None


def test_nobody_can_tell_where_nothing_is() -> None:
    assert seen(np.zeros((20, 30, 30))) is None
    assert seen(np.full((20, 30, 30), np.nan)) is None


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"Z": 3.0, "Y": 1.0, "X": 1.0}, 3.0),
        ({"Z": 0.5, "Y": 0.25}, 2.0),
        ({"Z": 0.0, "X": 1.0}, None),
        ({"X": 1.0}, None),
        ({"Z": 1.0}, None),
        ({"Z": float("nan"), "X": 1.0}, None),
        ({"Z": 1e9, "X": 1.0}, None),
        ({}, None),
    ],
)
def test_what_is_no_distance_states_nothing(sizes, expected) -> None:
    assert anisotropy_of(sizes) == expected
