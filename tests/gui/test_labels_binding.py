"""A person paints with the mouse; the annotation follows, and follows back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.core.annotation import Annotation
from napari_unet.core.box import Box
from napari_unet.core.provenance import Provenance
from napari_unet.errors import InputError
from napari_unet.gui.labels_binding import LabelsBinding

PREDICTED, ACCEPTED, CORRECTED = (
    Provenance.PREDICTED,
    Provenance.ACCEPTED,
    Provenance.CORRECTED,
)
RIGHT = Qt.MouseButton.RightButton


def cells() -> np.ndarray:
    """Three predicted cells on 64 x 64."""
    labels = np.zeros((64, 64), np.int32)
    labels[8:20, 8:20] = 1
    labels[8:20, 24:36] = 2
    labels[40:56, 40:56] = 3
    return labels


@dataclass
class Bound:
    """A layer with its annotation, and what the binding said."""

    viewer: Any
    layer: Any
    annotation: Annotation
    binding: LabelsBinding
    edits: list[Any] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.binding.edited.connect(self.edits.append)
        self.binding.changed.connect(self.boxes.append)

    @property
    def labels(self) -> np.ndarray:
        return np.array(self.annotation.labels, subok=False)

    @property
    def provenance(self) -> np.ndarray:
        return self.annotation.provenance.copy()

    def same_as(self, state: tuple[np.ndarray, np.ndarray]) -> bool:
        return all(
            np.array_equal(a, b)
            for a, b in zip((self.labels, self.provenance), state, strict=True)
        )

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self.labels, self.provenance

    def select(self, mode: str, label: int, brush: int = 3) -> None:
        self.layer.mode = mode
        self.layer.selected_label = label
        self.layer.brush_size = brush
        self.viewer.layers.selection.active = self.layer


def bind(viewer: Any, labels: np.ndarray, **keywords: Any) -> Bound:
    provenance = np.full(labels.shape, PREDICTED, np.uint8)
    annotation = Annotation(labels, provenance)
    layer = viewer.add_labels(annotation.labels)
    binding = LabelsBinding(layer, annotation, viewer.layers, **keywords)
    return Bound(viewer, layer, annotation, binding)


@pytest.fixture
def screen(make_napari_viewer: Callable[..., Any]) -> Callable[..., Bound]:
    """Return a factory: cells bound to a layer in a window on screen."""

    def screen(labels: np.ndarray | None = None, **keywords: Any) -> Bound:
        viewer = make_napari_viewer(show=True)
        return bind(viewer, cells() if labels is None else labels, **keywords)

    return screen


@pytest.fixture
def model(qapp: Any) -> Callable[..., Bound]:
    """Return a factory without a window, for what needs no mouse."""
    from napari.components import ViewerModel

    made: list[Bound] = []

    def model(labels: np.ndarray | None = None, **keywords: Any) -> Bound:
        labels = cells() if labels is None else labels
        made.append(bind(ViewerModel(), labels, **keywords))
        return made[-1]

    yield model
    for bound in made:
        bound.binding.close()


def test_a_stroke_is_committed_when_the_button_goes_up(screen, mouse, qtbot):
    bound = screen()
    before = bound.labels
    bound.select("paint", 7)
    hand = mouse(bound.viewer, bound.layer)
    hand.press((30, 10))
    for x in range(12, 30, 3):
        hand.move((30, x))
    qtbot.wait(150)
    bound.binding.flush()
    bound.binding.settle()
    bound.layer.refresh()
    assert bound.binding.busy
    assert (bound.layer.data == 7).any()
    assert not bound.edits
    assert (bound.provenance == PREDICTED).all()
    hand.release((30, 30))
    assert not bound.binding.busy
    assert len(bound.edits) == 1
    painted = bound.labels != before
    assert painted.sum() > 50
    assert (bound.labels[painted] == 7).all()
    assert np.array_equal(bound.provenance == CORRECTED, painted)
    assert painted[bound.edits[0].box.slices].sum() == painted.sum()


@dataclass(frozen=True)
class Hand:
    """The mouse fixtures in one piece."""

    drag: Callable[..., None]
    click: Callable[..., None]
    mouse: Callable[..., Any]


def paint(bound: Bound, hand: Hand) -> None:
    bound.select("paint", 7)
    hand.drag(bound.viewer, bound.layer, [(30, 10), (30, 30)])


def paint_over_several(bound: Bound, hand: Hand) -> None:
    bound.select("paint", 3, brush=5)
    hand.drag(bound.viewer, bound.layer, [(14, 4), (14, 38), (48, 44)])


def erase(bound: Bound, hand: Hand) -> None:
    bound.select("erase", 1)
    hand.drag(bound.viewer, bound.layer, [(14, 4), (14, 30)])


def fill(bound: Bound, hand: Hand) -> None:
    bound.select("fill", 2)
    hand.click(bound.viewer, bound.layer, (12, 12))


def polygon(bound: Bound, hand: Hand) -> None:
    bound.select("polygon", 7)
    for corner in [(25, 5), (25, 30), (38, 30), (38, 5)]:
        hand.click(bound.viewer, bound.layer, corner)
    hand.mouse(bound.viewer, bound.layer).double_click((38, 5))


def encircle(bound: Bound, hand: Hand) -> None:
    bound.select("paint", 7, brush=2)
    hand.click(bound.viewer, bound.layer, (24, 10), button=RIGHT)
    free = hand.mouse(bound.viewer, bound.layer)
    for point in [(24, 20), (24, 30), (36, 30), (36, 10), (28, 10)]:
        free.move(point)
        assert not bound.edits
    free.move((24, 10))


def test_undo_and_redo_keys_restore_labels_and_provenance(
    screen, drag, click, mouse, press_key
):
    bound = screen()
    bound.annotation.accept(Box((0, 0), (22, 22)))
    before = bound.state()
    for tool in (paint, paint_over_several, erase, fill, polygon, encircle):
        bound.edits.clear()
        tool(bound, Hand(drag, click, mouse))
        after = bound.state()
        assert len(bound.edits) == 1, tool
        touched = before[0] != after[0]
        assert touched.sum() > 30, tool
        assert (bound.provenance[touched] == CORRECTED).all(), tool
        press_key(bound.viewer, "Ctrl+Z")
        assert bound.same_as(before), tool
        press_key(bound.viewer, "Ctrl+Shift+Z")
        assert bound.same_as(after), tool
        press_key(bound.viewer, "Ctrl+Z")
        assert bound.same_as(before), tool


def test_every_stroke_can_be_walked_back_and_forth(screen, drag, press_key):
    bound = screen()
    states = [bound.state()]
    for label, row in [(7, 25), (8, 27), (0, 26), (2, 12)]:
        bound.select("paint", label, brush=4)
        drag(bound.viewer, bound.layer, [(row, 6), (row, 34)])
        bound.binding.settle()
        states.append(bound.state())
    for state in states[-2::-1]:
        press_key(bound.viewer, "Ctrl+Z")
        assert bound.same_as(state)
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(states[0])
    for state in states[1:]:
        press_key(bound.viewer, "Ctrl+Shift+Z")
        assert bound.same_as(state)


def test_a_refresh_between_stroke_and_undo_loses_nothing(screen, drag, press_key):
    bound = screen()
    before = bound.state()
    bound.select("paint", 7)
    drag(bound.viewer, bound.layer, [(30, 10), (30, 30)])
    stroke = bound.labels == 7
    predicted = np.zeros((64, 64), np.int32)
    predicted[24:36, 4:60] = 1
    merged = bound.annotation.merge_prediction(
        *bound.state(), predicted, bound.annotation.next_id
    )
    changed = bound.annotation.apply(merged, Box.whole((64, 64)))
    bound.binding.refresh(changed)
    assert (bound.labels[stroke] == 7).all()
    refreshed = bound.state()
    press_key(bound.viewer, "Ctrl+Z")
    assert (bound.labels[stroke] == before[0][stroke]).all()
    assert (bound.provenance[stroke] == PREDICTED).all()
    outside = ~stroke
    assert np.array_equal(bound.labels[outside], refreshed[0][outside])
    press_key(bound.viewer, "Ctrl+Shift+Z")
    assert (bound.labels[stroke] == 7).all()
    assert (bound.provenance[stroke] == CORRECTED).all()


def test_painting_in_a_stack_changes_a_plane_or_a_ball(screen, drag, press_key):
    bound = screen(np.stack([cells()] * 9))
    before = bound.state()
    bound.viewer.dims.set_current_step(0, 3)
    bound.select("paint", 7, brush=5)
    drag(bound.viewer, bound.layer, [(30, 10), (30, 20)])
    assert set(np.nonzero(bound.labels == 7)[0]) == {3}
    assert set(np.nonzero(bound.provenance == CORRECTED)[0]) == {3}
    plane = bound.state()
    bound.viewer.dims.set_current_step(0, 6)
    bound.layer.n_edit_dimensions = 3
    drag(bound.viewer, bound.layer, [(24, 40), (30, 44)])
    painted = bound.labels == 7
    assert set(np.nonzero(painted)[0]) == {3, 4, 5, 6, 7, 8}
    assert np.array_equal(painted, bound.provenance == CORRECTED)
    bound.viewer.dims.set_current_step(0, 0)
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(plane)
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(before)


def test_two_layers_do_not_mix(screen, drag, press_key):
    one = screen()
    two = bind(one.viewer, cells())
    untouched = one.state()
    two.select("paint", 7)
    drag(two.viewer, two.layer, [(30, 10), (30, 30)])
    assert (two.labels == 7).any()
    assert one.same_as(untouched)
    one.select("paint", 8)
    painted = two.state()
    drag(one.viewer, one.layer, [(30, 10), (30, 30)])
    press_key(one.viewer, "Ctrl+Z")
    assert one.same_as(untouched)
    assert two.same_as(painted)
    one.viewer.layers.remove(one.layer)
    two.viewer.layers.selection.active = two.layer
    press_key(two.viewer, "Ctrl+Z")
    assert (two.labels == cells()).all()


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


def test_closing_the_viewer_in_a_stroke_loses_nothing(screen, mouse):
    bound = screen()
    bound.select("paint", 7)
    hand = mouse(bound.viewer, bound.layer)
    hand.press((30, 10))
    hand.move((30, 30))
    bound.viewer.close()
    assert (bound.labels == 7).any()
    assert (bound.provenance[bound.labels == 7] == CORRECTED).all()
    assert not bound.binding._settle_timer.isActive()


def settled(bound: Bound, label: int) -> bool:
    mine = (cells() == label) & (bound.labels == label)
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
    assert ((bound.labels != cells()) == (bound.provenance == CORRECTED)).all()
    for _ in range(3):
        bound.layer.undo()
    assert (bound.labels == cells()).all()
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


def test_undo_is_seen_when_slices_load_in_the_background(screen, drag, press_key):
    from napari.settings import get_settings

    get_settings().experimental.async_ = True
    bound = screen()
    before = bound.state()
    bound.select("paint", 7)
    drag(bound.viewer, bound.layer, [(30, 10), (30, 30)])
    assert (bound.provenance[bound.labels == 7] == CORRECTED).all()
    press_key(bound.viewer, "Ctrl+Z")
    assert bound.same_as(before)


def test_an_array_assigned_to_the_layer_is_taken_as_an_edit(model):
    bound = model()
    array = bound.layer.data
    grown = cells()
    grown[30:34, 30:34] = 9
    bound.layer.data = grown.astype(np.uint8)
    assert bound.layer.data is array
    assert (bound.labels == grown).all()
    assert ((bound.provenance == CORRECTED) == (grown != cells())).all()


def test_another_image_in_the_layer_ends_the_binding(model):
    bound = model()
    gone: list[bool] = []
    bound.binding.removed.connect(lambda: gone.append(True))
    bound.layer.data = np.zeros((32, 32), np.int32)
    assert gone == [True]
    assert (bound.labels == cells()).all()


def test_a_layer_of_another_shape_is_refused(model):
    bound = model()
    with pytest.raises(InputError, match=r"\(32, 32\)"):
        LabelsBinding(
            bound.viewer.add_labels(np.zeros((32, 32), np.int32)), bound.annotation
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
    bound.annotation.accept(box)
    bound.binding.refresh(box)
    assert bound.boxes == [box]
    assert not bound.edits
