"""A merged prediction is applied while a person goes on working."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptObject, ApplyPrediction
from napari_unet.annotation.merge import MergedPrediction, merge_prediction
from napari_unet.annotation.provenance import Provenance
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from tests.annotation.painter import Painter, same

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance


def cells(*tops: int) -> np.ndarray:
    """Cells of 8 x 8 at the given rows, ids from 1."""
    labels = np.zeros((40, 20), np.int32)
    for index, top in enumerate(tops):
        labels[top : top + 8, 6:14] = index + 1
    return labels


@pytest.fixture
def painter() -> Painter:
    return Painter(Annotation(cells(2, 14), np.full((40, 20), PREDICTED, np.uint8)))


def merge(painter: Painter, predicted: np.ndarray) -> MergedPrediction:
    snapshot = painter.annotation.snapshot()
    return merge_prediction(
        snapshot.labels, snapshot.provenance, predicted, snapshot.next_id
    )


def apply(
    painter: Painter, merged: MergedPrediction, box: Box | None = None
) -> Box | None:
    change = painter.annotation.do(ApplyPrediction(merged, box or painter.whole))
    return change and change.box


def test_without_a_person_in_between_the_merged_arrays_appear(painter):
    painter.annotation.do(AcceptObject(1))
    merged = merge(painter, cells(3, 28))
    provenance = np.where(merged.kept, painter.annotation.provenance, PREDICTED)
    box = apply(painter, merged)
    assert same(painter.state(), (merged.labels, provenance))
    assert painter.annotation.next_id == merged.next_id
    assert box == Box((14, 6), (36, 14))
    assert apply(painter, merged) is None


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.int32, (8, 5), elements=st.integers(0, 3)),
    hnp.arrays(np.uint8, (8, 5), elements=st.integers(0, 3)),
    hnp.arrays(np.int32, (8, 5), elements=st.integers(0, 3)),
    hnp.arrays(bool, (8, 5)),
    st.permutations(range(8)),
)
def test_in_bands_is_the_same_as_at_once(labels, provenance, predicted, late, order):
    results = []
    for boxes in [[Box.whole((8, 5))], [Box((i, 0), (i + 1, 5)) for i in order]]:
        painter = Painter(Annotation(labels.copy(), provenance.copy()))
        merged = merge(painter, predicted)
        painter.paint(late, 9)
        changed = [apply(painter, merged, box) for box in boxes]
        assert all(
            c is None or b.contains(c) for b, c in zip(boxes, changed, strict=True)
        )
        results.append(painter.state())
    assert same(*results)


def test_what_was_painted_meanwhile_stays(painter):
    merged = merge(painter, cells(26))
    painter.paint(np.s_[30:33, 2:18], 7)
    painter.annotation.do(AcceptObject(2))
    before = painter.state()
    apply(painter, merged)
    verified = before[1] >= ACCEPTED
    assert same([a[verified] for a in painter.state()], [b[verified] for b in before])
    assert (painter.labels[26:30, 6:14] == merged.first_id + 5).all()


def test_an_object_mostly_taken_meanwhile_is_left_out(painter):
    merged = merge(painter, cells(26))
    painter.paint(np.s_[28:33, 2:18], 7)
    for row in range(40):
        painter.annotation.do(ApplyPrediction(merged, Box((row, 0), (row + 1, 20))))
    assert set(np.unique(painter.labels)) == {0, 7}
    assert (painter.annotation.provenance[26, 6:14] == PREDICTED).all()


def test_an_object_under_the_brush_is_not_cut(painter):
    merged = merge(painter, cells(4, 18))
    before = painter.state()
    painter.paint(np.s_[14, 6:14], 0)
    rest = (before[0] == 2) & (painter.labels == 2)
    apply(painter, merged)
    assert (painter.labels[rest] == 2).all()
    assert set(np.unique(painter.labels)) == {0, 1, 2}
    painter.undo()
    assert (painter.labels[before[0] == 2] == 2).all()
    assert (painter.annotation.provenance == PREDICTED).all()


def test_a_stroke_undone_meanwhile_does_not_come_back(painter):
    before = painter.state()
    painter.paint(np.s_[30:33, 2:18], 7)
    merged = merge(painter, cells(2, 14))
    painter.undo()
    apply(painter, merged)
    assert same(painter.state(), before)


def test_undo_after_a_refresh_hits_no_stranger(painter):
    """With other tools an undo wrote old ids into labels that had got new meanings."""
    painter.paint(np.s_[14:22, 6:14], 0)
    for tops in [(26,), (25, 3), (12, 30), (13, 31)]:
        apply(painter, merge(painter, cells(*tops)))
    strangers = painter.labels.copy()
    painter.undo()
    labels, provenance = painter.state()
    cell = cells(0, 14) == 2
    assert (labels[cell] == 2).all()
    assert (labels[~cell] == strangers[~cell]).all()
    assert 2 not in strangers
    assert (provenance[cell] == PREDICTED).all()
    painter.redo()
    assert same(painter.state(), (strangers, painter.annotation.provenance))
    assert (painter.annotation.provenance[cell] == CORRECTED).all()


def test_a_write_that_nobody_noticed_yet_stays(painter):
    merged = merge(painter, cells(26))
    painter.write(np.s_[27:29, 7], 9)
    apply(painter, merged)
    assert (painter.labels[27:29, 7] == 9).all()
    assert painter.annotation.notice_change(painter.whole).parts[-1].ids == {9}
    assert painter.undo().kind == "undo"
    assert (painter.labels[27:29, 7] == 0).all()


def test_ids_that_a_person_took_meanwhile_are_not_given_again(painter):
    merged = merge(painter, cells(2, 26))
    taken = painter.annotation.new_id()
    painter.paint(np.s_[38, 2:18], taken)
    apply(painter, merged)
    assert set(np.unique(painter.labels)) == {0, 1, taken, taken + 1}
    assert painter.annotation.next_id == taken + 2
    assert (painter.labels == taken).sum() == 16


def test_two_predictions_on_their_way_share_no_ids(painter):
    one, other = merge(painter, cells(26)), merge(painter, cells(30))
    upper, lower = Box((0, 0), (30, 20)), Box((30, 0), (40, 20))
    painter.annotation.do(ApplyPrediction(one, upper))
    painter.annotation.do(ApplyPrediction(other, lower))
    painter.annotation.do(ApplyPrediction(one, lower))
    ids = set(np.unique(painter.labels[26:34, 6:14]))
    assert ids == {one.first_id}
    assert painter.annotation.next_id == one.first_id + 2


def test_part_of_the_image_first(painter):
    view = Box((10, 0), (40, 20))
    snapshot = painter.annotation.snapshot()
    merged = merge_prediction(
        snapshot.labels[view.slices],
        snapshot.provenance[view.slices],
        cells(14, 28)[view.slices],
        snapshot.next_id,
        box=view,
    )
    assert apply(painter, merged) == Box((28, 6), (36, 14))
    assert set(np.unique(painter.labels[:24])) == {0, 1, 2}
    assert (painter.labels[28:36, 6:14] == 3).all()
    assert painter.annotation.do(ApplyPrediction(merged, Box((0, 0), (9, 20)))) is None


def test_a_prediction_of_another_image_is_refused(painter):
    other = Painter(Annotation(np.zeros((50, 20), np.int32)))
    with pytest.raises(InputError, match=r"\(40, 20\)"):
        apply(painter, merge(other, other.labels))


def test_an_unseen_stack_is_predicted_around_corrections():
    painter = Painter(Annotation(np.zeros((3, 40, 20), np.int32)))
    painter.paint(np.s_[1, 2:10, 6:14], 5)
    predicted = np.stack([cells(2), 2 * cells(3), 3 * cells(14)])
    apply(painter, merge(painter, predicted))
    labels, provenance = painter.state()
    assert (labels[1] == 5 * cells(2)).all()
    assert ((provenance == CORRECTED) == (labels == 5)).all()
    assert (provenance[labels != 5] == PREDICTED).all()
    assert (labels[[0, 2]] > 0).sum() == 128
    painter.undo()
    assert (painter.annotation.provenance[1, 2:10, 6:14] == UNSEEN).all()
