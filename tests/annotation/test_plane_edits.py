"""Objects are carried from plane to plane, and filled in between."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.between import iter_between
from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.annotation.plane_edits import CopyToNext, CopyToPrevious, Interpolate
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.section import Section

SHAPE = (2, 5, 16, 18)
T, Z = 0, 1


def at(*plane: int, along: int = Z) -> Section:
    return Section((*plane, 0, 0), (2, 3), along, Z)


def series(shape=SHAPE) -> Annotation:
    return Annotation(np.zeros(shape, np.int32))


def drawn(plane=(0, 1), rows=slice(4, 10), columns=slice(4, 10), annotation=None):
    """An object 3 that a person has finished in one plane."""
    annotation = annotation or series()
    paint(annotation, np.s_[*plane, rows, columns], 3)
    return annotation


def paint(annotation: Annotation, where, label: int) -> None:
    annotation.labels[where] = label
    annotation.notice_change(annotation.pixels.whole)
    annotation.do(Settle())


def predict(annotation: Annotation, where, label: int) -> None:
    """Put in what a model says, as if it had always been there."""
    labels = np.array(annotation.labels)
    labels[where] = label
    provenance = annotation.provenance.copy()
    provenance[where] = Provenance.PREDICTED
    annotation.__init__(labels, provenance, next_id=annotation.next_id)


def state(annotation: Annotation) -> list[bytes]:
    return [annotation.labels.tobytes(), annotation.provenance.tobytes()]


def planes_of(annotation: Annotation, label: int) -> list[tuple[int, ...]]:
    shape = annotation.labels.shape[:-2]
    return [at for at in np.ndindex(shape) if (annotation.labels[at] == label).any()]


@pytest.mark.parametrize(
    ("kind", "along", "there"),
    [
        (CopyToNext, Z, (0, 2)),
        (CopyToPrevious, Z, (0, 0)),
        (CopyToNext, T, (1, 1)),
    ],
)
def test_the_picked_object_goes_to_the_plane_beside_as_corrected(kind, along, there):
    annotation = drawn()
    before = state(annotation)
    edit = kind(at(0, 1, along=along), 3)
    change = annotation.do(edit)
    assert change.kind == "edit"
    assert edit.shows().at[:2] == there
    assert planes_of(annotation, 3) == sorted([(0, 1), there])
    here = annotation.labels[0, 1] == 3
    assert ((annotation.labels[there] == 3) == here).all()
    assert (annotation.provenance[there][here] == Provenance.CORRECTED).all()
    annotation.do(Settle())
    assert annotation.counts().verified_objects == 1
    after = state(annotation)
    annotation.undo()
    assert state(annotation) == before
    annotation.redo()
    assert state(annotation) == after


def test_pressed_again_it_goes_on_to_the_end():
    annotation, section = drawn((0, 0)), at(0, 0)
    for _ in range(4):
        edit = CopyToNext(section, 3)
        assert annotation.do(edit)
        annotation.do(Settle())
        section = edit.shows()
    assert len(planes_of(annotation, 3)) == 5
    with pytest.raises(InputError, match="no plane or frame beyond"):
        annotation.do(CopyToNext(section, 3))
    with pytest.raises(InputError, match="no plane or frame beyond"):
        annotation.do(CopyToPrevious(at(0, 0), 3))


def test_with_the_background_picked_all_verified_objects_go():
    annotation = drawn()
    paint(annotation, np.s_[0, 1, 12:15, 12:15], 4)
    predict(annotation, np.s_[0, 1, 0:2, 14:17], 8)
    annotation.do(CopyToNext(at(0, 1), 0))
    expected = np.where(annotation.labels[0, 1] == 8, 0, annotation.labels[0, 1])
    assert (annotation.labels[0, 2] == expected).all()
    with pytest.raises(InputError, match="none here"):
        annotation.do(CopyToNext(at(0, 3), 0))
    # A label that is no object, as of a brush that has painted nothing yet.
    annotation.undo()
    annotation.do(CopyToNext(at(0, 1), 77))
    assert (annotation.labels[0, 2] == expected).all()


def test_an_object_of_other_planes_is_not_copied_by_accident():
    annotation = drawn()
    before = state(annotation)
    with pytest.raises(InputError, match="Object 3 is not in this plane"):
        annotation.do(CopyToNext(at(0, 3), 3))
    assert state(annotation) == before


def test_what_the_model_saw_of_the_same_object_gives_way_and_neighbours_stay():
    annotation = drawn()
    predict(annotation, np.s_[0, 2, 5:12, 5:11], 20)  # the same one, larger
    predict(annotation, np.s_[0, 2, 2:9, 9:16], 21)  # touches it
    annotation.do(CopyToNext(at(0, 1), 3))
    now = annotation.labels[0, 2]
    assert set(now.flat) == {0, 3, 21}
    assert np.count_nonzero(now == 21) == 49
    assert (now[4:10, 4:9] == 3).all()
    assert (annotation.provenance[0, 2][10:12, 5:11] == Provenance.CORRECTED).all()


def test_an_own_shape_that_was_predicted_is_replaced_and_what_agrees_is_right():
    annotation = drawn()
    predict(annotation, np.s_[0, 2, 7:14, 4:10], 3)
    annotation.do(CopyToNext(at(0, 1), 3))
    body = annotation.labels[0, 2] == 3
    assert (body == (annotation.labels[0, 1] == 3)).all()
    assert is_verified(annotation.provenance[0, 2])[body].all()
    predict(annotation, np.s_[0, 3, 4:10, 4:10], 3)
    annotation.do(CopyToNext(at(0, 2), 3))
    assert (annotation.provenance[0, 3][body] == Provenance.ACCEPTED).all()
    annotation.undo()
    assert (annotation.provenance[0, 3][body] == Provenance.PREDICTED).all()


@pytest.mark.parametrize("what", ["background", "another", "itself"])
def test_what_is_verified_there_stays(what):
    annotation = drawn()
    if what == "background":
        annotation.do(AcceptView(Box((0, 2, 0, 0), (1, 3, 16, 18))))
    elif what == "another":
        paint(annotation, np.s_[0, 2, 4:10, 6:12], 9)
    else:
        paint(annotation, np.s_[0, 2, 8:12, 4:10], 3)
    before = state(annotation)
    assert annotation.do(CopyToNext(at(0, 1), 3)) is None
    assert state(annotation) == before


@pytest.mark.parametrize(("start", "copied"), [(12, 6), (11, 5), (10, 4), (9, 0)])
def test_more_than_half_has_to_be_free_and_the_rest_is_left_out(start, copied):
    annotation = drawn()
    # Two pixels of background around it are verified, too.
    paint(annotation, np.s_[0, 2, :14, start:16], 9)
    annotation.do(CopyToNext(at(0, 1), 3))
    row = annotation.labels[0, 2, 6]
    assert np.flatnonzero(row == 3).tolist() == list(range(4, 4 + copied))
    assert (row[start:16] == 9).all()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_planes_may_lie_along_any_axis(place):
    """The view may be turned: then planes are other ones."""
    stack = np.zeros((6, 16, 18), np.int32)
    stack[2, 4:9, 5:11] = 3
    labels = np.moveaxis(stack, 0, place).copy()
    annotation = Annotation(labels, np.full(labels.shape, 1, np.uint8))
    where = [0, 0, 0]
    where[place] = 2
    axes = tuple(axis for axis in range(3) if axis != place)
    annotation.do(CopyToNext(Section(tuple(where), axes, place, place), 3))
    expected = stack.copy()
    expected[3] = expected[2]
    assert (np.moveaxis(annotation.labels, place, 0) == expected).all()


def test_gaps_between_painted_planes_are_filled_as_one_stroke():
    annotation = series((7, 20, 20))
    for z, size in ((0, 3), (2, 5), (6, 7)):
        paint(annotation, np.s_[z, 10 - size : 10 + size, 10 - size : 10 + size], 3)
    before = state(annotation)
    section = Section((2, 0, 0), (1, 2), 0, 0)
    change = annotation.do(Interpolate(section, 3))
    assert change.kind == "edit"
    areas = [np.count_nonzero(plane == 3) for plane in annotation.labels]
    assert areas == sorted(areas)
    assert areas[1] == 64
    filled = np.array(annotation.labels)[[1, 3, 4, 5]] == 3
    corrected = annotation.provenance[[1, 3, 4, 5]] == Provenance.CORRECTED
    assert (filled == corrected).all()
    annotation.do(Settle())
    assert annotation.counts().verified_objects == 1
    annotation.undo()
    assert state(annotation) == before
    annotation.redo()
    assert annotation.do(Interpolate(section, 3)) is None


def test_between_frames_of_a_stack_the_depth_is_filled():
    annotation = drawn((1, 0))
    drawn((1, 4), annotation=annotation)
    drawn((0, 2), annotation=annotation)
    annotation.do(Interpolate(at(1, 2, along=T), 3))
    assert planes_of(annotation, 3) == [(0, 2), *((1, z) for z in range(5))]


def test_filling_spares_what_is_verified_and_other_objects():
    annotation = drawn((0, 0))
    drawn((0, 4), annotation=annotation)
    annotation.do(AcceptView(Box((0, 1, 0, 0), (1, 2, 16, 18))))
    paint(annotation, np.s_[0, 2, 4:10, 4:10], 9)
    predict(annotation, np.s_[0, 3, 3:10, 8:18], 20)
    kept = is_verified(annotation.provenance).copy()
    before = np.array(annotation.labels)
    annotation.do(Interpolate(at(0, 0), 3))
    after = annotation.labels
    assert (after[kept] == before[kept]).all()
    assert (after[0, 3, 3:10, 8:18] == 20).all()
    assert (after[0, 3, 4:10, 4:8] == 3).all()
    assert planes_of(annotation, 3) == [(0, 0), (0, 3), (0, 4)]


def test_nothing_is_filled_without_an_object_or_a_gap():
    annotation = drawn()
    assert "Choose an object" in Interpolate(at(0, 1), 0).misses()
    assert not Interpolate(at(0, 1), 3).misses()
    assert annotation.do(Interpolate(at(0, 1), 3)) is None
    for picked, plane in ((5, (0, 1)), (3, (1, 0))):
        with pytest.raises(InputError, match=f"Object {picked} is not in this stack"):
            annotation.do(Interpolate(at(*plane), picked))


def test_what_was_done_happens_again_after_a_restart():
    annotation = drawn()
    labels, provenance = np.array(annotation.labels), annotation.provenance.copy()
    told = []
    annotation.listener = told.append
    annotation.do(CopyToNext(at(0, 1), 3))
    annotation.do(Settle())
    drawn((0, 4), annotation=annotation)
    annotation.do(Interpolate(at(0, 1), 3))
    again = Annotation(labels, provenance)
    for change in told:
        again.repeat(change)
    assert state(again) == state(annotation)
    assert again.open_objects == annotation.open_objects
    # Where it was touched is known, too.
    for each in (again, annotation):
        each.do(Settle())
    assert state(again) == state(annotation)


@st.composite
def shapes(draw: st.DrawFn) -> np.ndarray:
    """Masks of one plane, of one piece or more, none of them empty."""
    seed = draw(hnp.arrays(bool, (9, 11)))
    seed[draw(st.integers(0, 8)), draw(st.integers(0, 10))] = True
    padded = np.pad(seed, 2)
    return padded | (ndimage.binary_closing(padded) & draw(st.booleans()))


@given(shapes(), shapes(), st.integers(1, 5))
def test_backwards_the_same_shapes_come_in_the_other_order(first, last, count):
    forth = list(iter_between(first, last, count))
    back = list(iter_between(last, first, count))
    assert len(forth) == count
    assert all((a == b).all() for a, b in zip(forth, back[::-1], strict=True))


@given(shapes(), st.integers(1, 4), st.integers(-2, 2), st.integers(-2, 2))
def test_a_shape_that_only_moves_stays_what_it_is(shape, count, down, right):
    wide = np.pad(shape, 10)
    parts = count + 1
    moved = np.roll(wide, (parts * down, parts * right), (0, 1))
    for step, between in enumerate(iter_between(wide, moved, count), 1):
        assert (between == np.roll(wide, (step * down, step * right), (0, 1))).all()


@given(shapes(), shapes(), st.integers(1, 4))
def test_what_is_between_grows_from_the_one_to_the_other(first, last, count):
    """Of shapes in each other: each next one holds the one before."""
    both = first | last
    # As large to all sides: the middle stays where it is.
    outer = both | both[::-1, ::-1]
    inner = (first & last) & (first & last)[::-1, ::-1]
    if not inner.any():
        inner = outer
    row = [inner, *iter_between(inner, outer, count), outer]
    for smaller, larger in pairwise(row):
        assert not (smaller & ~larger).any()
