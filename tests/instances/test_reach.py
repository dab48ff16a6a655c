"""The maps of reach, of planes and of crops, and outlines on a finer grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.geometry.maps import LabelMap
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.outlines import fit_outlines
from napari_unet.instances.reach import (
    OUTSIDE,
    Rays,
    reach_maps,
)


def planes(least: int = 0) -> st.SearchStrategy[LabelMap]:
    shapes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=9)
    return hnp.arrays(np.int32, shapes, elements=st.integers(least, 3))


def steps_ahead(line: np.ndarray, place: int) -> int | None:
    """Count pixel by pixel; None where the line ends, or leaves the image, before."""
    for steps, label in enumerate(line[place + 1 :]):
        if label == OUTSIDE:
            return None
        if label != line[place]:
            return steps
    return None


@given(planes(), st.integers(1, 4))
def test_reach_is_what_counting_gives(labels: LabelMap, farthest: int):
    maps = reach_maps(labels, farthest)
    np.testing.assert_array_equal(maps[0], labels > 0)
    for place in np.ndindex(labels.shape):
        for axis in range(labels.ndim):
            index = (*place[:axis], slice(None), *place[axis + 1 :])
            line = labels[index]
            back = steps_ahead(line[::-1], len(line) - 1 - place[axis])
            ahead = steps_ahead(line, place[axis])
            for number, steps in enumerate((back, ahead)):
                expected = farthest if steps is None else min(steps, farthest)
                found = maps[(1 + 2 * axis + number, *place)] * farthest
                assert round(float(found), 3) == (expected if labels[place] else 0)


@settings(deadline=None)
@given(planes(), st.integers(1, 4), st.data())
def test_a_crop_tells_what_it_knows(labels: LabelMap, farthest: int, data):
    start = [data.draw(st.integers(0, n - 1)) for n in labels.shape]
    stop = [
        data.draw(st.integers(a + 1, n))
        for a, n in zip(start, labels.shape, strict=True)
    ]
    crop = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    known = Rays(labels[crop], farthest).known().astype(bool)
    whole = reach_maps(labels, farthest)[(slice(None), *crop)]
    part = reach_maps(labels[crop], farthest)
    np.testing.assert_array_equal(part[known], whole[known])
    assert known[0].all()


@given(planes(), st.integers(1, 4))
def test_a_crop_that_shows_all_of_the_image_knows_all(labels: LabelMap, farthest: int):
    beyond = np.pad(labels, 1, constant_values=OUTSIDE)
    known = Rays(beyond, farthest).known()
    inside = (slice(None), *[slice(1, -1)] * labels.ndim)
    assert known[inside].all()
    maps = reach_maps(beyond, farthest)
    np.testing.assert_array_equal(maps[inside], reach_maps(labels, farthest))


def test_only_reaches_that_another_object_ends_count_more():
    line = np.array([[0, 1, 1, 1, 2, 2, 0, 3]], np.int32)
    back, ahead = Rays(line, 2).ends_at_object()[3:].astype(int)[:, 0]
    assert ahead.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert back.tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    maps, weights = ReachDecoding(farthest=2).draw_crop(line)
    assert maps.shape == weights.shape
    assert weights[4, 0, 3] > weights[4, 0, 1] > 0
    assert weights[0].max() == 1


def test_outlines_follow_a_finer_foreground():
    yy, xx = np.indices((40, 60))
    truth = np.where(xx < 30, 1, 2).astype(np.int32)
    truth[np.hypot(yy - 20, xx - 30) > 18] = 0
    jagged = truth[::4, ::4].repeat(4, 0).repeat(4, 1)
    fitted = fit_outlines(jagged, truth > 0, 4)
    np.testing.assert_array_equal(fitted > 0, truth > 0)
    assert np.mean(fitted != truth) < 0.05


def test_foreground_far_from_every_object_stays_without():
    labels = np.zeros((1, 9), np.int32)
    labels[0, 0] = 5
    fitted = fit_outlines(labels, np.ones((1, 9), bool), 2)
    assert fitted.tolist() == [[5, 5, 5, 0, 0, 0, 0, 0, 0]]
