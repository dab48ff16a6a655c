"""What strokes spare."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.annotation.brush import PaintOver, Stroke

DABS = st.lists(
    hnp.arrays(np.int32, st.integers(0, 9), elements=st.integers(0, 4)), max_size=5
)


def paint(over: PaintOver, dabs, label: int) -> list[tuple[int, ...]]:
    stroke, replaced = Stroke(over), []
    for dab in dabs:
        allowed = stroke.allowed(dab, label)
        assert allowed.shape == dab.shape
        replaced.append(tuple(dab[allowed].tolist()))
    return replaced


@given(st.sampled_from(PaintOver), DABS, st.integers(0, 6))
def test_a_stroke_replaces_one_label_alone_unless_it_may_all(over, dabs, label):
    replaced = paint(over, dabs, label)
    if over is PaintOver.EVERYTHING:
        assert replaced == [tuple(dab.tolist()) for dab in dabs]
        return
    found = set().union(*replaced)
    assert len(found - {0}) <= 1
    assert not found or len(found) == 1 or label == 0
    if label and over is PaintOver.BACKGROUND:
        assert found <= {0}


@pytest.mark.parametrize(
    ("over", "label", "dabs", "replaced"),
    [
        (PaintOver.BACKGROUND, 5, [[0, 0, 3], [0, 3]], [(0, 0), (0,)]),
        (PaintOver.FIRST, 5, [[3, 3, 0], [0, 3, 2]], [(3, 3), (3,)]),
        (PaintOver.FIRST, 5, [[0, 0, 3], [3, 3, 0]], [(0, 0), (0,)]),
        # Begun in its own object, it makes that larger.
        (PaintOver.FIRST, 5, [[5, 5], [5, 0, 2]], [(), (0,)]),
        # An eraser waits for an object, and takes from no other.
        (PaintOver.FIRST, 0, [[0, 0], [0, 2, 2, 3], [3, 2]], [(0, 0), (2, 2), (2,)]),
        (PaintOver.BACKGROUND, 0, [[2], [3]], [(2,), ()]),
    ],
)
def test_what_is_touched_first_decides(over, label, dabs, replaced):
    dabs = [np.array(each, np.int32) for each in dabs]
    assert paint(over, dabs, label) == replaced


def test_the_choices_come_round():
    over = PaintOver.EVERYTHING
    seen = [over := over.following for _ in PaintOver]
    assert set(seen) == set(PaintOver)
    assert over is PaintOver.EVERYTHING
