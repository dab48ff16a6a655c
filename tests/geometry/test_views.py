"""Planes are cut into what a person sees at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry.box import Box
from napari_unet.geometry.views import cut_views, view_extent


@pytest.mark.parametrize("shape", [(40, 30), (512, 700), (4000, 4000), (1, 9000)])
def test_views_cover_a_plane_each_pixel_once(shape):
    seen = np.zeros(shape, np.uint8)
    boxes = cut_views(shape, "YX")
    for box in boxes:
        seen[box.slices] += 1
        assert all(n < 770 for n in box.shape)
    assert (seen == 1).all()
    assert shape != (40, 30) or boxes == [Box.whole(shape)]


def test_views_of_stacks_lie_in_one_plane():
    boxes = cut_views((3, 40, 30), "TYX")
    assert boxes == [Box((t, 0, 0), (t + 1, 40, 30)) for t in range(3)]
    assert all(box.shape[1] == 1 for box in cut_views((40, 3, 30), "YZX"))


@given(st.none() | st.floats(0.5, 10_000))
def test_views_are_as_wide_as_a_screen_can_show(diameter):
    assert 192 <= view_extent(diameter) <= 1024
