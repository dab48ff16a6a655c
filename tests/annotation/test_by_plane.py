"""In stacks and series a person finishes and accepts objects plane by plane."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import (
    AcceptObject,
    AcceptView,
    ApplyPrediction,
    Settle,
    UnverifyObject,
    UnverifyView,
)
from napari_unet.annotation.merge import merge_prediction
from napari_unet.annotation.provenance import is_verified
from napari_unet.geometry.box import Box
from tests.annotation.painter import Painter, cells

PREDICTED, ACCEPTED, CORRECTED = 1, 2, 3
SHAPE = (2, 4, 32, 32)


def stack() -> Painter:
    """Three cells that reach through four slices, at two times."""
    labels = np.broadcast_to(cells(), SHAPE).copy()
    labels[1][labels[1] > 0] += 3
    return Painter(Annotation(labels, np.full(SHAPE, PREDICTED, np.uint8)))


def plane_box(*plane: int, rows=(0, 32), columns=(0, 32)) -> Box:
    at = tuple(each + 1 for each in plane)
    return Box((*plane, rows[0], columns[0]), (*at, rows[1], columns[1]))


def planes_with(mask: np.ndarray) -> list[tuple[int, ...]]:
    return [at for at in np.ndindex(SHAPE[:2]) if mask[at].any()]


def verified(painter: Painter) -> np.ndarray:
    return is_verified(painter.annotation.provenance)


def test_an_object_that_is_touched_in_one_plane_is_finished_in_that_plane():
    painter = stack()
    painter.paint(np.s_[0, 2, 10, 4:10], 1)
    painter.annotation.do(Settle())
    assert planes_with(verified(painter)) == [(0, 2)]
    assert (verified(painter)[0, 2][cells() == 1]).all()
    assert painter.annotation.counts().verified_objects == 0


def test_all_planes_that_were_touched_are_finished_also_after_undo_and_redo():
    painter = stack()
    for plane in ((0, 0), (0, 3), (0, 1)):
        painter.paint((*plane, 10, slice(4, 10)), 1)
    assert painter.annotation.open_objects == {1}
    painter.undo()
    painter.annotation.do(Settle())
    assert planes_with(verified(painter)) == [(0, 0), (0, 3)]
    painter.redo()
    painter.annotation.do(Settle())
    assert planes_with(verified(painter)) == [(0, 0), (0, 1), (0, 3)]
    painter.paint(np.s_[0, 2, 10, 4:10], 1)
    painter.annotation.do(Settle())
    assert painter.annotation.counts().verified_objects == 1


def test_a_stroke_through_planes_finishes_what_it_touched_in_each():
    painter = stack()
    painter.paint(np.s_[0, 1:3, 4:10, 10:12], 1)
    painter.annotation.do(Settle())
    assert planes_with(verified(painter)) == [(0, 1), (0, 2)]


def test_any_number_may_be_painted_through_planes():
    painter = stack()
    painter.paint(np.s_[0, 1:3, 4:10, 10:12], -3)
    painter.annotation.do(Settle())
    assert planes_with(verified(painter)) == [(0, 1), (0, 2)]


def test_an_object_that_was_touched_long_ago_is_finished_where_it_was():
    """What settled meanwhile is no stroke of its own, and hides none."""
    painter = stack()
    painter.paint(np.s_[0, 1, 10, 4:10], 1)
    painter.annotation.do(AcceptView(plane_box(0, 3)))
    painter.paint(np.s_[0, 2, 10, 4:10], 1)
    painter.annotation.do(Settle())
    seen = verified(painter) & (painter.labels == 1)
    assert planes_with(seen) == [(0, 1), (0, 2), (0, 3)]


def test_accept_view_accepts_objects_of_that_plane_alone():
    painter = stack()
    painter.annotation.do(AcceptView(plane_box(0, 2)))
    assert planes_with(verified(painter)) == [(0, 2)]
    assert verified(painter)[0, 2].all()
    counts = painter.annotation.counts()
    assert (counts.objects, counts.verified_objects) == (6, 0)
    for section in (0, 1, 3):
        painter.annotation.do(AcceptView(plane_box(0, section)))
    assert painter.annotation.counts().verified_objects == 3
    painter.annotation.do(UnverifyView(plane_box(0, 1)))
    assert planes_with(~verified(painter)) == [(0, 1), *((1, z) for z in range(4))]


@pytest.mark.parametrize(("columns", "accepted"), [((0, 7), False), ((0, 8), True)])
def test_more_than_half_of_an_object_in_the_plane_has_to_be_in_view(columns, accepted):
    painter = stack()
    painter.annotation.do(AcceptView(plane_box(1, 0, columns=columns)))
    seen = verified(painter)
    assert planes_with(seen) == [(1, 0)]
    body = painter.labels == 4
    assert seen[1, 0][body[1, 0]].all() == seen[body].any() == accepted


def test_in_a_view_across_the_planes_objects_are_what_they_are_there():
    labels = np.broadcast_to(cells(), (4, 32, 32)).copy()
    painter = Painter(Annotation(labels, np.full(labels.shape, PREDICTED, np.uint8)))
    painter.annotation.do(AcceptView(Box((0, 7, 0), (4, 8, 32))))
    seen = verified(painter)
    assert seen[:, 7].all()
    assert not np.delete(seen, 7, axis=1).any()


def test_an_object_is_accepted_and_unverified_in_all_its_planes():
    painter = stack()
    painter.annotation.do(AcceptObject(2))
    assert planes_with(verified(painter)) == [(0, z) for z in range(4)]
    assert painter.annotation.counts().verified_objects == 1
    painter.annotation.do(UnverifyObject(2))
    assert not verified(painter).any()


def refreshed(painter: Painter, predicted: np.ndarray) -> np.ndarray:
    annotation = painter.annotation
    known = annotation.snapshot()
    merged = merge_prediction(
        known.labels, known.provenance, predicted, annotation.next_id
    )
    annotation.do(ApplyPrediction(merged, Box.whole(SHAPE)))
    return np.array(annotation.labels)


def test_a_prediction_improves_an_object_in_the_planes_that_nobody_has_finished():
    painter = stack()
    painter.paint(np.s_[0, 2, 10, 4:10], 1)
    painter.annotation.do(Settle())
    mine = np.array(painter.labels[0, 2])
    better = np.array(painter.labels)
    better[:, :, 4:10, 10] = better[:, :, 4:10, 9]  # one column wider
    after = refreshed(painter, better * 7)
    assert (after[0, 2][mine == 1] == 1).all()
    assert not after[0, 2, 4:10, 10].any()  # the ring is a person's word
    others = np.delete(after[0], 2, axis=0)
    assert (others[:, 4:10, 4:11] == 1).all()  # the same object, by its id


def test_what_takes_most_of_an_object_in_a_plane_takes_it_there_alone():
    painter = stack()
    painter.paint(np.s_[0, 1, 2:10, 2:12], 50)
    painter.annotation.do(Settle())
    shifted = np.zeros(SHAPE, np.int32)
    shifted[0, :, 1:9, 2:10] = 9
    after = refreshed(painter, shifted)
    assert set(after[0, 1].flat) == {0, 50}
    (new,) = set(after[0, 0].flat) - {0}
    assert (after[0, [0, 2, 3], 1:9, 2:10] == new).all()


def test_who_has_finished_an_object_in_a_plane_gets_no_more_of_it_there():
    """Its successor in other planes has its id, and would be stuck to it here."""
    painter = stack()
    painter.annotation.do(AcceptObject(1))
    for section in (0, 1, 3):
        painter.annotation.do(UnverifyView(plane_box(0, section)))
    larger = np.array(painter.labels)
    larger[0, 2, 2:11, 2:11] = 1
    after = refreshed(painter, larger)
    for section in range(4):
        assert ((after[0, section] == 1) == (cells() == 1)).all()
