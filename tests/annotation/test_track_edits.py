"""Who is who over time: swapped, joined, cut and divided, and taken back again."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import Change
from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.annotation.origins import Origin, parents_of
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.track_edits import Cut, Divide, GiveIds, Join, Swap
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line
from napari_unet.geometry.section import Section

FRAMES = 5
PLACES = (2, 8, 14)
"""Columns at which objects lie, in all frames."""


def series(*ids: tuple[int, ...]) -> Annotation:
    """Frames with an object of such an id in each place, predicted; 0 is none."""
    labels = np.zeros((len(ids), 6, 18), np.int32)
    for frame, own in enumerate(ids):
        for column, each in zip(PLACES, own, strict=False):
            labels[frame, 1:5, column - 1 : column + 3] = each
    annotation = Annotation(labels, (labels > 0).astype(np.uint8))
    annotation.time = 0
    return annotation


def ids(annotation: Annotation) -> list[tuple[int, ...]]:
    found = annotation.labels[:, 2, list(PLACES)]
    return [tuple(row) for row in found.tolist()]


def line(frame: int, *places: int) -> Line:
    vertices = [(float(frame), 2.0, float(PLACES[each])) for each in places]
    return Line(tuple(vertices), (1, 2))


def plane(frame: int) -> Section:
    return Section((frame, 0, 0), (1, 2), 0, 0)


def two(frames: int = 4) -> Annotation:
    return series(*[(1, 2, 0)] * frames)


def test_two_objects_exchange_their_ids_from_a_frame_on():
    annotation = two()
    annotation.do(Swap(line(2, 0, 1)))
    assert ids(annotation) == [(1, 2, 0), (1, 2, 0), (2, 1, 0), (2, 1, 0)]
    assert (annotation.provenance[annotation.labels > 0] == 1).all()
    annotation.undo()
    assert ids(annotation) == [(1, 2, 0)] * 4
    assert not annotation.origins
    annotation.redo()
    assert ids(annotation)[3] == (2, 1, 0)
    assert annotation.origins[1].stated


def test_an_object_goes_on_as_another_one_did():
    annotation = series((1, 0), (1, 0), (7, 0), (7, 0))
    annotation.do(Join(line(2, 0), 1))
    assert ids(annotation) == [(1, 0, 0)] * 4


def test_what_had_the_id_gets_a_new_one():
    annotation = series((1, 0), (1, 7), (1, 7))
    annotation.do(Join(line(1, 1), 1))
    assert ids(annotation) == [(1, 0, 0), (8, 1, 0), (8, 1, 0)]


def test_an_object_is_cut():
    annotation = two()
    annotation.do(Cut(plane(1), 2))
    assert ids(annotation) == [(1, 2, 0), (1, 3, 0), (1, 3, 0), (1, 3, 0)]
    assert annotation.origins[3] == Origin(0, stated=True)


def test_a_division_is_recorded_and_a_mother_ends_where_she_divides():
    annotation = series((1, 0), (1, 0), (1, 5), (1, 5))
    annotation.do(Divide(line(2, 0, 1), 1))
    assert ids(annotation) == [(1, 0, 0), (1, 0, 0), (6, 5, 0), (6, 5, 0)]
    assert parents_of(annotation.origins) == {5: 1, 6: 1}


def test_a_division_between_ids_that_are_right_changes_no_pixel_and_is_a_step():
    annotation = series((1, 0), (4, 5))
    told: list[Change] = []
    annotation.listener = told.append
    change = annotation.do(Divide(line(1, 0, 1), 1))
    assert change is not None
    assert not change.parts
    assert parents_of(annotation.origins) == {4: 1, 5: 1}
    assert annotation.do(Divide(line(1, 0, 1), 1)) is None
    annotation.undo()
    assert not parents_of(annotation.origins)
    annotation.redo()
    assert parents_of(annotation.origins) == {4: 1, 5: 1}


def test_daughters_are_found_by_the_ids_that_they_and_their_mother_get():
    annotation = series((1, 2), (1, 2), (4, 5), (4, 5))
    annotation.do(Divide(line(2, 0, 1), 1))
    annotation.do(Swap(line(1, 0, 1)))  # the mother is the other one, says somebody
    assert parents_of(annotation.origins) == {4: 2, 5: 2}
    annotation.do(Join(line(2, 0), 1))  # and this one is no daughter, but goes on
    assert parents_of(annotation.origins)[5] == 2


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Swap(line(1, 0)), "Draw from one object to another"),
        (Swap(line(1, 2)), "Draw from one object to another"),
        (Join(line(1, 2), 1), "no object here"),
        (Join(line(1, 0), 1), "object 1 already"),
        (Join(line(0, 0), 2), "in no frame before this one"),
        (Join(line(1, 0), 9), "in no frame before this one"),
        (Cut(plane(0), 1), "begins in this frame"),
        (Cut(plane(1), 9), "is not in this frame"),
        (Divide(line(0, 0, 1), 1), "in no frame before"),
        (Cut(Section((0, 0, 0), (0, 2), 1, 1), 1), "with time on a slider"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(edit, words):
    annotation = two()
    with pytest.raises(InputError, match=words):
        annotation.do(edit)
    assert ids(annotation) == [(1, 2, 0)] * 4
    assert not annotation.history.done


def test_where_no_axis_is_time_there_is_nobody_to_follow():
    annotation = two()
    annotation.time = None
    with pytest.raises(InputError, match="no time-lapse"):
        annotation.do(Cut(plane(1), 1))


def test_an_undo_gives_ids_back_to_what_a_model_has_found_since():
    """No crumbs of the earlier shapes, and none of the ids that were taken back."""
    annotation = two(3)
    annotation.do(Swap(line(1, 0, 1)))
    larger = np.zeros((3, 6, 18), np.int32)
    for number in range(3):
        larger[number, 0:5, 1:5], larger[number, 0:5, 7:11] = (
            2 * number + 1,
            2 * number + 2,
        )
    predict(annotation, larger)
    assert ids(annotation) == [(1, 2, 0), (2, 1, 0), (2, 1, 0)]
    annotation.undo()
    assert ids(annotation) == [(1, 2, 0)] * 3
    assert annotation.pixels_of(1) == annotation.pixels_of(2) == 3 * 20
    assert annotation.counts().objects == 2


def predict(annotation: Annotation, labels) -> None:
    whole = annotation.pixels.whole
    annotation.do(annotation.merging(labels, whole).merge()(whole))


def test_a_new_prediction_keeps_ids_that_follow_objects():
    annotation = series(*[(1, 2, 3)] * FRAMES)
    annotation.do(GiveIds({}, {}))
    anew = np.array(annotation.labels)
    for number, frame in enumerate(anew):
        frame[frame > 0] += 100 + 3 * number
    predict(annotation, anew)
    assert ids(annotation) == [(1, 2, 3)] * FRAMES


def test_ids_that_follow_nothing_are_those_of_whole_objects():
    annotation = series(*[(1, 2, 3)] * FRAMES)
    anew = np.array(annotation.labels)
    anew[0][anew[0] == 1] = 7  # one plane of it is another object now
    predict(annotation, anew)
    assert ids(annotation)[0] == (4, 2, 3)
    assert ids(annotation)[1] == (1, 2, 3)


def test_all_objects_get_ids_as_one_step_but_for_verified_ones():
    annotation = series((1, 2), (3, 4), (5, 6))
    annotation.do(AcceptView(Box((1, 0, 0), (2, 6, 6))))  # object 3
    moves = {1: {3: 1, 4: 2}, 2: {5: -1, 6: -2}}
    annotation.do(GiveIds(moves, {-1: 1, -2: 1}))
    # 3 stays as it is, and new ids are given in the order in which they are wanted.
    assert ids(annotation) == [(1, 2, 0), (3, 2, 0), (7, 8, 0)]
    assert parents_of(annotation.origins) == {7: 1, 8: 1}
    annotation.undo()
    assert ids(annotation) == [(1, 2, 0), (3, 4, 0), (5, 6, 0)]


def test_no_two_objects_of_a_frame_become_one():
    annotation = series((1, 2), (3, 1))  # somebody has painted 1 since
    annotation.do(GiveIds({1: {3: 1, 9: 2}}, {}))
    assert ids(annotation) == [(1, 2, 0), (3, 1, 0)]


def test_what_was_said_of_ids_stays_when_objects_are_followed_again():
    annotation = series((1, 0), (4, 5), (4, 5))
    annotation.do(Divide(line(1, 0, 1), 1))
    annotation.do(GiveIds({2: {4: 9}}, {9: 4}))
    assert ids(annotation)[2] == (4, 5, 0)
    assert annotation.origins[4] == Origin(1, stated=True)


frames = st.integers(0, FRAMES - 1)
places = st.integers(0, 2)
picked = st.integers(1, 8)
said = st.one_of(
    st.builds(lambda f, a, b: Swap(line(f, a, b)), frames, places, places),
    st.builds(lambda f, a, i: Join(line(f, a), i), frames, places, picked),
    st.builds(lambda f, i: Cut(plane(f), i), frames, picked),
    st.builds(
        lambda f, a, b, i: Divide(line(f, a, b), i), frames, places, places, picked
    ),
)
steps = st.lists(
    st.one_of(
        said, st.sampled_from(["undo", "redo"]), st.tuples(st.just("paint"), frames)
    ),
    max_size=12,
)
some_ids = st.lists(
    st.permutations([1, 2, 3, 0]).map(lambda p: tuple(p[:3])),
    min_size=FRAMES,
    max_size=FRAMES,
)


@given(some_ids, steps)
def test_only_ids_change_and_everything_can_be_taken_back_and_happens_again(rows, todo):
    annotation = series(*rows)
    first = annotation.snapshot()
    told: list[Change] = []
    annotation.listener = told.append
    for each in todo:
        before = annotation.snapshot()
        if each == "undo":
            annotation.undo()
        elif each == "redo":
            annotation.redo()
        elif isinstance(each, tuple):
            annotation.labels[each[1], 5, 17] = 9
            annotation.notice_change(annotation.pixels.whole)
            annotation.do(Settle())
        else:
            with suppress(InputError):
                change = annotation.do(each)
                assert change is None or change.kind == "track"
            _same_shapes(before.labels, annotation.labels)
        assert (annotation.labels == annotation.pixels.labels).all()
    again = Annotation(first.labels.copy(), first.provenance.copy())
    again.time = 0
    for change in told:
        again.repeat(change)
    assert (again.labels == annotation.labels).all()
    assert (again.provenance == annotation.provenance).all()
    assert again.origins == annotation.origins
    for one in (annotation, again):
        while one.undo() is not None:
            pass
        assert (one.labels == first.labels).all()
        assert (one.provenance == first.provenance).all()
        assert not one.origins


def _same_shapes(before, after) -> None:
    """Each object of a frame is one object afterwards, and no two are one."""
    assert ((before > 0) == (after > 0)).all()
    for was, now in zip(before, after, strict=True):
        pairs = {*zip(was.ravel().tolist(), now.ravel().tolist(), strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_verified_objects_stay_verified_under_another_id():
    annotation = two()
    annotation.do(AcceptView(Box((3, 0, 0), (4, 6, 18))))
    verified = annotation.provenance == Provenance.ACCEPTED
    annotation.do(Swap(line(2, 0, 1)))
    assert (annotation.provenance[verified] == Provenance.ACCEPTED).all()
    assert ids(annotation)[3] == (2, 1, 0)
