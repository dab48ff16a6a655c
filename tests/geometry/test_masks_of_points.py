"""Pixels as lists, and as marks in boxes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry.box import Box, box_around
from napari_unet.geometry.points import mask_of_points, points_of_masks

SHAPE = (5, 6)
pixels = st.sets(st.tuples(*(st.integers(0, n - 1) for n in SHAPE)), min_size=1)


@given(st.lists(pixels, min_size=1, max_size=4))
def test_what_is_marked_in_any_box_comes_once_and_in_order(parts):
    masks = []
    for part in parts:
        points = tuple(map(np.array, zip(*part, strict=True)))
        box, mask = mask_of_points(points)
        assert mask.sum() == len(part)
        masks.append((box, mask))
    found = points_of_masks(masks)
    assert list(zip(*(axis.tolist() for axis in found), strict=True)) == sorted(
        set().union(*parts)
    )


def test_a_box_around_boxes_holds_all_of_them():
    boxes = [Box((2, 0), (3, 4)), Box((0, 1), (1, 2)), Box((1, 1), (2, 9))]
    assert box_around(boxes) == Box((0, 0), (3, 9))
    assert box_around(boxes[:1]) == boxes[0]
