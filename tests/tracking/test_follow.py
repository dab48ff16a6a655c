"""Ids that follow objects: what moves, divides, is missing, comes and goes."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import disk, ellipsoid

import napari_unet as nu
from benchmarks.links import count_links
from napari_unet.core.events import FramesDone, Notice
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.io.samples import load_sample
from napari_unet.tracking import Track, TrackConfig, iter_track, track

Places = list[tuple[float, float, float]]


def frame_of(places: Places, size: int = 64) -> np.ndarray:
    """Draw discs (y, x, radius), numbered in this order."""
    frame = np.zeros((size, size), np.int32)
    for number, (y, x, radius) in enumerate(places, start=1):
        frame[disk((y, x), radius, shape=frame.shape)] = number
    return frame


def series(*frames: Places) -> np.ndarray:
    return np.stack([frame_of(places) for places in frames])


# Two that move by less than their size, one of them to where the other was.
MOVING = series(
    [(20, 14, 6), (20, 30, 6)],
    [(20, 20, 6), (20, 36, 6)],
    [(20, 26, 6), (20, 42, 6)],
)
# A mother becomes two that go to both sides; another one stays.
DIVIDING = series(
    [(30, 30, 7), (10, 10, 5)],
    [(30, 30, 7), (10, 10, 5)],
    [(30, 22, 5), (10, 10, 5), (30, 38, 5)],
    [(30, 19, 5), (10, 10, 5), (30, 41, 5)],
)


def test_an_id_goes_with_its_object() -> None:
    found, tracks = nu.track(MOVING, "TYX")
    np.testing.assert_array_equal(found, MOVING)
    assert found.dtype == np.int32
    assert tracks == (Track(1, 0, 2), Track(2, 0, 2))


@given(seed=st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_which_ids_there_were_makes_no_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = [np.append(0, rng.choice(10**6, 3, replace=False) + 1) for _ in DIVIDING]
    other = np.stack([own[frame] for own, frame in zip(ids, DIVIDING, strict=True)])
    before = other.copy()
    found, tracks = track(other, "TYX")
    np.testing.assert_array_equal(other, before)
    same = {(each.first, each.last, each.parent > 0) for each in tracks}
    assert same == {(0, 1, False), (0, 3, False), (2, 3, True)}
    assert sorted(each.id for each in tracks) == list(range(1, 5))
    assert set(np.unique(found)) == {0, 1, 2, 3, 4}
    again, _ = track(found, "TYX")
    assert count_links(found, again).right == count_links(found, found).right


def test_a_division_is_recorded() -> None:
    found, tracks = track(DIVIDING, "TYX")
    assert tracks == (
        Track(1, 0, 1),
        Track(2, 0, 3),
        Track(3, 2, 3, parent=1),
        Track(4, 2, 3, parent=1),
    )
    assert found[3, 30, 19] != found[3, 30, 41]
    _, whole = track(DIVIDING, "TYX", TrackConfig(divisions=False))
    assert not any(each.parent for each in whole)
    assert len(whole) == 3


def test_a_neighbour_that_appears_is_no_daughter() -> None:
    labels = series([(30, 30, 7)], [(30, 30, 7), (30, 43, 5)])
    _, tracks = track(labels, "TYX")
    assert tracks == (Track(1, 0, 1), Track(2, 1, 1))


def test_who_is_missing_in_a_frame_comes_back() -> None:
    labels = MOVING.copy()
    labels[1][labels[1] == 2] = 0
    found, tracks = track(labels, "TYX")
    np.testing.assert_array_equal(found, labels)
    assert tracks == (Track(1, 0, 2), Track(2, 0, 2))
    _, strict = track(labels, "TYX", TrackConfig(missing=0))
    assert strict == (Track(1, 0, 2), Track(2, 0, 0), Track(3, 2, 2))


def test_who_goes_too_far_is_another_one() -> None:
    labels = series([(10, 10, 4)], [(50, 50, 4)])
    _, tracks = track(labels, "TYX")
    assert tracks == (Track(1, 0, 0), Track(2, 1, 1))
    _, tracks = track(labels, "TYX", TrackConfig(farthest=8))
    assert tracks == (Track(1, 0, 1),)


# Two that touch, and are taken for one in the second frame.
TOUCHING = series(*([(30, 24, 7), (30, 37 + n, 7)] for n in range(4)))


def taken_for_one(*frames: int) -> np.ndarray:
    labels = TOUCHING.copy()
    for frame in frames:
        labels[frame][labels[frame] > 0] = 5
    return labels


def test_what_is_two_before_and_afterwards_is_cut() -> None:
    found, tracks = track(taken_for_one(1), "TYX")
    assert tracks == (Track(1, 0, 3), Track(2, 0, 3))
    assert ((found > 0) == (TOUCHING > 0)).all()
    assert (found == TOUCHING)[TOUCHING > 0].mean() > 0.98
    untouched = np.delete(np.arange(4), 1)
    assert (found[untouched] == TOUCHING[untouched]).all()
    told: list[object] = []
    drain(iter_track(taken_for_one(1), "TYX"), told.append)
    (note,) = (each.message for each in told if isinstance(each, Notice))
    assert "cut that are several before and afterwards, in frame 1 (from 0)" in note


@pytest.mark.parametrize(
    ("labels", "config", "whole"),
    [
        (taken_for_one(1), TrackConfig(cuts=False), ()),
        (taken_for_one(1), TrackConfig(), [{*()}, {5}, {*()}, {*()}]),
        (taken_for_one(1, 2), TrackConfig(), ()),  # for longer than one is missing
        (taken_for_one(2, 3), TrackConfig(), ()),  # nobody knows what it is afterwards
        (taken_for_one(0), TrackConfig(), ()),
        (DIVIDING, TrackConfig(), ()),
    ],
)
def test_other_outlines_stay(labels, config, whole) -> None:
    found, _ = drain(iter_track(labels, "TYX", config, whole=whole))
    for before, after in zip(labels, found, strict=True):
        pairs = {*zip(before.ravel().tolist(), after.ravel().tolist(), strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_what_is_one_for_some_frames_is_cut_in_all_of_them() -> None:
    found, tracks = track(taken_for_one(1, 2), "TYX", TrackConfig(missing=2))
    assert tracks == (Track(1, 0, 3), Track(2, 0, 3))
    assert (found == TOUCHING)[TOUCHING > 0].mean() > 0.95


def test_balls_are_cut_in_depth_by_how_far_sections_are_apart() -> None:
    ball = ellipsoid(3, 5, 5)
    labels = np.zeros((3, 20, 16, 16), np.int32)
    for number, z in enumerate((1, 8), start=1):
        z_end = z + ball.shape[0]
        labels[:, z:z_end, 1 : 1 + ball.shape[1], 1 : 1 + ball.shape[2]][:, ball] = (
            number
        )
    truth = labels.copy()
    labels[1][labels[1] > 0] = 1
    found, _ = track(labels, "TZYX", pixel_size={"Z": 2, "Y": 1, "X": 1})
    assert (found == truth).mean() > 0.99


def test_depth_and_its_spacing() -> None:
    ball = ellipsoid(2, 4, 4)
    labels = np.zeros((2, 12, 24, 24), np.int32)
    for frame, z in enumerate((0, 6)):
        labels[frame, z : z + ball.shape[0], 2 : 2 + ball.shape[1], 2:13][
            ball[: 12 - z]
        ] = 1
    assert len(track(labels, "TZYX")[1]) == 1
    assert len(track(labels, "TZYX", pixel_size={"Z": 5, "Y": 1, "X": 1})[1]) == 2
    turned = np.moveaxis(labels, 0, 1)
    found, _ = track(turned, "ZTYX")
    assert found.shape == turned.shape


def test_frames_without_objects() -> None:
    labels = np.concatenate([MOVING[:1], np.zeros_like(MOVING[:2]), MOVING[:1]])
    told: list[object] = []
    _, tracks = drain(iter_track(labels, "TYX"), told.append)
    (note,) = (each.message for each in told if isinstance(each, Notice))
    assert "no objects in frame 1 to 2 (from 0)" in note
    assert [each.first for each in tracks] == [0, 0, 3, 3]
    told.clear()
    _, tracks = drain(iter_track(labels, "TYX", TrackConfig(missing=2)), told.append)
    assert not [each for each in told if isinstance(each, Notice)]
    assert [each.last for each in tracks] == [3, 3]
    found, tracks = track(np.zeros((3, 8, 9), int), "TYX")
    assert tracks == ()
    assert not found.any()
    assert track(np.zeros((0, 8, 9), int), "TYX")[1] == ()


def test_progress_is_told_and_can_be_ended() -> None:
    steps = iter_track(DIVIDING, "TYX")
    told = [next(steps) for _ in range(4)]
    assert told == [FramesDone(n, 4) for n in range(1, 5)]
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)


def test_what_is_time() -> None:
    assert len(track(MOVING)[1]) == 2  # who asks for tracks has frames
    named = xarray.DataArray(MOVING, dims=("z", "y", "x"))
    with pytest.raises(InputError, match=r"found a z-stack \(ZYX\).* axes TYX"):
        track(named)
    with pytest.raises(InputError, match="found a z-stack"):
        track(MOVING, "ZYX")
    with pytest.raises(InputError, match=r"found a plane \(YX\)"):
        track(MOVING[0])
    with pytest.raises(InputError, match="fractions"):
        track(MOVING / 3, "TYX")


def test_without_laptrack_it_is_said_what_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr("napari_unet.tracking.follow.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"laptrack.*pip install .*\[tracking\]"):
        track(MOVING, "TYX")


def test_links_of_the_sample() -> None:
    truth = load_sample("timelapse")[0].labels
    assert truth is not None
    rng = np.random.default_rng(1)
    mixed = [np.append(0, 1 + rng.permutation(truth.max()))[frame] for frame in truth]
    found, tracks = track(np.stack(mixed), "TYX")
    links = count_links(truth, found)
    assert links.true == links.possible == 250
    assert links.right >= 0.95 * links.true
    assert links.right >= 0.95 * links.made
    assert sum(each.parent > 0 for each in tracks) == 8
