"""Maps that are right give back the objects that they were drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage as ndi

from napari_unet.geometry.ids import compact, count_pairs
from napari_unet.instances import by_reach
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.crumbs import (
    extrapolate_least_area,
    fit_least_area,
    join_crumbs,
)
from napari_unet.instances.joints import mend_joints
from napari_unet.scores.metrics import evaluate
from training.label_maps import IN_PIECES, KINDS, label_map, pieces_of

EVERY_PIXEL = ReachDecoding(min_size=1)

SIZES = {2: 56, 3: 24}

SEEDS = st.integers(0, 10**6)
DIMS = st.sampled_from([2, 3])


def again(labels: np.ndarray, decoding: ReachDecoding = EVERY_PIXEL) -> np.ndarray:
    return decoding.decode(decoding.draw(labels))


def assert_same_objects(found: np.ndarray, labels: np.ndarray) -> None:
    """Compare up to the numbers."""
    one, other, _ = count_pairs(found, compact(labels)[0])
    assert len(one) == len(np.unique(one)) == len(np.unique(other))
    np.testing.assert_array_equal(found > 0, labels > 0)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6)
@given(SEEDS, DIMS)
def test_objects_of_any_shape_come_back(kind: str, seed: int, dims: int) -> None:
    labels = mend_joints(label_map(kind, seed, dims, SIZES[dims]))
    assert_same_objects(again(labels), pieces_of(labels))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != IN_PIECES])
@settings(max_examples=3)
@given(SEEDS, DIMS)
def test_what_is_large_enough_comes_back(kind: str, seed: int, dims: int) -> None:
    labels = label_map(kind, seed, dims, SIZES[dims])
    areas = np.bincount(labels.ravel())
    least = fit_least_area(areas[1:])
    large = np.where(areas[labels] >= least, labels, 0)
    assert (
        evaluate(large, again(labels, ReachDecoding(min_size=least))).ap["0.90"] >= 0.99
    )


ANY = st.one_of(
    hnp.arrays(
        np.int32,
        hnp.array_shapes(min_dims=d, max_dims=d, max_side=side),
        elements=st.integers(0, most),
    )
    for d, side in ((2, 9), (3, 5))
    for most in (2, 5)
)


@settings(max_examples=200)
@given(ANY)
def test_whatever_hangs_together_comes_back(labels: np.ndarray) -> None:
    labels = pieces_of(labels)
    assert_same_objects(again(labels), labels)


@given(ANY, st.integers(1, 3))
def test_how_far_it_reaches_does_not_matter(labels: np.ndarray, farthest: int) -> None:
    labels = pieces_of(labels)
    assert_same_objects(
        again(labels, ReachDecoding(min_size=1, farthest=farthest)), labels
    )


def test_pieces_that_lie_apart_become_several() -> None:
    labels = np.zeros((5, 9), np.int32)
    labels[:, :3] = labels[:, 5:] = 7
    assert_same_objects(again(labels), pieces_of(labels))


@pytest.mark.parametrize("turned", [False, True])
def test_parts_joined_by_a_corner_gain_a_pixel_beside_it(turned: bool) -> None:
    labels = np.zeros((6, 6), np.int32)
    labels[:3, :3] = labels[3:, 3:] = 1
    labels = labels[::-1] if turned else labels
    found = again(labels)
    assert found.max() == 1
    assert np.count_nonzero(found != labels) == 1


def test_parts_joined_by_an_edge_of_voxels_too() -> None:
    labels = np.zeros((2, 6, 6), np.int32)
    labels[0, :3, :3] = labels[1, 3:, :3] = 1
    found = again(labels)
    assert found.max() == 1
    assert np.count_nonzero(found != labels) == 3


def test_crumbs_join_what_they_touch_most_or_go() -> None:
    labels = np.zeros((6, 12), np.int32)
    labels[:, :4], labels[:4, 4:8] = 1, 2
    labels[4, 4], labels[5, 11] = 3, 4
    expected = np.where(labels == 4, 0, np.where(labels == 3, 1, labels))
    assert_same_objects(again(labels, ReachDecoding(min_size=2)), expected)


def test_crumbs_of_one_object_become_that_object_again() -> None:
    """What is broken up is not lost because no part of it is large enough."""
    whole = np.zeros((12, 30), np.int32)
    whole[1:11, 1:11], whole[1:11, 15:25] = 1, 2
    y, x = np.indices(whole.shape)
    broken = np.where(whole == 1, 1 + (y - 1) // 4 + 3 * ((x - 1) // 4), 0)
    broken[whole == 2] = 20
    found = join_crumbs(broken.astype(np.int32), 60)
    assert_same_objects(found, whole)
    assert not join_crumbs(broken.astype(np.int32), 101).any()


@settings(max_examples=40)
@given(
    hnp.arrays(np.int32, (9, 11), elements=st.integers(0, 9)),
    st.integers(0, 40),
)
def test_nothing_is_smaller_after_crumbs_are_joined(labels, least) -> None:
    """Objects are only joined, and what is lost touches nothing."""
    found = join_crumbs(labels, least)
    areas = np.bincount(found.ravel())[1:]
    assert (areas >= max(1, least)).all()
    for number in np.unique(labels[labels > 0]):
        assert len(np.unique(found[labels == number])) == 1
    pieces, _ = ndi.label(labels > 0, np.ones((3, 3)))
    for number in np.unique(pieces[pieces > 0]):
        if np.count_nonzero(pieces == number) >= least:
            assert (found[pieces == number] > 0).any()


def test_few_objects_tell_how_small_others_may_be() -> None:
    alike = np.full(10, 1000)
    assert 20 < extrapolate_least_area(alike) < 25
    assert extrapolate_least_area(np.array([1000])) == extrapolate_least_area(alike)
    mixed = np.array([30, 100, 300, 1000, 3000])
    assert 1 <= extrapolate_least_area(mixed) < 10
    assert extrapolate_least_area(np.zeros(0, int)) == 1


def test_the_least_area_lets_slips_of_the_brush_go() -> None:
    areas = np.array([1, *[100] * 99, *[500] * 100])
    assert fit_least_area(areas) == 50
    assert fit_least_area(np.array([1, 1])) == 1
    assert fit_least_area(np.zeros(0, int)) == 1


@settings(max_examples=10)
@given(SEEDS, DIMS)
def test_maps_that_err_are_found_in_one_way(seed: int, dims: int) -> None:
    """Whether what is nowhere in doubt is divided or not, it stays one object."""
    rng = np.random.default_rng(seed)
    maps = EVERY_PIXEL.draw(label_map("polygons", seed, dims, SIZES[dims]))
    maps = (maps + rng.normal(0, 0.15, maps.shape)).clip(0, 1).astype(np.float32)
    found = EVERY_PIXEL.decode(maps)
    with pytest.MonkeyPatch.context() as patch:
        sure = by_reach._hold_walkers

        def never_sure(labels: np.ndarray, *rest: object) -> np.ndarray:
            return np.append(False, np.ones_like(sure(labels, *rest)[1:]))

        patch.setattr(by_reach, "_hold_walkers", never_sure)
        assert_same_objects(EVERY_PIXEL.decode(maps), found)


def test_decoding_can_be_stopped() -> None:
    maps = EVERY_PIXEL.draw(label_map("polygons", 0, 2, 600))
    assert len(list(EVERY_PIXEL.iter_decode(maps))) > 10
