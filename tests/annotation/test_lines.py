"""Lines say who stands behind what they surround, and labels keep their colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.annotation.lines import WIDTH, lines_in, widened
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box

WHOLE = Box.whole((40, 40))


def scene(provenance: Provenance) -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros((40, 40), np.int32)
    labels[5:35, 5:35] = 9
    return labels, np.where(labels, np.uint8(provenance), 0).astype(np.uint8)


@pytest.mark.parametrize("provenance", [Provenance.ACCEPTED, Provenance.CORRECTED])
def test_a_line_round_what_is_verified_is_closed(provenance):
    lines = lines_in(*scene(provenance), WHOLE)
    ring = np.zeros((40, 40), bool)
    ring[5:35, 5:35] = True
    ring[5 + WIDTH : 35 - WIDTH, 5 + WIDTH : 35 - WIDTH] = False
    assert np.array_equal(lines == provenance, ring)
    assert not lines[~ring].any()


def test_a_line_round_what_is_predicted_is_dashed():
    solid = lines_in(*scene(Provenance.ACCEPTED), WHOLE) > 0
    dashed = lines_in(*scene(Provenance.PREDICTED), WHOLE) > 0
    assert not (dashed & ~solid).any()
    assert 0.4 < dashed.sum() / solid.sum() < 0.8
    _, dashes = ndimage.label(dashed, np.ones((3, 3)))
    assert dashes >= 8


def test_objects_that_touch_have_a_line_each():
    labels, provenance = scene(Provenance.ACCEPTED)
    labels[:, 20:][labels[:, 20:] > 0] = 4
    provenance[labels == 4] = Provenance.CORRECTED
    lines = lines_in(labels, provenance, WHOLE)
    assert (lines[10:30, 19] == Provenance.ACCEPTED).all()
    assert (lines[10:30, 20] == Provenance.CORRECTED).all()


def test_a_verified_background_has_lines_only_where_objects_have_none():
    labels, provenance = scene(Provenance.CORRECTED)
    provenance[:, :10] = Provenance.ACCEPTED
    lines = lines_in(labels, provenance, WHOLE)
    around = (labels == 0) & (np.arange(40) < 10)
    assert np.count_nonzero(lines[:4][around[:4]]) == 4 * WIDTH
    assert (lines[:4, 8:10] == Provenance.ACCEPTED).all()
    assert not lines[10:30, :5].any()
    assert (lines[10:30, 5:7] == Provenance.ACCEPTED).all()


@given(st.data())
def test_a_part_is_the_part_of_all(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    labels = rng.integers(0, 3, (3, 9, 12)).repeat(3, 1).repeat(3, 2).astype(np.int32)
    provenance = rng.integers(0, 4, (3, 9, 12)).repeat(3, 1).repeat(3, 2)
    provenance = provenance.astype(np.uint8)
    start = [data.draw(st.integers(0, size - 1)) for size in labels.shape]
    stop = [
        data.draw(st.integers(a + 1, size))
        for a, size in zip(start, labels.shape, strict=True)
    ]
    box = Box(tuple(start), tuple(stop))
    before = lines_in(labels, provenance, Box.whole(labels.shape))
    assert np.array_equal(lines_in(labels, provenance, box), before[box.slices])

    labels[box.slices], provenance[box.slices] = 7, Provenance.CORRECTED
    after = lines_in(labels, provenance, Box.whole(labels.shape))
    changed = np.nonzero(before != after)
    inside = widened(box, labels.shape).slices
    assert all(
        ((axis >= part.start) & (axis < part.stop)).all()
        for axis, part in zip(changed, inside, strict=True)
    )
