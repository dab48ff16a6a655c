"""A prediction meets a snapshot."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.annotation.merge import merge_prediction
from napari_unet.annotation.provenance import Provenance
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from tests.annotation.reference import reference_merge

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance


def maps(high: int) -> st.SearchStrategy[np.ndarray]:
    return st.sampled_from([(5, 6), (2, 3, 4)]).flatmap(
        lambda shape: hnp.arrays(np.int32, shape, elements=st.integers(0, high))
    )


@st.composite
def triples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = draw(maps(4))
    provenance = draw(hnp.arrays(np.uint8, labels.shape, elements=st.integers(0, 3)))
    predicted = draw(hnp.arrays(np.int32, labels.shape, elements=st.integers(0, 4)))
    return labels, provenance, predicted


@settings(max_examples=150, deadline=None)
@given(triples())
def test_it_is_what_the_plain_rules_say(triple):
    merged = merge_prediction(*triple, 10)
    labels, provenance, next_id = reference_merge(*triple, 10)
    assert (merged.labels == labels).all()
    now = np.where(merged.kept, triple[1], PREDICTED)
    assert (now == provenance).all()
    assert merged.next_id == next_id


@settings(max_examples=100, deadline=None)
@given(triples())
def test_verified_pixels_are_kept_bit_for_bit(triple):
    copies = [array.copy() for array in triple]
    merged = merge_prediction(*triple, 10)
    labels, provenance, _ = triple
    verified = provenance >= ACCEPTED
    assert (merged.labels[verified] == labels[verified]).all()
    assert merged.kept[verified].all()
    assert all((a == b).all() for a, b in zip(triple, copies, strict=True))


@settings(max_examples=100, deadline=None)
@given(triples())
def test_ids_are_inherited_or_new(triple):
    merged = merge_prediction(*triple, 10)
    new = set(np.unique(merged.labels)) - set(np.unique(triple[0])) - {0}
    assert new == set(range(10, merged.next_id))
    assert merged.first_id == 10


def square(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    labels = np.zeros((20, 20), np.int32)
    for index, (top, bottom, left, right) in enumerate(boxes):
        labels[top:bottom, left:right] = index + 1
    return labels


ALL_PREDICTED = np.full((20, 20), PREDICTED, np.uint8)


@pytest.mark.parametrize(("shift", "kept"), [(1, True), (3, True), (4, False)])
def test_more_than_half_in_common_keeps_the_id(shift, kept):
    # 10 px tall: the IoU is 9/11, 7/13, 6/14.
    labels = 4 * square((2, 12, 2, 12))
    predicted = 7 * square((2 + shift, 12 + shift, 2, 12))
    merged = merge_prediction(labels, ALL_PREDICTED, predicted, 50)
    assert set(np.unique(merged.labels)) == {0, 4 if kept else 50}


@pytest.mark.parametrize(("rows", "stays"), [(4, True), (5, False), (6, False)])
def test_a_cut_object_stays_if_that_leaves_most_of_it(rows, stays):
    provenance = ALL_PREDICTED.copy()
    provenance[2 : 2 + rows] = ACCEPTED
    merged = merge_prediction(0 * square(), provenance, square((2, 12, 2, 12)), 50)
    assert merged.labels.any() == stays
    if stays:
        assert (merged.labels[2 + rows : 12, 2:12] == 50).all()


def test_nothing_is_cut_off_under_the_brush():
    labels = 4 * square((2, 12, 2, 12))
    provenance = ALL_PREDICTED.copy()
    provenance[2:4, 2:12] = CORRECTED
    predicted = square((3, 14, 2, 12), (15, 19, 2, 12))
    merged = merge_prediction(labels, provenance, predicted, 50)
    assert (merged.labels[labels == 4] == 4).all()
    assert set(np.unique(merged.labels)) == {0, 4, 50}
    assert (merged.labels[15:19, 2:12] == 50).all()


def test_running_the_model_does_not_delete_manual_objects():
    """Cellpose did: whatever a person had drawn was gone after the next run."""
    drawn = 4 * square((2, 12, 2, 12))
    provenance = np.where(drawn > 0, CORRECTED, UNSEEN).astype(np.uint8)
    for predicted in (0 * drawn, square((0, 20, 0, 20)), square((8, 16, 8, 16))):
        merged = merge_prediction(drawn, provenance, predicted, 5)
        assert ((merged.labels == 4) == (drawn == 4)).all()
        assert (merged.kept == (drawn == 4)).all()


def test_part_of_an_image():
    labels = 4 * square((2, 12, 2, 12))
    box = Box((1, 0), (20, 20))
    merged = merge_prediction(labels[1:], ALL_PREDICTED[1:], labels[1:], 5, box=box)
    assert merged.box == box
    assert merged.objects[()][4].box == Box((1, 2), (11, 12))
    assert merged.objects[()][4].pixels == 100


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(20, 20\).*\(20, 19\)"):
        merge_prediction(square(), ALL_PREDICTED, square()[:, 1:], 5)


@settings(max_examples=100, deadline=None)
@given(
    hnp.arrays(
        np.int32,
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5),
        elements=st.sampled_from([0, 1, 2, 7, 900, 10**6, 2**31 - 1, -1, -(2**31)]),
    )
)
def test_compact_ids_can_be_expanded(labels):
    dense, ids = compact(labels)
    assert dense.dtype == ids.dtype == np.int32
    assert (ids[dense] == labels).all()
    assert ids[0] == 0
    assert len(ids) == len(set(ids)) == len(set(labels.ravel()) | {0})


def test_two_thousand_objects_take_less_than_a_second():
    step = 45
    disk = np.hypot(*(np.mgrid[:step, :step] - step // 2)) < 20
    grid = np.arange(1, step**2 + 1, dtype=np.int32).reshape(step, step)
    labels = np.pad(np.kron(grid, disk), (0, 23))
    provenance = np.full(labels.shape, PREDICTED, np.uint8)
    provenance[:, :500] = ACCEPTED
    start = time.thread_time()
    merged = merge_prediction(labels, provenance, np.roll(labels, 4, 0), 10_000)
    assert time.thread_time() - start < 1
    assert len(merged.objects[()]) > 1000
