"""Between a napari Labels layer and the annotation that owns its pixels.

napari tells little about edits: ``events.paint`` comes once per finished stroke, and
for single writes even *before* the memory changes; code that writes into ``layer.data``
says nothing at all. So the array itself records where it was written
(`RecordingArray`), and the events only say when to look: the annotation then compares
with its own copy. It remembers what can be undone, too, as more than strokes can be:
the layer's undo and redo, which napari's keys call, lead there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.edits import Settle, TakeOver
from napari_unet.annotation.labels import Labels as TakenLabels
from napari_unet.annotation.labels import as_labels, tell
from napari_unet.annotation.workspace import NOWHERE
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box, box_around
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.points import points_of_masks
from napari_unet.gui.connections import Connections, single_shot
from napari_unet.gui.going_on import GoingOn
from napari_unet.gui.napari_private import (
    forget_strokes,
    redraw_box,
    route_undo,
    stroke_open,
    watch_tools,
)
from napari_unet.gui.placement import NO_CHANNEL_AXIS, ChannelAxis
from napari_unet.gui.recording import RecordingArray

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Labels

    from napari_unet.annotation.annotation import Annotation

SETTLE_SECONDS = 2.0
# Writes that no event announces are looked at this much later.
LOOK_AFTER_MS = 50


class LabelsBinding:
    """Keeps an annotation in step with what a person does to a Labels layer.

    Implements `napari_unet.session.images.image.Canvas`, on the main thread. The layer
    shows the memory of ``annotation.shown``; one of
    ``RecordingArray.wrap(annotation.shown)`` is not sliced a second time.

    Parameters
    ----------
    layer : Labels
        Single-scale, of the annotation's shape.
    layers : LayerList
        The viewer's layers, to notice that the layer is removed.
    settle_seconds : float
        How long after the last edit touched objects count as finished.
    channel : ChannelAxis
        The axis that the layer has more than the annotation, if it has one.

    Attributes
    ----------
    may_undo : callable
        Asked before a person's undo: whether there is something to take back.
    """

    changed = Signal(Box)  # labels or provenance in it are new, whoever changed them
    predicted = Signal()  # a prediction changed something
    edited = Signal(object)  # the person made this `Change`, or an undo or redo did
    settled = Signal()  # touched objects became accepted
    told = Signal(str)  # what was made of an array that somebody put into the layer
    refused = Signal(object)  # the error of an array that was not taken for labels
    # The layer is gone, its last stroke is in the annotation. napari is still at work
    # on its layers: change that list later.
    removed = Signal()
    moved = Signal()  # the layer shows another part of labels larger than memory

    def __init__(
        self,
        layer: Labels,
        annotation: Annotation,
        layers: LayerList,
        *,
        settle_seconds: float = SETTLE_SECONDS,
        channel: ChannelAxis = NO_CHANNEL_AXIS,
    ) -> None:
        labels = channel.spread(annotation.shown)
        if tuple(layer.data.shape) != labels.shape:
            raise _of_another_image(layer, labels.shape)
        self.layer = layer
        self.channel = channel
        self.annotation = annotation
        self._dirty: list[Box] = []  # dab by dab, put together after the stroke
        self._announced = False
        self._look_timer = single_shot(self._look, LOOK_AFTER_MS)
        self._settle_timer = single_shot(self.settle, int(settle_seconds * 1000))
        self._array = _recording_data(layer, labels)
        self._array.listener = self._on_write
        self._repainted: list[tuple[Box, Mask]] = []
        self._going_on = GoingOn(annotation, self._show_part)
        self._ends = [route_undo(layer, self._on_undo, self.redo)]
        self.may_undo: Callable[[], bool] = lambda: True
        if annotation.rules.repainting_accepts:
            self._ends.append(watch_tools(layer, self._on_tool))
        self._connections = Connections()
        connect, events = self._connections.connect, layer.events
        connect(events.paint, self._on_paint)
        connect(events.set_data, self._on_redraw)
        connect(events.reload, self._on_redraw)  # instead of set_data in async slicing
        connect(events.data, self._on_data)
        connect(events.selected_label, self.settle)
        connect(events.mode, self.settle)
        connect(layers.events.removed, self._on_removed)

    @property
    def busy(self) -> bool:
        """Whether a stroke is in progress: keep predictions out of the array."""
        return stroke_open(self.layer)

    def flush(self) -> None:
        """Commit what was written so far; call it before reading the annotation.

        A stroke in progress is left alone.
        """
        if not self.busy:
            self._commit()

    def settle(self) -> None:
        """Accept the objects touched so far, unless a stroke is in progress."""
        if self.busy:
            self._settle_timer.start()
            return
        self._commit()
        self._settle_timer.stop()
        change = self.annotation.do(Settle())
        if change is not None and change.box is not None:
            self.changed.emit(change.box)
            self.settled.emit()

    def undo(self) -> None:
        """Take back what the person did last; nothing while a stroke is under way."""
        self._replay(self.annotation.begin_undo)

    def redo(self) -> None:
        """Do again what was undone last; nothing while a stroke is under way."""
        self._replay(self.annotation.begin_redo)

    def do(self, edit: Edit) -> Change | None:
        """Do an edit that nobody painted, and show it; return what changed."""
        self.flush()
        change = self.annotation.begin(edit)
        if change is not None and change.box is not None:
            self._show_part(change.box)
            if change.open:
                self._settle_timer.start()
        self._going_on.begin()
        return change

    def refresh(self, box: Box) -> None:
        """Show what a prediction wrote inside a box."""
        if self.annotation.values is None:
            self._redraw(box)  # or else it lies beside the labels, which are marks
        self.changed.emit(box)
        self.predicted.emit()

    def close(self) -> None:
        """Commit, settle and let go of the layer, which stays an ordinary layer."""
        if self._array.listener is None:
            return
        self._array.listener = None
        for end in self._ends:
            end()
        self._commit()
        self.settle()
        self._going_on.close()
        self._connections.close()
        self._look_timer.stop()
        self._settle_timer.stop()

    def _on_undo(self) -> None:
        if self.may_undo():
            self.undo()

    def _on_tool(self, box: Box, mask: Mask, label: Any) -> None:
        """Take what a tool will not change as a person's word that it is right."""
        same = np.asarray(self._array)[box.slices] == label
        same &= mask
        if same.any():
            there = self.channel.box_of_labels(box)
            self._repainted.append((there, self.channel.mask_of_labels(same)))
        if not self._look_timer.isActive():
            self._look_timer.start()

    def _on_write(self, box: Box) -> None:
        self._dirty.append(self.channel.box_of_labels(box))
        if self._announced and not self.busy:
            self._commit()
        elif not self._look_timer.isActive():
            self._look_timer.start()

    def _on_paint(self) -> None:
        """Commit a finished stroke; single edits are announced before they happen."""
        if self._dirty:
            self._commit()
        else:
            self._announced = True
        forget_strokes(self.layer)

    def _on_redraw(self) -> None:
        """Look for what was written without a word before the layer was redrawn."""
        self._announced = False
        self.flush()

    def _on_data(self) -> None:
        """Take over what somebody assigned to ``layer.data`` as an edit."""
        if (data := self.layer.data) is self._array:
            return
        self.layer.data = self._array
        try:
            taken = self._take_over(data)
        except InputError as error:
            self.refused.emit(error)
            return
        if change := self.annotation.do(TakeOver(self.channel.labels(taken.array))):
            self._take(change)
        self.layer.refresh()
        if notes := tell([("", taken)]):
            self.told.emit(" ".join(notes))

    def _take_over(self, data: Any) -> TakenLabels:
        if self.annotation.shown_box != self.annotation.pixels.whole:
            raise _shows_a_part(self.layer)
        if tuple(data.shape) != self._array.shape:
            raise _given_another_shape(self.layer, data.shape, self._array.shape)
        return as_labels(data, self.annotation.rules.kind)

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.close()
            self.removed.emit()

    def _look(self) -> None:
        if self.busy:
            self._look_timer.start()
        else:
            self._commit()

    def _commit(self) -> None:
        """Tell the annotation where to look."""
        dirty, self._dirty, self._announced = self._dirty, [], False
        repainted, self._repainted = self._repainted, []
        self._look_timer.stop()
        if not dirty and not repainted:
            return
        box = box_around(dirty or [each for each, _ in repainted])
        points = points_of_masks(repainted) if repainted else NOWHERE
        were_open = self.annotation.open_objects
        if change := self.annotation.notice_change(box, points):
            self._take(change)
        if were_open - self.annotation.open_objects:
            self.settled.emit()

    def _replay(self, replay: Callable[[], Change | None]) -> None:
        if self.busy or not self.layer.editable:
            return
        self._commit()
        if change := replay():
            self._redraw(change.box)
            self._take(change)
        self._going_on.begin()

    def _show_part(self, box: Box) -> None:
        self._redraw(box)
        self.changed.emit(box)

    def _redraw(self, box: Box | None) -> None:
        shown = self.annotation.shown_box
        if box is not None and not (box := box.intersect(shown)).empty:
            redraw_box(self.layer, self.channel.box_in_layer(box))

    def note_moved(self, channel: ChannelAxis) -> None:
        """Take note that the layer shows another part of the labels."""
        self.channel = channel
        self.moved.emit()

    def _take(self, change: Change) -> None:
        """Pass on what the person did."""
        if change.open:
            self._settle_timer.start()
        self.edited.emit(change)
        if change.box is not None:
            self.changed.emit(change.box)


def _of_another_image(layer: Labels, shape: tuple[int, ...]) -> InputError:
    return InputError(
        f"The layer '{layer.name}' has the shape {tuple(layer.data.shape)}, its "
        f"annotation {shape}; choose the image that the labels were made for."
    )


def _given_another_shape(
    layer: Labels, given: tuple[int, ...], needed: tuple[int, ...]
) -> InputError:
    return InputError(
        f"The layer '{layer.name}' was given labels of the shape {tuple(given)}, but "
        f"its image needs {needed}; they were left out. Add them as a layer of their "
        "own to look at them."
    )


def _shows_a_part(layer: Labels) -> InputError:
    return InputError(
        f"The layer '{layer.name}' shows a part of the labels, and takes no others in "
        "the place of them; paint, or cut the part out."
    )


def _recording_data(layer: Labels, labels: npt.NDArray[Any]) -> RecordingArray:
    """Return the layer's data, made to record what is written into the labels."""
    data = layer.data
    if isinstance(data, RecordingArray) and np.may_share_memory(data, labels):
        return data
    array = RecordingArray.wrap(labels)
    layer.data = array
    return array
