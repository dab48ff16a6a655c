"""What a person did is counted, and the time that it took."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import Change
from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.annotation.pace import IDLE_SECONDS, Pace
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from tests.annotation.painter import Painter, cells

WHOLE = Box.whole((32, 32))
UPPER = Box((0, 0), (16, 32))


class Hand(Painter):
    """Paints once a second, while somebody counts."""

    def __init__(self) -> None:
        labels = cells()
        super().__init__(
            Annotation(labels, np.full(labels.shape, Provenance.PREDICTED, np.uint8))
        )
        self.pace, self.now = Pace(), 0.0
        self.annotation.listener = self._note

    def _note(self, change: Change) -> None:
        self.now += 1
        self.pace.note(change, self.now)


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_each_object_that_was_touched_counts_once(hand):
    hand.paint(np.s_[6, 2:12], 1)
    hand.paint(np.s_[7, 2:12], 1)
    hand.paint(np.s_[12:14, 2:4], 9)
    hand.paint(np.s_[4:10, 16:22], 0)
    _, strokes, about = hand.pace.finish(WHOLE)
    assert (strokes, about) == (4, {1, 9, 2})
    assert hand.pace.finish(WHOLE) == (0, 0, frozenset())


def test_what_was_taken_back_does_not_count_unless_it_is_done_again(hand):
    hand.paint(np.s_[6, 2:12], 1)
    hand.paint(np.s_[12:14, 2:4], 9)
    hand.undo()
    assert hand.pace.finish(WHOLE)[2] == {1}
    hand.redo()
    assert hand.pace.finish(WHOLE)[2] == {9}


def test_what_lies_elsewhere_waits_for_its_own_view(hand):
    hand.paint(np.s_[6, 2:12], 1)
    hand.paint(np.s_[22, 2:12], 8)
    assert hand.pace.finish(UPPER)[2] == {1}
    assert hand.pace.finish(WHOLE)[2] == {8}


def test_what_the_program_does_takes_nobodys_time(hand):
    hand.paint(np.s_[6, 2:12], 1)
    hand.annotation.do(Settle())
    hand.paint(np.s_[12:14, 2:4], 9)
    hand.annotation.do(AcceptView(WHOLE))
    seconds, strokes, _ = hand.pace.finish(WHOLE)
    assert strokes == 2
    assert seconds == hand.now - 1


@given(st.lists(st.floats(0, 3 * IDLE_SECONDS), max_size=20))
def test_time_counts_while_somebody_is_there(gaps):
    pace, now = Pace(), 100.0
    pace.look(now)
    for gap in gaps:
        now += gap
        pace.look(now)
    there = sum(gap for gap in gaps if gap <= IDLE_SECONDS)
    assert pace.seconds == pytest.approx(there, abs=1e-6)
