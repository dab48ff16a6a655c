"""One rule for label maps of others: nothing is lost, wrapped or mixed up unsaid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import napari_unet as nu
from napari_unet.annotation.labels import (
    CLASS_NUMBERS,
    OBJECT_IDS,
    REAL_VALUES,
    LabelKind,
    are_masks,
    as_labels,
    as_mask,
    as_whole,
    only_value,
    tell,
)
from napari_unet.errors import InputError
from napari_unet.tasks.sample import Sample, with_plain_labels

LARGEST = 2**31 - 1
INTEGERS = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", ">u2", ">i4", "<u8"]
FLOATS = ["f2", "f4", "f8", ">f4"]
EDGES = [0, 0, 1, 2, 3, 127, 255, 256, 2047, LARGEST, 2**31, 2**32 + 1, 2**63 - 1]


@st.composite
def label_maps(draw: st.DrawFn, least: int = 2) -> np.ndarray:
    """Whole numbers of any type that can hold them, with `least` ids or more."""
    dtype = np.dtype(draw(st.sampled_from(INTEGERS + FLOATS)))
    if dtype.kind == "f":
        # All whole numbers up to here are exact.
        high = min(2 ** (np.finfo(dtype).nmant + 1), 2**62)
        low = -high
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    values = st.one_of(
        st.sampled_from([v for v in EDGES if v <= high]),
        st.integers(max(low, -3), min(high, 300)),
        st.sampled_from([low, high]),
    )
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=6))
    found = draw(st.lists(values, min_size=4, max_size=int(np.prod(shape))))
    array = np.resize(np.array(found, dtype), shape)
    array.flat[:least] = np.arange(1, least + 1)
    return array


def exact(array: np.ndarray) -> np.ndarray:
    """Return the numbers as Python's, which have no limits."""
    return np.array([int(x) for x in array.ravel()], object).reshape(array.shape)


def same_objects(array: np.ndarray, labels: np.ndarray) -> bool:
    """Whether the same pixels belong together, and the same to the background."""
    objects = array > 0
    if not np.array_equal(objects, labels > 0):
        return False
    pairs = set(zip(array[objects].tolist(), labels[objects].tolist(), strict=True))
    return len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@given(label_maps())
def test_objects_stay_apart_whatever_their_type_and_ids(array: np.ndarray) -> None:
    before = array.copy()
    found = as_labels(array)
    assert found.array.dtype == np.int32
    assert found.array.min() >= 0
    assert same_objects(array, found.array)
    assert np.array_equal(array, before)
    numbers = exact(array)
    fits = (numbers > 0) & (numbers <= LARGEST)
    assert (found.array[fits] == numbers[fits]).all()
    assert any("background" in note for note in found.notes) == (numbers < 0).any()
    assert any("smaller" in note for note in found.notes) == (numbers > LARGEST).any()
    if found.array.tolist() != numbers.tolist():
        assert found.notes


@given(label_maps())
def test_the_rule_changes_nothing_twice(array: np.ndarray) -> None:
    once = as_labels(array).array
    again = as_labels(once)
    assert np.array_equal(again.array, once)
    assert not again.notes
    assert not again.pieces


MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=3))


@given(MASKS, st.sampled_from(["?", "u1", "u2", "i4", "f4", "u8"]), st.integers(1, 255))
def test_a_mask_is_split_into_pieces_and_that_is_said(
    mask: np.ndarray, dtype: str, value: int
) -> None:
    found = as_labels((mask * value).astype(dtype))
    assert np.array_equal(found.array > 0, mask)
    pieces = len(set(found.array[mask].tolist()))
    assert found.pieces == (pieces if pieces > 1 else 0)
    words = " ".join(tell([("a.tif", found)]))
    assert ("connected piece" in words) == (pieces > 1)
    assert (f"{pieces} objects" in words) == (pieces > 1)
    # Neighbours belong together, over corners too.
    for shift in ((0, 1), (1, 0), (1, 1)):
        a = found.array[shift[0] :, shift[1] :]
        b = found.array[: a.shape[0], : a.shape[1]]
        near = (a > 0) & (b > 0)
        assert (a[near] == b[near]).all()


def test_one_object_of_any_id_in_one_piece_is_left_as_it_is() -> None:
    labels = np.zeros((6, 6), np.int32)
    labels[1:4, 1:4] = 7
    found = as_labels(labels)
    assert np.array_equal(found.array, labels)
    assert not tell([("", found)])


def test_pieces_connect_through_depth_but_not_through_time() -> None:
    mask = np.zeros((2, 4, 4), np.uint8)
    mask[:, 1, 1] = 255
    assert as_labels(mask, axes="ZYX").pieces == 0
    assert as_labels(mask, axes="TYX").pieces == 2


def test_images_of_a_data_set_tell_together_whether_they_are_masks() -> None:
    assert are_masks([255, 0, 255])
    assert are_masks([1, 255])
    assert not are_masks([255, only_value(np.array([1, 2]))])
    assert not are_masks([4, 5])
    assert not are_masks([0, 0])
    assert are_masks([255, 255], CLASS_NUMBERS)
    assert not are_masks([255, 1], CLASS_NUMBERS)


