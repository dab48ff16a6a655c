"""Large objects: what is written down of them can be read, and undone from there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import Change, PixelChange
from napari_unet.annotation.drawn_edits import Delete, Merge, Split
from napari_unet.annotation.edits import AcceptObject, Settle, UnverifyObject
from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line
from napari_unet.geometry.runs import (
    order_of_mask,
    points_of_runs,
    runs_of_points,
    runs_of_values,
    values_of_runs,
)
from napari_unet.project.journal_line import Logged, decode_change, encode_change

SHAPE = (560, 640)
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def broad() -> np.ndarray:
    labels = np.zeros(SHAPE, np.int32)
    labels[20:540, 30:600] = 1
    labels[100:110, 620:630] = 2
    return labels


def thin() -> np.ndarray:
    """A filament from corner to corner, and a dot beside its end."""
    labels = np.zeros(SHAPE, np.int32)
    rows = np.arange(4, 550)
    for beside in (0, 1, 2):
        labels[rows, rows + beside] = 1
    labels[300:306, 400:406] = 2
    return labels


def line(*vertices) -> Line:
    return Line(tuple(tuple(map(float, each)) for each in vertices), (0, 1))


EDITS = [
    Split(line((0, 300), (559, 300))),
    Merge(line((303, 303), (303, 403))),
    Delete(line((303, 304))),
]


@pytest.mark.parametrize("labels", [broad(), thin()], ids=["broad", "thin"])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_all_that_happens_to_it_is_read_back_and_undone(labels, edit):
    annotation, told = Annotation(labels.copy()), []
    annotation.listener = told.append
    states = [labels]
    labels = annotation.labels
    labels[24:28, 24:34] = 1  # touched by a brush, so that all of it settles
    assert annotation.notice_change(annotation.pixels.whole)
    annotation.do(Settle())
    annotation.do(edit)
    annotation.do(Settle())
    annotation.do(UnverifyObject(1))
    annotation.do(AcceptObject(1))
    states.append(labels.copy())
    for _ in range(9):
        annotation.undo()
    assert (labels == states[0]).all()
    assert not annotation.provenance.any()
    for _ in range(9):
        annotation.redo()
    assert (labels == states[1]).all()
    again = Annotation(states[0].copy())
    for number, change in enumerate(told, 1):
        written = encode_change("a", Logged(number, WHEN, change))
        again.repeat(decode_change(written, "a", SHAPE).change)
    assert (again.labels == labels).all()
    assert (again.provenance == annotation.provenance).all()
    assert again.open_objects == annotation.open_objects


@pytest.mark.parametrize("labels", [broad(), thin()], ids=["broad", "thin"])
def test_it_settles_as_a_whole_with_its_ring(labels):
    annotation = Annotation(labels.copy())
    annotation.labels[24:28, 24:34] = 1
    annotation.notice_change(annotation.pixels.whole)
    annotation.do(Settle())
    body = np.asarray(annotation.labels) == 1
    wide = body.copy()
    for _ in range(2):
        wide[1:] |= wide[:-1].copy()
        wide[:-1] |= wide[1:].copy()
        wide[:, 1:] |= wide[:, :-1].copy()
        wide[:, :-1] |= wide[:, 1:].copy()
    assert ((annotation.provenance > 1) == wide & (labels != 2)).all()


def tile_by_tile(change: Change) -> Change:
    """As such a change was written down once: pixels in the order of two halves."""
    (part,) = change.parts
    points, right = part.points, part.points[1] >= 300
    order = np.argsort(right, kind="stable")
    skipped = runs_of_points(tuple(axis[order] for axis in points), part.box)
    assert (skipped < 0).any()
    content = (part.before, part.after, part.was, part.now)
    content = (runs_of_values(values_of_runs(each)[order]) for each in content)
    return replace(change, parts=(PixelChange(part.box, skipped, *content),))


def test_what_was_written_tile_by_tile_is_read_in_order():
    annotation, told = Annotation(thin()), []
    annotation.listener = told.append
    annotation.labels[300:310, 290:310] = 1
    annotation.notice_change(annotation.pixels.whole)
    annotation.do(Settle())
    written, settled = told
    again = Annotation(thin())
    for number, change in enumerate([written, tile_by_tile(settled)], 1):
        line = encode_change("a", Logged(number, WHEN, change))
        again.repeat(decode_change(line, "a", SHAPE).change)
    assert (again.provenance == annotation.provenance).all()
    again.undo()
    assert (again.labels == thin()).all()


@given(st.lists(st.integers(-9, 9), max_size=8))
def test_no_runs_are_taken_for_pixels_that_are_not_there(runs):
    box, runs = Box((0, 0), (3, 4)), np.array(runs, np.int64)
    try:
        order = order_of_mask(runs, box)
    except ValueError:
        return
    rows, columns = (axis[order] for axis in points_of_runs(runs, box))
    flat = rows * 4 + columns
    assert (np.diff(flat) > 0).all()
    assert not len(flat) or 0 <= flat[0] <= flat[-1] < 12
