"""What is labelled in a large plane, seen from afar."""

from __future__ import annotations

import numpy as np

from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.annotation.large import LargeAnnotation
from napari_unet.annotation.overview import Mark, marks_of
from napari_unet.geometry.box import Box

SHAPE = 3, 2100, 1300


def _paint(work: LargeAnnotation, box: Box, label: int) -> None:
    work.pane.move(work.pane.best(box))
    work.live[box.slices] = label
    work.notice_change(box)
    work.do(Settle())


def _predict(work: LargeAnnotation, box: Box) -> None:
    predicted = np.zeros(box.shape, np.int32)
    predicted[..., 100:164, 40:72] = 1
    work.do(work.merging(predicted, box).merge()(box))


def _at(work: LargeAnnotation, row: int, column: int) -> int:
    step = work.overview.step
    return int(work.overview.array[0, row // step, column // step])


def test_says_what_is_there_and_follows_changes() -> None:
    """Of the plane that is looked at, whatever changes in others."""
    work = LargeAnnotation(SHAPE, side=600)
    overview = work.overview
    _predict(work, Box((1, 900, 900), (2, 1300, 1200)))
    overview.look_at((1,), work.saved.indices)
    assert overview.refresh(1.0) == Box((0, 0, 0), (1, 256, 163))
    assert _at(work, 1010, 950) == Mark.PREDICTED
    assert _at(work, 905, 1100) == Mark.PREDICTED_EMPTY
    assert _at(work, 100, 100) == Mark.NOTHING
    _paint(work, Box((1, 5, 5), (2, 12, 12)), 7)
    _paint(work, Box((2, 100, 100), (3, 140, 140)), 8)
    work.do(AcceptView(Box((1, 990, 930), (2, 1080, 990))))
    assert overview.refresh(1.0) is not None
    assert _at(work, 8, 8) == Mark.CORRECTED
    assert _at(work, 100, 100) == Mark.NOTHING
    assert _at(work, 1010, 950) == Mark.ACCEPTED
    assert overview.refresh(1.0) is None
    work.undo()
    overview.refresh(1.0)
    assert _at(work, 1010, 950) == Mark.PREDICTED
    overview.look_at((2,), work.saved.indices)
    overview.refresh(1.0)
    assert _at(work, 120, 120) == Mark.CORRECTED
    assert _at(work, 1010, 950) == Mark.NOTHING


def test_what_is_not_in_memory_is_asked_for() -> None:
    """And taken in, unless another plane is looked at by then."""
    work = LargeAnnotation(SHAPE, side=600)
    overview = work.overview
    overview.look_at((0,), {(0, 1, 1), (1, 0, 0)})
    assert overview.refresh(1.0) is None
    assert overview.unread() == ((0, 1, 1),)
    labels = np.zeros((1, 1024, 276), np.int32)
    labels[0, 4:6, 4:6] = 3
    marks = marks_of(labels, np.full(labels.shape, 2, np.uint8), overview.step)
    assert overview.take((1, 0, 0), marks) is None
    assert overview.take((0, 1, 1), marks) is not None
    assert _at(work, 1024 + 4, 1024 + 4) == Mark.ACCEPTED
    assert _at(work, 1024 + 100, 1024 + 100) == Mark.ACCEPTED_EMPTY
    assert overview.unread() == ()
