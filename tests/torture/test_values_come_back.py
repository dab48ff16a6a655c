"""What a person said of values comes back, whatever was painted and undone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.change import Change
from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import LARGEST_ID

SHAPE = (6, 8)
WHOLE = Box.whole(SHAPE)


def work() -> tuple[ValueAnnotation, list[Change]]:
    annotation, told = ValueAnnotation(np.zeros(SHAPE, np.int32), 2), []
    annotation.listener = told.append
    return annotation, told


def paint(annotation: ValueAnnotation, where, label: int) -> None:
    annotation.labels[where] = label
    annotation.notice_change(WHOLE)


def same(one: ValueAnnotation, other: ValueAnnotation) -> bool:
    a, b = one.snapshot(), other.snapshot()
    return np.array_equal(a.labels, b.labels, equal_nan=True) and np.array_equal(
        a.provenance, b.provenance
    )


def test_a_number_that_is_no_mark_says_nothing_and_costs_no_memory():
    annotation, told = work()
    paint(annotation, np.s_[:2], LARGEST_ID)
    paint(annotation, np.s_[2:4], -5)
    assert np.isnan(annotation.snapshot().labels).all()
    paint(annotation, np.s_[4:5], annotation.mark_for(1, 2.5))
    assert (annotation.snapshot().labels[1, 4] == 2.5).all()
    again, _ = work()
    for change in told:
        again.repeat(change)
    assert same(again, annotation)


@pytest.mark.parametrize("known", [0, 1], ids=["whole journal", "only the stroke"])
def test_an_accepted_value_under_a_mark_is_here_after_a_restart_and_an_undo(known):
    annotation, told = work()
    annotation.do(
        annotation.merging(np.full((2, *SHAPE), 7, np.float32), WHOLE).merge()(WHOLE)
    )
    annotation.do(AcceptView(Box((0, 0), (3, 8))))
    paint(annotation, np.s_[:2, :2], annotation.mark_for(0, 1.5))
    snapshot = annotation.snapshot()
    again = ValueAnnotation.restored(snapshot.labels, snapshot.provenance)
    # A move to another folder, and a long journal, leave what is old behind.
    for change in told[known:]:
        again.recall(change)
    for each in (annotation, again):
        each.undo()
        assert (each.provenance[:3] == Provenance.ACCEPTED).all()
        assert (each.snapshot().labels[:, :3] == 7).all()


def test_a_value_under_a_mark_is_here_when_only_its_undo_is_repeated():
    annotation, told = work()
    annotation.do(
        annotation.merging(np.full((2, *SHAPE), 7, np.float32), WHOLE).merge()(WHOLE)
    )
    annotation.do(AcceptView(Box((0, 0), (3, 8))))
    paint(annotation, np.s_[:4, :2], annotation.mark_for(0, 1.5))
    snapshot = annotation.snapshot()
    annotation.undo()
    again = ValueAnnotation.restored(snapshot.labels, snapshot.provenance)
    again.repeat(told[-1])
    assert same(again, annotation)
    assert np.isnan(again.snapshot().labels[:, 3]).all()
