"""A prediction of a part of an image meets what was predicted before."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.merge import merge_classes, merge_prediction
from napari_unet.annotation.part import Part
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.rules import OBJECTS
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.box import Box

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance
SHAPE = (6, 7)


def labels(high: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.int32, SHAPE, elements=st.integers(0, high))


def parts() -> st.SearchStrategy[Part]:
    masks = hnp.arrays(bool, SHAPE)
    return st.builds(Part, masks, masks)


@settings(max_examples=150, deadline=None)
@given(labels(4), labels(4), parts())
def test_what_was_not_predicted_stays(old, new, part):
    provenance = np.full(SHAPE, PREDICTED, np.uint8)
    merged = merge_prediction(old, provenance, new, 10, part=part)
    assert (merged.labels[~part.known] == old[~part.known]).all()
    assert merged.kept[~part.known].all()
    assert not merged.kept[part.core].any()
    # Around the core, an old or new object is replaced as a whole, or not at all.
    around = part.around & ~part.core
    for found in (old, np.where(part.known, new, 0)):
        for each in set(found[around].tolist()) - {0}:
            body = around & (found == each)
            assert merged.kept[body].all() or not merged.kept[body].any()


@settings(max_examples=100, deadline=None)
@given(
    labels(4),
    labels(4),
    parts(),
    hnp.arrays(np.uint8, SHAPE, elements=st.integers(0, 3)),
)
def test_verified_pixels_are_kept_bit_for_bit(old, new, part, provenance):
    provenance = provenance % 4
    for merge in (merge_prediction, merge_classes):
        merged = merge(old, provenance, new, 10, part=part)
        verified = provenance >= ACCEPTED
        assert (merged.labels[verified] == old[verified]).all()
        assert merged.kept[verified].all()


def row(text: str) -> np.ndarray:
    """Return labels of one line: a digit for each pixel."""
    return np.array([[int(each) for each in text]], np.int32)


def part_of(text: str) -> Part:
    """Return the part that is predicted: = is the core, - lies around, . is not."""
    return Part(*(np.array([[each == sign for each in text]]) for sign in "=-"))


def merged(old: str, new: str, part: str) -> str:
    before = row(old)
    provenance = np.full(before.shape, PREDICTED, np.uint8)
    result = merge_prediction(before, provenance, row(new), 5, part=part_of(part))
    return "".join(map(str, result.labels[0]))


def test_an_object_that_was_cut_becomes_whole_when_its_neighbourhood_comes():
    assert merged("00111000", "00222220", "-----===") == "00111110"


def test_less_than_half_of_an_object_gives_way_to_the_whole():
    assert merged("00001000", "00002220", "-----===") == "00005550"


def test_what_does_not_reach_into_the_core_stays_though_it_was_cut_this_time():
    assert merged("11100220", "00100330", "..---===") == "11100220"


def test_what_an_object_of_the_core_overlaps_is_found_anew():
    assert merged("01111000", "02203300", "-----===") == "05506600"


def test_classes_are_replaced_in_the_core_alone():
    provenance = np.full((1, 6), UNSEEN, np.uint8)
    found = merge_classes(
        row("111111"), provenance, row("222222"), 1, part=part_of("..--==")
    )
    assert found.labels.tolist() == [[1, 1, 1, 1, 2, 2]]
    assert found.kept.tolist() == [[True] * 4 + [False] * 2]


def test_values_are_shown_in_the_core_alone():
    annotation = ValueAnnotation(np.zeros((1, 6), np.int32), 1)
    box = Box.whole((1, 6))
    for number, part in ((1.0, "====.."), (2.0, "..--==")):
        predicted = np.full((1, 1, 6), number, np.float32)
        edit = annotation.merging(predicted, box, part_of(part)).merge()
        annotation.do(edit(box))
    assert annotation.predicted is not None
    assert annotation.predicted[0, 0].tolist() == [1, 1, 1, 1, 2, 2]


def test_unseen_pixels_beside_it_stay_unseen():
    annotation = Annotation(np.zeros((1, 8), np.int32), rules=OBJECTS)
    box = Box.whole((1, 8))
    edit = annotation.merging(row("11022033"), box, part_of("..===...")).merge()
    annotation.do(edit(box))
    assert annotation.provenance.tolist() == [[0, 0, 1, 1, 1, 0, 0, 0]]
    assert np.array(annotation.labels).tolist() == [[0, 0, 0, 1, 1, 0, 0, 0]]
