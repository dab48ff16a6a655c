"""Objects verified in part, and predictions that see another part of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.begun import begun_beyond
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.large import LargeAnnotation
from napari_unet.annotation.part import Part
from napari_unet.geometry.box import Box

SHAPE = (100, 400)
WHOLE = Box.whole(SHAPE)


def empty(shape=SHAPE):
    return [LargeAnnotation(shape), Annotation(np.zeros(shape, np.int32))]


def rectangle(box: Box, shape=SHAPE) -> np.ndarray:
    found = np.zeros(shape, np.int32)
    found[box.slices] = 1
    return found


def predict(work, found, box=WHOLE, part=None):
    work.do(work.merging(found[box.slices], box, part).merge()(box))


def paint(work, box: Box, label: int) -> None:
    work.live[box.slices] = label
    work.notice_change(box)


@pytest.mark.parametrize("work", empty(), ids=["large", "small"])
def test_what_is_finished_while_more_of_it_is_written_stays_as_it_was(work) -> None:
    predict(work, rectangle(Box((0, 5), (40, 35))))
    more = rectangle(Box((0, 5), (60, 35)))
    edit = work.merging(more, WHOLE).merge()
    work.do(edit(Box((0, 0), (20, 400))))
    paint(work, Box((5, 5), (15, 20)), 77)  # cuts the object
    work.do(Settle())
    counts = work.counts()
    assert counts.verified_objects == 2
    work.do(edit(Box((20, 0), (100, 400))))
    assert work.counts().verified_objects == 2
    assert not work.pixels.labels[40:60, 0:400].any()  # most of it is finished
    for found in (more, np.zeros_like(more)):
        predict(work, found, Box((42, 0), (100, 400)))
        assert work.counts().verified_objects == 2
        assert work.counts().verified_pixels == counts.verified_pixels


@pytest.mark.parametrize("work", empty(), ids=["large", "small"])
def test_the_rest_of_what_is_verified_beyond_stays(work) -> None:
    predict(work, rectangle(Box((0, 5), (60, 35))))
    work.accept(Box((0, 0), (30, 400)), np.ones((30, 400), bool))
    beyond = Box((40, 0), (100, 400))
    assert begun_beyond(work.pixels, beyond) == {(): {1}}
    assert not begun_beyond(work.pixels, WHOLE)
    predict(work, np.zeros(SHAPE, np.int32), beyond)
    assert work.pixels.labels[40:60, 5:35].all()
    assert work.counts().verified_objects == 0


def test_each_plane_is_asked_alone() -> None:
    shape = (3, 20, 40)
    for work in empty(shape)[1:]:
        whole = Box.whole(shape)
        predict(work, rectangle(Box((0, 5, 5), (3, 15, 25)), shape), whole)
        first = Box((0, 0, 0), (1, 20, 15))
        work.accept(first, np.ones(first.shape, bool))
        rest = Box((0, 0, 16), (3, 20, 40))
        assert begun_beyond(work.pixels, rest) == {(0,): {1}}
        predict(work, np.zeros(shape, np.int32), rest)
        assert work.pixels.labels[0:1, 5:15, 16:25].all()
        assert not work.pixels.labels[1:3, 5:15, 16:25].any()


SIDE = 12
SPANS = st.sampled_from([(a, b) for b in range(1, SIDE + 1) for a in range(b)])
SIZES = st.integers(0, SIDE)
COLUMN = (SIDE, 1)


def rows(ends: tuple[int, int]) -> Box:
    return Box((ends[0], 0), (ends[1], 1))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_predictions_change_nothing_of_what_is_counted_as_verified(data) -> None:
    """Also where a person works on while they are written, one row after the other."""
    work = Annotation(np.zeros(COLUMN, np.int32))

    def writing():
        box, object_ = (rows(data.draw(SPANS)) for _ in range(2))
        around = np.ones(box.shape, bool)
        part = Part(np.arange(len(around))[:, None] < data.draw(SIZES), around)
        found = rectangle(object_, COLUMN)[box.slices]
        edit = work.merging(found, box, part).merge()
        return [edit(rows((y, y + 1))) for y in range(box.start[0], box.stop[0])]

    def write(edits) -> None:
        before = work.counts()
        for edit in edits:
            work.do(edit)
        now = work.counts()
        assert now.verified_pixels == before.verified_pixels
        assert now.verified_objects == before.verified_objects

    write(writing())
    for _ in range(data.draw(st.integers(1, 3))):
        edits, done = writing(), data.draw(SIZES)
        write(edits[:done])
        paint(work, rows(data.draw(SPANS)), data.draw(st.integers(0, 3)))
        work.do(Settle())
        write(edits[done:])
    write(writing())
