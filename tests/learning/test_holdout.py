from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.core.jobs import drain
from napari_unet.learning.validation import Holdout, iter_hold_out

GAP = 6


def hold_out(labels, verified, seed: int = 0) -> list[Holdout] | None:
    return drain(iter_hold_out(labels, verified, gap=GAP, seed=seed))


def grid_of_objects(n: int, size: int = 12, pitch: int = 20) -> np.ndarray:
    labels = np.zeros((n * pitch, n * pitch), np.int32)
    for i in range(n * n):
        y, x = divmod(i, n)
        labels[y * pitch : y * pitch + size, x * pitch : x * pitch + size] = i + 1
    return labels


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 8), st.integers(0, 1000))
def test_blocks_are_apart_by_the_gap(n: int, seed: int) -> None:
    labels = grid_of_objects(n)
    verified = np.ones(labels.shape, bool)
    split = hold_out([labels], [verified], seed)
    assert split is not None
    (holdout,) = split
    assert holdout.held.any()
    assert (holdout.train & (labels > 0)).any()
    held, train = np.argwhere(holdout.held), np.argwhere(holdout.train)
    nearest = min(np.abs(held - p).sum(1).min() for p in train[:: len(train) // 50 + 1])
    assert nearest > GAP


def test_only_verified_pixels_take_part() -> None:
    labels = grid_of_objects(4)
    verified = labels > 8
    split = hold_out([labels], [verified])
    assert split is not None
    assert not (split[0].train & ~verified).any()
    assert not (split[0].held & ~verified).any()


def test_whole_images_where_there_are_three() -> None:
    labels = [grid_of_objects(2) for _ in range(4)]
    verified = [np.ones(a.shape, bool) for a in labels]
    split = hold_out(labels, verified)
    assert split is not None
    assert sorted(h.held.all() for h in split) == [False, False, False, True]
    assert split[2].held.all()
    assert all(h.held.any() != h.train.any() for h in split)


def test_too_few_objects_hold_out_nothing() -> None:
    labels = grid_of_objects(2)
    verified = np.ones(labels.shape, bool)
    assert hold_out([labels], [verified]) is None


def test_a_single_block_holds_out_nothing() -> None:
    labels = [grid_of_objects(2, size=4, pitch=7)[:16, :16] for _ in range(2)]
    verified = [np.ones(a.shape, bool) for a in labels]
    assert hold_out(labels, verified) is None


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(16)), st.integers(0, 99), st.booleans())
def test_what_was_trained_is_never_held_out_later(
    order: list[int], seed: int, more_images: bool
) -> None:
    # Whoever began a round with what it made would be measured on what it knows.
    labels = grid_of_objects(4, size=16, pitch=32)
    trained = [np.zeros(labels.shape, bool) for _ in range(3)]
    for count in range(2, 17):
        known = np.isin(labels, [i + 1 for i in order[:count]])
        images = 1 + (count > 8) + (more_images and count > 12)
        split = hold_out([labels] * images, [known] * images, seed)
        for number, part in enumerate(split or []):
            assert not (part.held & trained[number]).any()
            trained[number] |= part.train
