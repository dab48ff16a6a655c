"""Strokes: what a person writes into the labels."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.merge import merge_prediction
from napari_unet.annotation.provenance import Provenance
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import LARGEST_NEW_ID
from tests.annotation.painter import Painter, cells

UNSEEN, PREDICTED, ACCEPTED, CORRECTED = Provenance


@pytest.fixture(params=[(), (4,), (2, 3)], ids=["YX", "ZYX", "TZYX"])
def painter(request: pytest.FixtureRequest) -> Painter:
    labels = np.zeros((*request.param, 32, 32), np.int32)
    labels[...] = cells()
    return Painter(Annotation(labels, np.full(labels.shape, PREDICTED, np.uint8)))


ROW = np.s_[..., 6, 2:20]


def test_a_stroke_is_corrected_and_nothing_else(painter):
    before, _ = painter.state()
    edit = painter.paint(ROW, 7)
    labels, provenance = painter.state()
    assert ((labels != before) == (provenance == CORRECTED)).all()
    assert (provenance[labels == before] == PREDICTED).all()
    assert edit.kind == "edit"
    assert edit.parts[-1].ids == {1, 2, 7}
    assert (edit.parts[-1].labels_before == before[edit.parts[-1].points]).all()
    assert (edit.parts[-1].labels_after == 7).all()
    assert edit.box.slices[-2:] == np.s_[6:7, 2:20]
    assert painter.annotation.open_objects == {1, 2, 7}


def test_looking_where_nothing_changed_finds_nothing(painter):
    revision = painter.annotation.revision
    assert painter.annotation.notice_change(painter.whole) is None
    outside = Box(*((9,) * painter.labels.ndim, (5,) * painter.labels.ndim))
    assert painter.annotation.notice_change(outside) is None
    far = Box((-9,) * painter.labels.ndim, (-2,) * painter.labels.ndim)
    assert painter.annotation.notice_change(far) is None
    assert painter.annotation.revision == revision


def test_strokes_in_large_images_cost_what_they_touch():
    labels = np.zeros((4096, 4096), np.int32)
    annotation = Annotation(labels)
    times = []
    for step in range(40):
        box = Box((50 * step, 9), (50 * step + 60, 69))
        labels[box.slices] = step + 1
        start = time.thread_time()
        annotation.notice_change(box)
        times.append(time.thread_time() - start)
    # A single pass over the whole array takes longer than that.
    assert np.median(times) < 0.006


@pytest.mark.parametrize(
    ("labels", "provenance", "words"),
    [
        (np.zeros((4, 4), np.int64), None, "int64"),
        (np.zeros(4, np.int32), None, "two axes"),
        (np.zeros((4, 4), np.int32), np.zeros((4, 5), np.uint8), r"\(4, 5\)"),
        (np.zeros((4, 4), np.int32), np.zeros((4, 4), bool), "bool"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(labels, provenance, words):
    with pytest.raises(InputError, match=words):
        Annotation(labels, provenance)


def test_any_id_a_person_can_type_is_taken():
    painter = Painter(Annotation(cells()))
    painter.paint(np.s_[12, 2:9], -5)
    painter.paint(np.s_[14, 2:9], 2**31 - 1)
    annotation = painter.annotation
    annotation.do(Settle())
    assert annotation.next_id == 4
    assert annotation.counts().objects == 5
    predicted = 10 * cells()[::-1]
    whole = painter.whole
    annotation.do(annotation.merging(predicted, whole).merge()(whole))
    assert annotation.new_id() == annotation.next_id - 1 < 10
    assert annotation.labels[14, 2] == 2**31 - 1
    nothing = np.zeros_like(painter.labels)
    with pytest.raises(InputError, match="smaller ids"):
        merge_prediction(nothing, nothing.astype(np.uint8), predicted, LARGEST_NEW_ID)
