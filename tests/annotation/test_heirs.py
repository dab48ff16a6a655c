"""An object that a person has finished in one plane is the same one in all others."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.annotation.heirs import Followed
from napari_unet.annotation.merge import merge_prediction
from napari_unet.annotation.provenance import Provenance
from tests.annotation.reference import kept_pixels, reference_merge

CORRECTED, PREDICTED = Provenance.CORRECTED, Provenance.PREDICTED
SHAPE = (4, 6, 8)


@st.composite
def stacks(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A volume with boxes for objects, painted in some planes, and as it is predicted.

    What is painted is what is predicted there, but for noise at the edges.
    """
    predicted = np.zeros(SHAPE, np.int32)
    for number, left in enumerate((0, 4), start=1):
        z = sorted(draw(st.tuples(*[st.integers(0, 3)] * 2)))
        y = sorted(draw(st.tuples(*[st.integers(0, 5)] * 2)))
        predicted[z[0] : z[1] + 1, y[0] : y[1] + 1, left : left + 3] = number
    painted = draw(st.lists(st.integers(0, 3), max_size=3, unique=True))
    labels, provenance = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, np.uint8)
    ids = draw(st.permutations([5, 7]))
    for plane in painted:
        labels[plane] = np.append(0, ids)[predicted[plane]]
        provenance[plane][labels[plane] > 0] = CORRECTED
    noise = draw(hnp.arrays(bool, SHAPE, elements=st.booleans(), fill=st.just(False)))
    return labels, provenance, np.where(noise & (labels > 0), 0, predicted)


@settings(max_examples=150, deadline=None)
@given(stacks())
def test_a_predicted_object_has_the_id_that_it_has_where_it_is_verified(stack):
    labels, provenance, predicted = stack
    merged = merge_prediction(*stack, 50).labels
    for number in (1, 2):
        body = predicted == number
        ids = {*np.unique(labels[body])} - {0}
        free = body & (provenance < CORRECTED)
        common = sum(
            2 * (body & (labels > 0))[z].sum() > (labels[z] > 0)[body[z]].sum()
            for z in range(SHAPE[0])
        )
        assume(len(ids) == 1 and common)
        whole = [z for z in range(SHAPE[0]) if body[z].any() and not labels[z].any()]
        (id_,) = ids
        assert {*np.unique(merged[whole][free[whole]])} <= {id_}


@settings(max_examples=150, deadline=None)
@given(stacks(), hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 3)))
def test_it_is_what_the_plain_rules_say_and_stays_so(stack, other):
    for predicted in (stack[2], other):
        labels, provenance, _ = stack
        merged = merge_prediction(labels, provenance, predicted, 50)
        expected, now, next_id = reference_merge(labels, provenance, predicted, 50)
        assert (merged.labels == expected).all()
        assert merged.next_id == next_id
        again = merge_prediction(merged.labels, now, predicted, next_id)
        assert (again.labels == merged.labels).all()
        assert again.next_id == next_id


@settings(max_examples=100, deadline=None)
@given(stacks(), hnp.arrays(np.int32, SHAPE, elements=st.integers(0, 3)))
def test_no_two_objects_get_one_id(stack, predicted):
    """Each id is of one predicted object at most, where nobody stands behind it."""
    labels, provenance, _ = stack
    merged = merge_prediction(labels, provenance, predicted, 50).labels
    free = ~kept_pixels(labels, provenance)
    pairs = {*zip(merged[free].tolist(), predicted[free].tolist(), strict=True)}
    ids = [id_ for id_, number in pairs if id_]
    assert len(ids) == len(set(ids))


def ball(z: slice, y: slice, x: slice, value: int = 1) -> np.ndarray:
    labels = np.zeros((5, 12, 12), np.int32)
    labels[z, y, x] = value
    return labels


def painted_in(plane: int, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    own = np.zeros_like(labels)
    own[plane] = labels[plane]
    return own, np.where(own > 0, CORRECTED, 0).astype(np.uint8)


def test_what_is_painted_in_one_plane_has_its_id_in_all_planes():
    whole = ball(np.s_[0:5], np.s_[2:8], np.s_[2:8])
    rough = ball(np.s_[0:5], np.s_[3:8], np.s_[2:9], 40)
    merged = merge_prediction(*painted_in(2, rough), whole, 50).labels
    assert (merged[[0, 1, 3, 4]] == 40 * whole[[0, 1, 3, 4]]).all()
    assert (merged[2] == rough[2]).all()


def test_two_that_are_verified_inside_one_predicted_object_stay_two():
    whole = ball(np.s_[0:5], np.s_[2:10], np.s_[2:10])
    two = ball(np.s_[2:3], np.s_[2:7], np.s_[2:10], 40)
    two += ball(np.s_[2:3], np.s_[7:10], np.s_[2:10], 41)
    merged = merge_prediction(*painted_in(2, two), whole, 50).labels
    assert (merged[2] == two[2]).all()
    # The model sees one in the other planes: that is the larger of both.
    assert {*np.unique(merged[[0, 1, 3, 4]])} == {0, 40}


def test_one_that_is_verified_is_one_of_two_predicted_objects():
    halves = ball(np.s_[0:5], np.s_[2:6], np.s_[2:10])
    halves += ball(np.s_[0:5], np.s_[6:11], np.s_[2:10], 2)
    one = ball(np.s_[2:3], np.s_[2:11], np.s_[2:10], 40)
    merged = merge_prediction(*painted_in(2, one), halves, 50).labels
    assert (merged[2] == one[2]).all()
    assert {*np.unique(merged[0])} == {0, 40, 50}
    assert (merged[0][halves[0] == 2] == 40).all()


def test_a_neighbour_that_is_only_touched_keeps_to_itself():
    whole = ball(np.s_[0:5], np.s_[2:8], np.s_[2:8])
    beside = ball(np.s_[2:3], np.s_[2:8], np.s_[7:12], 40)
    merged = merge_prediction(*painted_in(2, beside), whole, 50).labels
    assert {*np.unique(merged[whole > 0])} == {40, 50}
    assert (merged[whole > 0] == 50).sum() == (whole > 0).sum() - 6


def test_ids_that_follow_objects_are_asked_in_each_frame_alone():
    one = ball(np.s_[0:5], np.s_[2:8], np.s_[2:8])
    labels = np.stack([7 * one, np.zeros_like(one)])
    provenance = np.where(labels > 0, PREDICTED, 0).astype(np.uint8)
    provenance[0, 2][one[2] > 0] = CORRECTED
    labels[1, 2], provenance[1, 2] = 7 * one[2], CORRECTED * (one[2] > 0)
    predicted = np.stack([one, 2 * one])
    frames = Followed(0, frozenset({7}))
    merged = merge_prediction(labels, provenance, predicted, 50, frames=frames)
    assert (merged.labels == 7 * (predicted > 0)).all()
    alone = merge_prediction(labels, provenance, predicted, 50)
    assert {*np.unique(alone.labels)} == {0, 7, 50}