@pytest.mark.parametrize(
    ("labels", "phrase"),
    [
        (np.array([[0, 1.5]]), r"1.5 at \[0, 1\]"),
        (np.array([[np.nan, 1]]), r"nan at \[0, 0\]"),
        (np.array([[1, np.inf]], np.float32), r"inf at \[0, 1\]"),
        (np.array([[1 + 2j]]), "complex128"),
        (np.array([["cell"]]), "whole numbers"),
        ("labels.tif", "whole numbers"),
        (np.array([[{}]], object), "object"),
        (np.ma.masked_equal([[1, 2]], 2), "filled"),
        ([[1], [1, 2]], "numpy"),
    ],
)
@pytest.mark.parametrize("kind", [OBJECT_IDS, CLASS_NUMBERS])
def test_what_is_no_label_map_is_refused_with_its_place(
    labels: Any, phrase: str, kind: LabelKind
) -> None:
    with pytest.raises(InputError, match=phrase):
        as_labels(labels, kind)
    if kind is OBJECT_IDS:
        with pytest.raises(InputError, match=phrase):
            nu.evaluate(np.zeros((1, 2), int), labels)


def test_ids_that_a_float_cannot_tell_apart_are_told() -> None:
    assert not as_labels(np.array([[1, 2**24]], np.float32)).notes
    assert "not exact" in as_labels(np.array([[1, 2**24 + 2]], np.float32)).notes[0]


@given(label_maps())
def test_classes_are_never_wrapped_nor_renumbered(array: np.ndarray) -> None:
    numbers = exact(array)
    if numbers.max() > LARGEST or numbers.min() < -LARGEST:
        with pytest.raises(InputError, match="class numbers from 0"):
            as_labels(array, CLASS_NUMBERS)
    else:
        found = as_labels(array, CLASS_NUMBERS)
        assert found.array.dtype == np.int32
        assert found.array.tolist() == numbers.tolist()
        assert not found.notes


def test_a_mask_of_0_and_255_as_classes_has_class_1_and_says_so() -> None:
    found = as_labels(np.array([[0, 255]], np.uint8), CLASS_NUMBERS)
    assert found.array.tolist() == [[0, 1]]
    assert "class 1" in found.notes[0]
    unknown = np.array([[0, 1, 255]])
    assert as_labels(unknown, CLASS_NUMBERS).array.tolist() == unknown.tolist()
    negative = np.array([[-1, 0, 255]])
    assert as_labels(negative, CLASS_NUMBERS).array.tolist() == negative.tolist()
    truth = as_labels(np.array([[False, True]]), CLASS_NUMBERS)
    assert (truth.array.tolist(), truth.notes) == ([[0, 1]], ())


def test_values_to_be_regressed_are_left_alone() -> None:
    values = np.array([[0.5, np.nan]], np.float32)
    assert as_labels(values, REAL_VALUES).array is values


@pytest.mark.parametrize("dtype", ["?", "u1", "i4", "f4", "u8"])
def test_a_mask_of_what_is_verified(dtype: str) -> None:
    given_mask = np.array([[0, 1, 1]]).astype(dtype)
    found = as_mask(given_mask)
    assert found.array.tolist() == [[False, True, True]]
    assert not found.notes
    assert as_mask(np.array([[-1, 0, 255]])).notes
    with pytest.raises(InputError, match="fractions"):
        as_mask(np.array([[0.5]]))


def test_samples_are_judged_together_and_named() -> None:
    image = np.zeros((2, 5), np.uint8)
    mask = np.array([[255, 0, 255, 0, 0]] * 2, np.uint8)
    several = np.array([[1, 0, 2, 0, 0]] * 2)
    plain, notes = with_plain_labels([Sample(image, mask)] * 2, OBJECT_IDS)
    assert [sample.labels.max() for sample in plain] == [2, 2]
    assert notes == [notes[0]]
    assert "4 objects" in notes[0]
    plain, notes = with_plain_labels(
        [Sample(image, mask), Sample(image, several, verified=np.ones((2, 5)))],
        OBJECT_IDS,
    )
    assert plain[0].labels.max() == 255
    assert plain[1].verified is not None
    assert plain[1].verified.dtype == bool
    assert not notes
    with pytest.raises(InputError, match="sample 2"):
        with_plain_labels(
            [Sample(image, several), Sample(image, mask / 2)], CLASS_NUMBERS
        )


def test_evaluate_splits_masks_and_warns(caplog) -> None:
    truth = np.array([[1, 0, 2, 0, 3]])
    assert nu.evaluate(truth, truth > 0).tp == 3
    assert "labels: split into 3 objects" in caplog.text
    scores = nu.evaluate(np.where(truth > 0, truth, -1), truth.astype(float))
    assert "truth: negative ids" in caplog.text
    assert (scores.tp, scores.fp, scores.fn, scores.dice) == (3, 0, 0, 1)


def test_ids_that_are_known_to_be_ids_are_never_split() -> None:
    two_parts = np.array([[1, 0, 1]])
    assert as_whole(two_parts).tolist() == two_parts.tolist()
