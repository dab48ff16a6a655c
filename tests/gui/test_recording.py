"""An array that tells where it was written (no Qt)."""

from __future__ import annotations

import copy
import pickle
import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices, integer_array_indices

from napari_unet.geometry.box import Box
from napari_unet.gui.recording import RecordingArray, box_of_key


def recording(shape=(20, 30)):
    boxes: list[Box] = []
    array = RecordingArray.wrap(np.zeros(shape, np.int32))
    array.listener = boxes.append
    return array, boxes


MASK = np.zeros((20, 30), bool)
MASK[3:5, 7] = True


@pytest.mark.parametrize(
    ("key", "start", "stop"),
    [
        (np.s_[2:5, 3:9], (2, 3), (5, 9)),
        (np.s_[4], (4, 0), (5, 30)),
        (np.s_[-1, -2:], (19, 28), (20, 30)),
        (np.s_[..., 3], (0, 3), (20, 4)),
        (np.s_[...], (0, 0), (20, 30)),
        (np.s_[5:2:-1, ::2], (3, 0), (6, 30)),
        ((np.array([4, 2]), np.array([9, 1])), (2, 1), (5, 10)),
        ((np.array([-1, -3]), slice(None)), (17, 0), (20, 30)),
        ((np.array([-1, 0]), 2), (0, 2), (20, 3)),
        ([1, 3], (1, 0), (4, 30)),
        (np.int64(7), (7, 0), (8, 30)),
        (MASK, (3, 7), (5, 8)),
        ((slice(1, 9), MASK[3]), (1, 7), (9, 8)),
        ((Ellipsis, MASK[3]), (0, 7), (20, 8)),
        (MASK.tolist(), (3, 7), (5, 8)),
        (np.s_[None, 2], (0, 0), (20, 30)),
        (True, (0, 0), (20, 30)),
    ],
)
def test_every_kind_of_index_gives_its_box(key, start, stop):
    array, boxes = recording()
    array[key] = 1
    assert boxes == [Box(start, stop)]


@pytest.mark.parametrize(
    "key",
    [
        np.s_[3:3],
        np.s_[5:2],
        np.zeros((20, 30), bool),
        np.array([], int),
        np.s_[2:5:-1],
    ],
)
def test_writing_nothing_is_not_reported(key):
    array, boxes = recording()
    array[key] = 1
    assert boxes == []


def test_the_memory_has_changed_when_the_listener_is_called():
    array, _ = recording()
    seen: list[int] = []
    array.listener = lambda box: seen.append(int(np.asarray(array)[box.slices].sum()))
    array[2:4, 5:7] = 3
    assert seen == [12]


def test_a_refused_write_is_not_reported():
    array, boxes = recording()
    with pytest.raises(IndexError):
        array[40] = 1
    assert boxes == []


@pytest.mark.parametrize(
    "write",
    [
        lambda a: a.__iadd__(1),
        lambda a: np.add(a, 1, out=a),
        lambda a: np.add.at(a, (np.array([0]), np.array([0])), 1),
        lambda a: a.fill(3),
        lambda a: np.copyto(a, 3),
        lambda a: np.putmask(a, np.ones(a.shape, bool), 2),
        lambda a: np.place(a, np.ones(a.shape, bool), [2]),
    ],
)
def test_writing_without_an_index_reports_everything(write):
    array, boxes = recording()
    write(array)
    assert Box.whole(array.shape) in boxes
    assert array.any()


def test_in_place_arithmetic_keeps_the_same_array():
    array, boxes = recording()
    before = array
    array += 2
    assert array is before
    array[1, 1] = 0
    assert boxes[-1] == Box((1, 1), (2, 2))


@pytest.mark.parametrize(
    "derive",
    [
        lambda a: a[2:5],
        lambda a: a.T,
        lambda a: a.reshape(-1),
        lambda a: a.copy(),
        lambda a: a.astype(np.int64),
        lambda a: a + 1,
        lambda a: a == 0,
        lambda a: np.where(a == 0, a, 1),
        lambda a: np.asarray(a),
        lambda a: np.zeros_like(a),
        copy.copy,
        copy.deepcopy,
        lambda a: pickle.loads(pickle.dumps(a)),
        lambda a: pickle.loads(pickle.dumps(a, protocol=2)),
    ],
)
def test_nothing_derived_drags_the_listener_along(derive):
    array, boxes = recording()
    derived = derive(array)
    assert getattr(derived, "listener", None) is None
    derived[...] = 1
    assert boxes == []
    assert array.listener is not None


def test_results_and_pickles_are_plain_arrays():
    array, _ = recording()
    for derived in (array * 2, array == 0, pickle.loads(pickle.dumps(array))):
        assert type(derived) is np.ndarray
    assert array.max() == 0


def test_it_shares_the_memory_it_wraps():
    plain = np.zeros((4, 4), np.int32)
    array = RecordingArray.wrap(plain)
    array[1, 2] = 5
    assert plain[1, 2] == 5


@given(st.data())
def test_the_box_is_exact_for_basic_and_integer_indices(data):
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * 3))
    key = data.draw(
        st.one_of(
            basic_indices(shape, allow_newaxis=False),
            integer_array_indices(shape),
        )
    )
    written = np.zeros(shape, bool)
    written[key] = True
    box = box_of_key(key, shape)
    inside = np.zeros(shape, bool)
    inside[box.slices] = True
    assert not (written & ~inside).any()
    assert box.empty == (not written.any())


def test_recording_costs_next_to_nothing():
    array, boxes = recording((512, 512))
    plain = np.zeros((512, 512), np.int32)
    patch = np.ones((20, 20), np.int32)

    def cost(target):
        stamps = timeit.repeat(
            lambda: target.__setitem__(np.s_[5:25, 7:27], patch), number=200, repeat=5
        )
        return min(stamps) / 200

    assert cost(array) - cost(plain) < 100e-6
    assert boxes
