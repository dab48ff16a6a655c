"""Elongated and branching cells are drawn, always the same, and known to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi
from skimage.measure import regionprops

from training.pictures import GENERATED, read_pictures
from training.splits import read_split
from training.synthetic.elongated import (
    FORMS,
    LOOKS,
    draw_elongated,
    elongated_names,
    elongated_picture,
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("look", LOOKS)
def test_cells_are_elongated_and_in_one_piece(form, look):
    drawn = draw_elongated(np.random.default_rng(5), form, look)
    assert drawn.image.shape == drawn.labels.shape == (384, 384)
    assert drawn.image.dtype == np.uint8
    assert drawn.image.std() > 3
    objects = regionprops(drawn.labels)
    assert len(objects) >= 3
    assert all(ndi.label(each.image)[1] == 1 for each in objects)
    longish = [
        each.axis_major_length > 1.8 * each.axis_minor_length for each in objects
    ]
    assert form == "branching" or np.mean(longish) > 0.5


def test_a_picture_depends_on_its_name_alone(tmp_path):
    first, second = elongated_names()[:2]
    alone = read_pictures(tmp_path / GENERATED, [second, "elsewhere"])
    assert [p.stem for p in alone] == [second]
    both = {name: elongated_picture(name) for name in (first, second)}
    np.testing.assert_array_equal(alone[0].values, both[second].labels)
    np.testing.assert_array_equal(alone[0].raw, both[second].image)


def test_every_drawn_picture_is_in_the_split():
    split = read_split([GENERATED])
    assert sorted(s for g in split.groups for s in g) == sorted(elongated_names())
    assert len(elongated_names()) <= 60
