"""A step that is done part by part is one step, whatever comes between."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import Region
from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.relabelling import Piece
from napari_unet.annotation.track_edits import GiveIds
from napari_unet.geometry.box import Box
from napari_unet.geometry.runs import runs_of_mask

FRAMES = 4


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    monkeypatch.setattr("napari_unet.annotation.annotation.AT_ONCE", 0)


def labels() -> np.ndarray:
    """Two objects in each frame, each with an id of its own."""
    found = np.zeros((FRAMES, 12, 12), np.int32)
    for frame in range(FRAMES):
        found[frame, 2:5, 2:8] = 10 * frame + 1
        found[frame, 7:10, 2:8] = 10 * frame + 2
    return found


def cut() -> Piece:
    """The right half of the first object of the last frame."""
    place = Box((FRAMES - 1, 2, 5), (FRAMES, 5, 8))
    return Piece(31, -1, Region(place, runs_of_mask(np.ones(place.shape, bool))))


def following() -> GiveIds:
    moves = {n: {10 * n + 1: 1, 10 * n + 2: 2} for n in range(1, FRAMES)}
    return GiveIds(moves, {}, {FRAMES - 1: [cut()]})


def annotation() -> tuple[Annotation, list]:
    made, told = Annotation(labels(), np.ones((FRAMES, 12, 12), np.uint8)), []
    made.time, made.listener = 0, told.append
    return made, told


def expected() -> np.ndarray:
    work, _ = annotation()
    assert work.do(following()) is not None
    assert not work.in_parts.under_way
    assert work.labels[3, 3, 3] == 1
    assert work.labels[3, 3, 6] == 33
    return np.array(work.labels)


def test_frames_come_one_by_one_and_are_one_step():
    work, told = annotation()
    change = work.begin(following())
    assert change.box.start[0] == 1 == change.box.stop[0] - 1
    assert work.in_parts.under_way
    assert (work.labels[2] == labels()[2]).all()
    boxes = []
    while work.in_parts.under_way:
        boxes.append(work.in_parts.go_on())
    assert [box.start[0] for box in boxes if box] == [2, 3]
    assert (work.labels == expected()).all()
    assert len(work.history.done) == 1
    assert [each.kind for each in told] == ["track"] * 3
    assert {each.stroke for each in told} == {1}


def test_undo_and_redo_come_in_parts_too():
    work, told = annotation()
    work.begin(following())
    assert work.begin_undo() is not None  # the rest is done first
    assert not (work.labels == labels()).all()
    work.in_parts.finish()
    assert (work.labels == labels()).all()
    assert not work.origins
    assert work.begin_redo() is not None
    while work.in_parts.under_way:
        work.in_parts.go_on()
    assert (work.labels == expected()).all()
    assert len(work.history.done) == 1
    assert not work.history.undone
    assert [each.kind for each in told] == [
        *["track"] * 3,
        *["undo"] * 3,
        *["redo"] * 3,
    ]


@pytest.mark.parametrize(
    "then",
    [
        lambda work: work.do(AcceptView(Box((0, 0, 0), (1, 12, 12)))),
        lambda work: work.snapshot(),
        lambda work: work.trainable(),
        lambda work: work.merging(labels(), Box.whole(labels().shape)),
    ],
)
def test_whoever_wants_something_else_finds_it_complete(then):
    work, _ = annotation()
    work.begin(following())
    then(work)
    assert (work.labels == expected()).all()
    assert work.in_parts.go_on() == Box((2, 2, 2), (4, 10, 8))  # what is to be shown
    assert not work.in_parts.under_way


@pytest.mark.parametrize("count", range(1, 10))
def test_what_was_told_happens_again_also_if_it_ends_in_the_middle(count):
    work, told = annotation()
    work.begin(following())
    work.begin_undo()
    work.begin_redo()
    work.in_parts.finish()
    again, _ = annotation()
    for change in told[:count]:
        again.repeat(change)
    assert again.history.done or again.history.undone
    if count == len(told):
        assert (again.labels == work.labels).all()
        assert again.origins == work.origins
    again.undo()
    if count <= 3:
        assert (again.labels == labels()).all()


def test_an_undo_gives_ids_back_to_outlines_that_were_predicted_anew():
    work, _ = annotation()
    work.do(following())
    wider = np.array(work.labels)
    wider[3, 2:5, 8] = wider[3, 3, 6]
    # A prediction has other ids in each frame.
    wider += 100 * np.arange(FRAMES)[:, None, None] * (wider > 0)
    whole = Box.whole(wider.shape)
    work.do(work.merging(wider, whole).merge()(whole))
    work.undo()
    assert (work.labels[3, 2:5, 2:9] == 31).all()
    assert (work.labels[:3] == labels()[:3]).all()
