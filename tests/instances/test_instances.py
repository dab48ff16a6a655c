from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra.numpy import arrays
from scipy import ndimage as ndi
from scipy.ndimage import label
from scipy.signal import find_peaks
from skimage.segmentation import watershed

from napari_unet.core.jobs import drain
from napari_unet.instances import peaks as peaks_module
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.crumbs import remove_small
from napari_unet.instances.distances import instance_targets
from napari_unet.instances.peaks import iter_flood, iter_prominent_peaks
from napari_unet.instances.planes import iter_link_planes
from napari_unet.scores.metrics import evaluate

DECODING = DistancesDecoding()


def prominent_peaks(height: np.ndarray, prominence: float) -> np.ndarray:
    return drain(iter_prominent_peaks(height, prominence))


def touching_disks(seed: int, radius: int, size: int = 96) -> np.ndarray:
    """Return a Voronoi-cut crowd of disks, which touch but are convex."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(radius, size - radius, (60, 2))
    kept: list[np.ndarray] = []
    for c in centres:
        if all(np.linalg.norm(c - k) > 1.5 * radius for k in kept):
            kept.append(c)
    grid = np.moveaxis(np.mgrid[:size, :size], 0, -1)
    distance = np.linalg.norm(grid[None] - np.array(kept)[:, None, None], axis=-1)
    nearest = distance.argmin(0) + 1
    return np.where(distance.min(0) <= radius, nearest, 0).astype(np.int32)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([4, 8, 16]))
def test_perfect_maps_give_the_objects_back(seed: int, radius: int) -> None:
    labels = touching_disks(seed, radius)
    decoded = DECODING.decode(instance_targets(labels))
    assert evaluate(labels, decoded).ap["0.75"] == 1


def test_nothing_gives_nothing() -> None:
    decoded = DECODING.decode(np.zeros((3, 16, 16), np.float32))
    assert decoded.dtype == np.int32
    assert not decoded.any()


def test_foreground_without_a_seed_is_one_object() -> None:
    maps = np.zeros((3, 32, 32), np.float32)
    maps[0, 8:16, 8:16] = 1
    assert DECODING.decode(maps).max() == 1


@given(st.permutations(range(1, 19)), st.integers(1, 8))
def test_peaks_are_those_of_scipy(order: list[int], rise: int) -> None:
    """Along a line, at whole levels, where both definitions say the same."""
    line = np.array([0, *order, 0]) / 20 + 0.001
    expected, _ = find_peaks(line, prominence=(rise + 1) / 20 - 1e-6)
    peaks = prominent_peaks(line[None].astype(np.float32), rise / 20)
    assert peaks.max() == len(expected)
    assert sorted(peaks[0, expected]) == list(range(1, len(expected) + 1))


def plain_peaks(height: np.ndarray, prominence: float) -> np.ndarray:
    """Return the same peaks, level by level over the whole array, as they are defined.

    Slow, and easy to believe.
    """
    peaks = np.zeros(height.shape, np.int32)
    for level in np.arange(20, 0, -1) / 20:
        regions, count = label(height >= level)
        for number in range(1, count + 1):
            region = regions == number
            tall = height[region].max() >= level + prominence
            if tall and not peaks[region].any():
                peaks[region] = peaks.max() + 1
    return peaks


@given(
    st.one_of(
        arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 2)),
        arrays(np.uint8, st.tuples(*[st.integers(1, 5)] * 3)),
    ),
    st.sampled_from([0.02, 0.05, 0.1, 0.15, 0.4]),
)
def test_peaks_are_what_their_definition_says(grey: np.ndarray, prominence: float):
    height = (grey / np.float32(250)).clip(0, 1).astype(np.float32)
    height[height < 0.2] = 0
    np.testing.assert_array_equal(
        prominent_peaks(height, prominence), plain_peaks(height, prominence)
    )


@given(
    arrays(np.int8, (9, 9), elements=st.integers(-2, 23)),
    st.sampled_from([0.05, 0.1, 0.3]),
    st.sampled_from([-1, 0, 1]),
)
def test_peaks_at_the_levels_themselves(steps: np.ndarray, prominence, side: int):
    """Just below, at and just above them; heights may leave 0 to 1 a little."""
    height = (steps / 20).astype(np.float32)
    height = np.nextafter(height, np.float32(side * 9)) if side else height
    np.testing.assert_array_equal(
        prominent_peaks(height, prominence), plain_peaks(height, prominence)
    )


@given(arrays(np.uint8, (9, 9)), st.integers(1, 2), st.integers(0, 2))
def test_peaks_do_not_depend_on_how_claims_spread(grey, dense: int, sparse: int):
    height = (grey / np.float32(255)).astype(np.float32)
    expected = prominent_peaks(height, 0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peaks_module, "_DENSE_ROUNDS", dense)
        patch.setattr(peaks_module, "_SPARSE_ROUNDS", sparse)
        found = prominent_peaks(height, 0.1)
    np.testing.assert_array_equal(found, expected)


def test_claims_go_a_long_way_round() -> None:
    """One slope along a path that turns at the ends of every second row."""
    order = np.zeros((31, 31))
    order[::2] = np.arange(16 * 32).reshape(16, 32)[:, 1:]
    order[2::4] = order[2::4, ::-1]
    order[1::4, -1] = order[::4, -1][: len(order[1::4])] + 0.5
    order[3::4, 0] = order[2::4, 0][: len(order[3::4])] + 0.5
    height = np.where(order > 0, 1 - order / 1000, 0).astype(np.float32)
    peaks = prominent_peaks(height, 0.1)
    assert peaks.max() == 1
    np.testing.assert_array_equal(peaks, plain_peaks(height, 0.1))


def test_what_is_no_number_is_no_peak() -> None:
    height = np.zeros((5, 9), np.float32)
    height[2, 2:7] = [0.9, np.nan, 0.8, np.nan, 0.9]
    assert prominent_peaks(height, 0.1).max() == 3


def test_a_ripple_is_no_second_object() -> None:
    labels = touching_disks(0, 16)
    maps = instance_targets(labels)
    ripple = np.random.default_rng(0).uniform(-0.05, 0.05, maps.shape)
    decoded = DECODING.decode((maps + ripple).astype(np.float32))
    assert evaluate(labels, decoded).ap["0.75"] == 1


def test_small_objects_go_and_ids_stay_consecutive() -> None:
    labels = np.array([[1, 1, 0, 2, 0, 3, 3]], np.int32)
    np.testing.assert_array_equal(remove_small(labels, 2), [[1, 1, 0, 0, 0, 2, 2]])


@pytest.mark.parametrize("shift", [1, 12])
def test_sections_are_linked_where_they_overlap(shift: int) -> None:
    planes = np.zeros((3, 32, 32), np.int32)
    for z in range(3):
        planes[z, 4 : 4 + 8, 1 + z * shift : 1 + z * shift + 8] = 1
    linked = drain(iter_link_planes(planes))
    assert len(np.unique(linked[linked > 0])) == (1 if shift == 1 else 3)


def test_linked_ids_are_unique_in_the_stack() -> None:
    planes = np.zeros((2, 8, 16), np.int32)
    planes[0, :, :6] = 1
    planes[1, :, 9:] = 1
    assert set(np.unique(drain(iter_link_planes(planes)))) == {0, 1, 2}


ROUGH = hnp.arrays(np.float32, (17, 23), elements=st.floats(0, 1, width=32))
PLATEAUS = hnp.arrays(np.float32, (17, 23), elements=st.sampled_from([0, 0.3, 0.6, 1]))
SEEDS = st.lists(st.tuples(st.integers(0, 16), st.integers(0, 22)), max_size=12)


def marked_places(foreground, seeds):
    marked = np.zeros(foreground.shape, np.int32)
    for number, place in enumerate(seeds, 1):
        marked[place] = number * foreground[place]
    return marked


def without_ties(height):
    """Return other heights in the same order, of which no two are alike."""
    ranks = np.argsort(np.argsort(height, axis=None, kind="stable"))
    return (ranks.reshape(height.shape) / (height.size - 1)).astype(np.float32)


@given(st.one_of(ROUGH, PLATEAUS).map(without_ties), st.floats(0, 1), SEEDS)
def test_flooding_piece_by_piece_is_the_watershed_of_the_whole(height, level, seeds):
    foreground = height >= level
    marked = marked_places(foreground, seeds)
    pieces, _ = ndi.label(foreground)
    alone = ~np.isin(pieces, pieces[marked > 0])
    whole = np.where(alone & foreground, pieces + marked.max(), marked)
    expected = watershed(-height, whole, mask=foreground)
    np.testing.assert_array_equal(
        drain(iter_flood(height, marked, foreground)), expected
    )


@given(PLATEAUS, SEEDS)
def test_a_plateau_is_divided_among_its_seeds_whoever_gets_the_middle(height, seeds):
    """Which of two that come at once is first depends on what else there is."""
    foreground = height >= 0.3
    marked = marked_places(foreground, seeds)
    labels = drain(iter_flood(height, marked, foreground))
    assert (labels[marked > 0] == marked[marked > 0]).all()
    assert ((labels > 0) == foreground).all()
    for each in set(labels[foreground].tolist()):
        assert ndi.label(labels == each)[1] == 1, "of one piece"
