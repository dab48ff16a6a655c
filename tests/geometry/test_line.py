"""The pixels that a drawn line passes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line

SHAPE = (41, 41)
numbers = st.floats(0, 40) | st.integers(0, 80).map(lambda n: n / 2)
anywhere = numbers | st.floats(-1e9, 1e9)


def lines(number):
    return st.lists(st.tuples(number, number), min_size=1, max_size=6)


@given(lines(numbers))
def test_pixels_in_a_row_share_a_side(points):
    path = Line(tuple(points), (0, 1)).path(SHAPE)
    assert (np.abs(np.diff(path, axis=0)).sum(axis=1) == 1).all()


@given(lines(numbers))
def test_a_line_passes_what_lies_between_its_ends_and_nothing_aside(points):
    path = Line(tuple(points), (0, 1)).path(SHAPE)
    ends = np.floor(np.array(points)[[0, -1]] + 0.5)
    assert (path[[0, -1]] == ends).all()
    for middle in [np.add(a, b) / 2 for a, b in pairwise(points)]:
        assert (np.abs(path - middle).max(axis=1) <= 0.5 + 1e-9).any()
    for pixel in path:
        assert min(distance(pixel, points)) <= np.sqrt(2) + 1e-9


@given(lines(anywhere))
def test_a_line_that_goes_far_is_the_same_within(points):
    path = Line(tuple(points), (0, 1)).path(SHAPE)
    assert len(path) < 1000
    inside = ((path >= 0) & (path < SHAPE)).all(axis=1)
    steps = np.abs(np.diff(path, axis=0)).sum(axis=1)
    # It never jumps inside, so between leaving and coming back it is outside.
    assert (steps[inside[1:] | inside[:-1]] == 1).all()
    for middle in [np.add(a, b) / 2 for a, b in pairwise(points)]:
        if (np.abs(middle - 20) <= 20).all():
            assert (np.abs(path - middle).max(axis=1) <= 0.5 + 1e-5).any()


def distance(pixel, points):
    """From the middle of a pixel to every straight part of a line."""
    points = np.array(points)
    for start, stop in zip(points, [*points[1:], points[-1]], strict=True):
        along = stop - start
        share = np.dot(pixel - start, along) / max(np.dot(along, along), 1e-300)
        yield np.linalg.norm(pixel - start - np.clip(share, 0, 1) * along)


def test_the_plane_lies_where_the_first_vertex_does():
    line = Line(((1.4, 2.0, 3.0), (2.9, 5.0, 6.0)), (1, 2))
    assert line.plane((4, 8, 9)) == Box((1, 0, 0), (2, 8, 9))
    assert line.path((8, 9))[[0, -1]].tolist() == [[2, 3], [5, 6]]


@pytest.mark.parametrize("at", [-1.0, 4.0, 1e6])
def test_beyond_the_array_there_is_no_plane(at):
    assert Line(((at, 2.0, 3.0),), (1, 2)).plane((4, 8, 9)).empty


def test_a_plane_may_extend_along_other_axes():
    line = Line(((0.0, 3.0, 1.0), (3.0, 3.0, 1.0)), (0, 2))
    assert line.plane((4, 8, 9)) == Box((0, 3, 0), (4, 4, 9))
    assert line.path((4, 9))[:, 0].tolist() == [0, 1, 2, 3]
