"""What the binding hears without a mouse: timers, other code, removal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import Provenance
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.gui.labels_binding import LabelsBinding

PREDICTED, ACCEPTED, CORRECTED = (
    Provenance.PREDICTED,
    Provenance.ACCEPTED,
    Provenance.CORRECTED,
)


_LARGE = np.int64(2**32 + 1)


def settled(bound: Any, label: int) -> bool:
    mine = (bound.start == label) & (bound.labels == label)
    return bool((bound.provenance[mine] >= ACCEPTED).all())


def test_touched_objects_settle_when_nothing_happens_for_a_while(model, qtbot):
    bound = model(settle_seconds=0.2)
    calls: list[bool] = []
    bound.binding.settled.connect(lambda: calls.append(True))
    bound.layer.paint((10, 36), 2)
    assert not settled(bound, 2)
    qtbot.waitUntil(lambda: bool(calls), timeout=2000)
    assert settled(bound, 2)
    assert not settled(bound, 3)
    qtbot.wait(300)
    assert calls == [True]


@pytest.mark.parametrize(
    "move_on",
    [
        lambda layer: setattr(layer, "selected_label", 3),
        lambda layer: setattr(layer, "mode", "pan_zoom"),
        lambda layer: layer.paint((48, 58), 3),
    ],
    ids=["label", "mode", "object"],
)
def test_moving_on_settles_what_was_touched(model, move_on):
    bound = model()
    bound.layer.mode = "paint"
    bound.layer.paint((10, 36), 2)
    calls: list[bool] = []
    bound.binding.settled.connect(lambda: calls.append(True))
    assert not settled(bound, 2)
    move_on(bound.layer)
    assert settled(bound, 2)
    assert not settled(bound, 3)
    assert calls == [True]


def test_undo_takes_the_settling_back(model):
    bound = model()
    before = bound.state()
    bound.layer.paint((10, 36), 2)
    bound.binding.settle()
    after = bound.state()
    assert settled(bound, 2)
    bound.layer.undo()
    assert bound.same_as(before)
    bound.layer.redo()
    assert bound.same_as(after)


def test_edits_of_other_code_are_seen_at_once(model):
    bound = model()
    bound.layer.data_setitem((np.array([2, 3]), np.array([4, 5])), 9)
    bound.layer.fill((50, 50), 8)
    bound.layer.paint_polygon([[25, 5], [25, 30], [38, 30]], 7)
    assert len(bound.edits) == 3
    assert ((bound.labels != bound.start) == (bound.provenance == CORRECTED)).all()
    for _ in range(3):
        bound.layer.undo()
    assert (bound.labels == bound.start).all()
    assert not (bound.provenance == CORRECTED).any()


def test_writes_that_nothing_announces_are_seen_soon(model, qtbot):
    bound = model()
    bound.layer.data[3, 3] = 9
    qtbot.waitUntil(lambda: bool(bound.edits), timeout=1000)
    assert bound.provenance[3, 3] == CORRECTED


def test_undo_of_a_hidden_layer_is_seen(model, qtbot):
    bound = model()
    before = bound.state()
    bound.layer.paint((30, 30), 7)
    bound.layer.visible = False
    bound.layer.undo()
    qtbot.waitUntil(lambda: not (bound.provenance == CORRECTED).any(), timeout=1000)
    assert bound.labels.tolist() == before[0].tolist()


def test_deleting_the_layer_keeps_the_annotation(model):
    bound = model()
    gone: list[bool] = []
    bound.binding.removed.connect(lambda: gone.append(True))
    bound.layer.paint((30, 30), 7)
    bound.layer.data[60, 60] = 9
    bound.viewer.layers.remove(bound.layer)
    assert gone == [True]
    assert bound.provenance[60, 60] == CORRECTED
    assert (bound.labels == 7).any()
    again = LabelsBinding(
        bound.viewer.add_labels(bound.labels), bound.annotation, bound.viewer.layers
    )
    assert (again.layer.data == bound.labels).all()
    again.close()


def test_an_array_assigned_to_the_layer_is_taken_as_an_edit(model):
    bound = model()
    array = bound.layer.data
    grown = bound.start.copy()
    grown[30:34, 30:34] = 9
    bound.layer.data = grown.astype(np.uint8)
    assert bound.layer.data is array
    assert (bound.labels == grown).all()
    assert ((bound.provenance == CORRECTED) == (grown != bound.start)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda start: start.astype(np.uint64), ""),
        (lambda start: np.where(start > 0, start, -1), "Negative ids"),
        (
            lambda start: np.where(start == 2, _LARGE, start),
            "smaller numbers",
        ),
        (lambda start: start > 0, "Split into 3 objects"),
        (lambda start: (start > 0) * np.uint8(255), "Split into 3 objects"),
    ],
    ids=["uint64", "negative", "large", "bool", "mask"],
)
def test_labels_of_others_are_taken_over_as_the_objects_they_are(model, change, words):
    bound = model()
    told: list[str] = []
    bound.binding.told.connect(told.append)
    bound.layer.data = change(bound.start)
    assert (bound.labels == bound.start).all()
    assert bound.annotation.counts().objects == 3
    assert words in " ".join(told)
    assert bool(words) == bool(told)


def test_an_array_of_another_shape_is_refused_and_the_labels_stay(model):
    bound = model()
    array, refused = bound.layer.data, []
    bound.binding.refused.connect(refused.append)
    bound.layer.data = np.zeros((32, 32), np.int32)
    assert bound.layer.data is array
    assert "(32, 32)" in str(refused[0])
    assert (bound.labels == bound.start).all()
    bound.layer.paint((30, 30), 7)
    assert (bound.labels == 7).any()


def test_a_layer_of_another_shape_is_refused(model):
    bound = model()
    with pytest.raises(InputError, match=r"\(32, 32\)"):
        LabelsBinding(
            bound.viewer.add_labels(np.zeros((32, 32), np.int32)),
            bound.annotation,
            bound.viewer.layers,
        )


def test_a_closed_binding_hears_nothing(model, qtbot):
    bound = model()
    bound.binding.close()
    bound.binding.close()
    bound.layer.paint((30, 30), 7)
    bound.layer.undo()
    bound.layer.selected_label = 4
    qtbot.wait(100)
    assert not bound.edits
    assert bound.layer.data.listener is None


def test_the_program_tells_where_it_wrote(model):
    bound = model()
    box = Box((0, 0), (22, 22))
    bound.annotation.do(AcceptView(box))
    bound.binding.refresh(box)
    assert bound.boxes == [box]
    assert not bound.edits
