"""Outlines along pixels: filled again, they are the same objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as from_numpy

from napari_unet.geometry.outlines import Outline, outlines_of
from napari_unet.io.rois import fill

RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.int32)


def filled(outlines: tuple[Outline, ...], shape: tuple[int, ...]) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    window = slice(0, shape[0]), slice(0, shape[1])
    for outline in outlines:
        inside = fill([ring.astype(float) for ring in outline.rings], window)
        assert not labels[inside].any()
        labels[inside] = outline.label
    return labels


@given(
    from_numpy.arrays(
        np.int32,
        from_numpy.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.sampled_from([0, 0, 1, 1, 2, 70_000]),
    )
)
def test_filled_outlines_are_the_labels(labels: np.ndarray) -> None:
    outlines = outlines_of(labels)
    np.testing.assert_array_equal(filled(outlines, labels.shape), labels)
    assert [each.label for each in outlines] == np.unique(labels[labels > 0]).tolist()
    for outline in outlines:
        assert outline.area == np.count_nonzero(labels == outline.label)
    for ring in (ring for each in outlines for ring in each.rings):
        assert len({*map(tuple, ring.tolist())}) == len(ring)  # touches itself nowhere
        steps = np.roll(ring, -1, axis=0) - ring
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert ((steps == 0) != np.roll(steps == 0, 1, axis=0)).all()  # corners only


@given(
    from_numpy.arrays(bool, (7, 7)).map(lambda mask: mask.astype(np.int32)),
)
def test_a_part_is_filled_by_itself(labels: np.ndarray) -> None:
    for outline in outlines_of(labels):
        parts = [Outline(1, (part,)) for part in outline.parts]
        total = sum(filled((part,), labels.shape) for part in parts)
        np.testing.assert_array_equal(total, labels)


def test_a_hole_belongs_to_its_part() -> None:
    labels = np.zeros((5, 9), np.int32)
    labels[1:4, 1:4] = labels[1:4, 5:8] = 6 * RING
    labels[2, 2] = 9
    ring, inner = outlines_of(labels)
    assert (ring.label, inner.label) == (6, 9)
    assert [len(part.holes) for part in ring.parts] == [1, 1]
    assert ring.parts[0].shell.tolist() == [[1, 1], [1, 4], [4, 4], [4, 1]]
    assert sorted(ring.parts[0].holes[0].tolist()) == sorted(
        inner.parts[0].shell.tolist()
    )


def test_a_hole_that_opens_at_a_corner_is_a_hole() -> None:
    labels = np.ones((4, 4), np.int32)
    labels[0, 0] = labels[1, 1] = 0
    (outline,) = outlines_of(labels)
    (part,) = outline.parts
    assert len(part.holes) == 1


def test_pixels_that_touch_at_a_corner_are_two_parts() -> None:
    (outline,) = outlines_of(np.eye(2, dtype=np.int32))
    assert len(outline.parts) == 2


@pytest.mark.parametrize("shape", [(0, 0), (3, 4)])
def test_nothing_has_no_outline(shape: tuple[int, int]) -> None:
    assert outlines_of(np.zeros(shape, np.int32)) == ()
