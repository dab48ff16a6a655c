"""What is said of planes from three sides becomes objects of a volume."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.reach import reach_maps
from napari_unet.instances.three_sides import ThreeSides, section_of, sides

FARTHEST = 8


def agreed(labels: np.ndarray) -> np.ndarray:
    """Return what a network that errs nowhere says of all planes, put together."""
    views = ThreeSides(labels.shape)
    for across in sides():
        for number, plane in enumerate(np.moveaxis(labels, across, 0)):
            views.add(across, number, reach_maps(plane, FARTHEST))
    return views.agreed()


@given(
    st.lists(
        st.tuples(*[st.tuples(st.integers(0, 10), st.integers(1, 7))] * 3), max_size=12
    )
)
@settings(max_examples=40)
def test_true_planes_tell_the_maps_of_the_volume(boxes) -> None:
    labels = np.zeros((12, 13, 11), np.int32)
    for number, box in enumerate(boxes, start=1):
        labels[tuple(slice(a, a + n) for a, n in box)] = number
    found = agreed(labels)
    np.testing.assert_allclose(found, reach_maps(labels, FARTHEST), atol=1e-6)
    np.testing.assert_array_equal(
        section_of(found, 4), reach_maps(labels, FARTHEST)[[0, 3, 4, 5, 6], 4]
    )


def test_one_that_sees_an_end_is_believed() -> None:
    """From above two balls are one column; from the side they are two."""
    z, y, x = np.ogrid[:32, :16, :16]
    lower = (z - 8) ** 2 + (y - 8) ** 2 + (x - 8) ** 2 <= 49
    upper = (z - 23) ** 2 + (y - 8) ** 2 + (x - 8) ** 2 <= 49
    labels = np.where(lower, 1, np.where(upper, 2, 0)).astype(np.int32)
    decoded = ReachDecoding(farthest=FARTHEST).decode(agreed(labels))
    np.testing.assert_array_equal(decoded, labels)


@pytest.mark.parametrize("area", [1, 12, 40, 500])
def test_the_least_ball_is_half_of_one_with_the_least_section(area: int) -> None:
    radius = np.sqrt(area / np.pi)
    half = 2 / 3 * np.pi * radius**3
    assert ReachDecoding(min_size=area).in_volumes().min_size == max(1, round(half))
