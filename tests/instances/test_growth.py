"""An object that grows from a pixel: where it may be, and how its sizes lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.growth import REACH, grown, iter_growth
from napari_unet.instances.seen import part_of

FULL = np.ones((3, 3), bool)
DECODING = ReachDecoding()


@st.composite
def scenes(draw: st.DrawFn):
    """Clouds of foreground, other objects among them, and a free pixel."""
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    clouds = ndimage.gaussian_filter(
        rng.random(shape), draw(st.sampled_from([0, 1, 2]))
    )
    clouds = (clouds - clouds.min()) / max(np.ptp(clouds), 1e-9)
    free = ndimage.gaussian_filter(rng.random(shape), 1) > draw(
        st.sampled_from([0, 0.5])
    )
    at = tuple(draw(st.integers(0, n - 1)) for n in shape)
    free[at] = True
    return clouds.astype(np.float32), free, at, draw(st.floats(1, 30))


@given(scenes(), st.lists(st.floats(0.001, 0.999), min_size=2, max_size=2))
def test_it_holds_its_pixel_hangs_together_and_leaves_others_alone(scene, levels):
    foreground, free, at, diameter = scene
    growth = grown(foreground, at, free, free, diameter, 0.5)
    small, large = (growth.mask(level) for level in sorted(levels, reverse=True))
    for mask in (small, large):
        assert mask[at]
        assert ndimage.label(mask, FULL)[1] == 1
        assert not (mask & ~free).any()
    assert not (small & ~large).any()
    # Nothing is beyond its reach but what is enclosed by what is not.
    rows, columns = np.nonzero(large)
    far = np.hypot(rows - at[0], columns - at[1])
    assert far.max() <= REACH * diameter or far.max() == 0


@given(scenes(), st.floats(0.05, 0.95), st.booleans())
def test_the_next_size_differs_and_there_is_an_end(scene, level, larger):
    foreground, free, at, diameter = scene
    growth = grown(foreground, at, free, free, diameter, 0.5)
    sizes = [np.count_nonzero(growth.mask(level))]
    for _ in range(200):
        following = growth.next_level(level, larger=larger)
        if following == level:
            break
        assert (following < level) is larger
        level = following
        sizes.append(np.count_nonzero(growth.mask(level)))
    else:
        pytest.fail("it has no end")
    assert sizes == sorted(set(sizes), reverse=not larger)


def seen(labels: np.ndarray, strength: float):
    """What a network says that sees objects, but is not sure of them."""
    maps = DECODING.draw(labels)
    maps[0] *= strength
    return part_of(maps, labels.shape, Box.whole(labels.shape), DECODING)


@pytest.mark.parametrize("strength", [1.0, 0.3, 0.05])
def test_what_is_seen_faintly_is_found_as_a_whole(strength):
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 10:30] = 1
    labels[10:30, 30:50] = 2
    free = np.ones(labels.shape, bool)
    growth = drain(iter_growth(seen(labels, strength), (15, 15), free, 20.0))
    assert (growth.mask(growth.first) == (labels == 1)).all()


def test_where_nothing_is_seen_nothing_grows():
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 10:30] = 1
    free = np.ones(labels.shape, bool)
    assert drain(iter_growth(seen(labels, 1.0), (20, 50), free, 20.0)) is None
    assert drain(iter_growth(seen(labels, 0.01), (20, 20), free, 20.0)) is None


@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.7])
def test_a_part_says_what_the_plane_says(zoom):
    rng = np.random.default_rng(0)
    shape = (31, 47)
    sizes = tuple(round(n * zoom) for n in shape)
    plane = ndimage.gaussian_filter(rng.random((5, *sizes)), (0, 2, 2)).astype("f4")
    whole = part_of(plane, shape, Box.whole(shape), DECODING).foreground()
    assert whole.shape == shape
    if zoom == 1:
        np.testing.assert_allclose(whole, plane[0], rtol=1e-6)
    for box in (Box((0, 0), (5, 9)), Box((7, 30), (31, 47)), Box((9, 9), (10, 10))):
        part = part_of(plane, shape, box, DECODING)
        np.testing.assert_allclose(part.foreground(), whole[box.slices], atol=1e-6)
        assert drain(part.iter_pieces(0.3)).shape == box.shape
