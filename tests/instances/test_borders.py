"""Weights of the gaps between cells, against a computation pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.geometry.tiling import number_squares
from napari_unet.instances.borders import balance_classes, border_weights, open_gaps


def by_brute_force(labels, w0, sigma):
    """Measure every distance between a background pixel and every object."""
    weights = np.zeros(labels.shape)
    objects = [np.argwhere(labels == i) for i in np.unique(labels[labels > 0])]
    if len(objects) < 2:
        return weights
    for pixel in np.argwhere(labels == 0):
        distances = sorted(
            np.sqrt(((points - pixel) ** 2).sum(1)).min() for points in objects
        )
        d = distances[0] + distances[1]
        weights[tuple(pixel)] = w0 * np.exp(-(d**2) / (2 * sigma**2))
    return weights


@given(
    hnp.arrays(np.int32, (13, 17), elements=st.sampled_from([0] * 12 + [3, 7, 900])),
    st.sampled_from([(10.0, 5.0), (2.0, 1.5)]),
)
def test_weights_are_those_of_the_equation(labels, options):
    expected = by_brute_force(labels, *options)
    np.testing.assert_allclose(
        border_weights(labels, *options), expected, atol=2e-3, rtol=1e-4
    )


def test_volumes_have_weights_too():
    labels = np.zeros((5, 9, 9), np.int32)
    labels[2, 2, 2], labels[2, 2, 6] = 1, 2
    np.testing.assert_allclose(
        border_weights(labels), by_brute_force(labels, 10.0, 5.0), atol=2e-3
    )


def test_a_gap_of_one_pixel_weighs_most():
    labels = np.zeros((9, 9), np.int32)
    labels[:, :4], labels[:, 5:] = 1, 2
    weights = border_weights(labels)
    assert weights[:, 4] == pytest.approx(10 * np.exp(-(2**2) / 50))
    assert weights[:, :4].max() == 0
    assert border_weights(labels, w0=0).max() == 0


def test_touching_objects_get_a_gap_and_others_stay():
    labels = np.zeros((7, 12), np.int32)
    labels[1:6, 1:5], labels[1:6, 5:9], labels[3, 11] = 4, 2, 9
    opened = open_gaps(labels)
    assert (opened[1:6, 4:6] == 0).all()
    np.testing.assert_array_equal(opened[1:6, 1:4], 4)
    np.testing.assert_array_equal(opened[1:6, 6:9], 2)
    assert opened[3, 11] == 9


def test_every_class_counts_the_same():
    classes = np.array([[0, 0, 0, 0, 0, 0, 1, 1, 2, 255]])
    known = np.ones(classes.shape, bool)
    known[0, 0] = False
    weights = balance_classes(classes, known, 3)
    sums = [weights[classes == i].sum() for i in range(3)]
    assert sums == pytest.approx([sum(sums) / 3] * 3)
    assert weights[known & (classes < 3)].mean() == pytest.approx(1)
    assert weights[0, 0] == weights[0, -1] == 0


@given(hnp.arrays(bool, st.tuples(st.integers(1, 70), st.integers(1, 70))))
def test_squares_cover_what_is_known_and_nothing_else(mask):
    numbers = number_squares(mask)
    np.testing.assert_array_equal(numbers > 0, mask)


def test_about_as_many_squares_as_wanted():
    numbers = number_squares(np.ones((400, 800), bool))
    assert 40 <= len(np.unique(numbers)) <= 100
