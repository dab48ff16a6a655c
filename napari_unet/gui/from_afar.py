"""What is labelled in an image larger than memory, when all of it is in view.

A layer of marks lies below the labels: what is predicted and what is verified, as
`napari_unet.annotation.overview` says. It is there while a person looks from afar. What
is in memory is marked some milliseconds at a time, and what is not is read by a job.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject, QTimer

from napari_unet.annotation.large import LargeAnnotation
from napari_unet.annotation.overview import Mark
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.gui.layers import ViewerLayers
from napari_unet.gui.napari_private import insert_quietly, redraw_box
from napari_unet.gui.overlays import ACCEPTED_COLOR, CORRECTED_COLOR, PREDICTED_COLOR
from napari_unet.gui.placement import cover_coarsely, see
from napari_unet.gui.shown_result import ShownResult
from napari_unet.session.images.read_chunks import ChunkMarked, ReadMarks
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.session import Session

if TYPE_CHECKING:
    from napari.components import ViewerModel

_NAME = "Overview"
_TICK_MS = 100
_SECONDS = 0.01
_AT_ONCE = 64
"""So many chunks are read by a job: what is in view by then goes first."""

_OPACITY = 0.7
_FAINT = "30"
"""How much of a colour there is where there are no objects."""


class FromAfar:
    """Shows the marks of the plane in view, or nothing."""

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        layers: ViewerLayers,
        runner: Runner,
        parent: QObject,
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._layers = layers
        self._runner = runner
        self._shown: ShownResult | None = None
        self._annotation: LargeAnnotation | None = None
        self._layer: Labels | None = None
        self._reading: Running | None = None
        self._timer = QTimer(parent)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    def show(
        self, shown: ShownResult, annotation: LargeAnnotation, plane: PlaneIndex
    ) -> None:
        """Show the marks of a plane of the labels of an image."""
        if shown is not self._shown:
            self.hide()
        overview = annotation.overview
        new = overview.at != plane
        overview.look_at(plane, annotation.saved.indices)
        self._shown, self._annotation = shown, annotation
        layer = self._layer_over(shown, annotation)
        origin = (*plane, *(0 for _ in range(2)))
        cover_coarsely(layer, shown.below, origin, overview.step)
        see(layer, visible=True)
        if new:
            layer.refresh(extent=False)
        self._tick()
        self._timer.start()

    def hide(self) -> None:
        """Show nothing; the layer of another image goes."""
        self._timer.stop()
        if self._reading is not None:
            self._reading.cancel()
        current = self._layers.results.current
        if self._layer is not None and self._layer in self._viewer.layers:
            see(self._layer, visible=False)
            if current is not self._shown:
                self._viewer.layers.remove(self._layer)
        if current is not self._shown:
            self._shown = self._annotation = self._layer = None

    def _layer_over(self, shown: ShownResult, annotation: LargeAnnotation) -> Labels:
        """Return the layer of marks, which is made when it is shown first."""
        if self._layer is not None and self._layer in self._viewer.layers:
            return self._layer
        marks = shown.binding.channel.spread(annotation.overview.array)
        self._layer = layer = Labels(
            marks, name=_NAME, opacity=_OPACITY, colormap=_colors()
        )
        shown.marks = layer
        insert_quietly(
            self._viewer.layers, self._viewer.layers.index(shown.layer), layer
        )
        layer.editable = False
        return layer

    def _tick(self) -> None:
        """Mark for some milliseconds, and have read what is not in memory."""
        annotation, layer = self._annotation, self._layer
        if annotation is None or layer is None:
            return
        overview = annotation.overview
        if (changed := overview.refresh(_SECONDS)) is not None:
            self._redraw(changed)
        if self._reading is not None and self._reading.running:
            return
        if unread := overview.unread()[:_AT_ONCE]:
            job = ReadMarks(annotation.saved, unread, overview.step)
            self._reading = self._runner.start(
                job,
                Handlers(
                    event=partial(self._take, annotation),
                    error=partial(self._session.report, "correct"),
                ),
            )

    def _take(self, annotation: LargeAnnotation, found: ChunkMarked) -> None:
        changed = annotation.overview.take(found.index, found.marks)
        if annotation is self._annotation and changed is not None:
            self._redraw(changed)

    def _redraw(self, box: Box) -> None:
        if self._layer is not None and self._shown is not None:
            channel = self._shown.binding.channel.without_origin
            redraw_box(self._layer, channel.box_in_layer(box))


def _colors() -> DirectLabelColormap:
    """Return the colours of marks: those of lines round labels, faint where empty."""
    return DirectLabelColormap(
        color_dict={
            None: "transparent",
            Mark.PREDICTED_EMPTY: PREDICTED_COLOR + _FAINT,
            Mark.PREDICTED: PREDICTED_COLOR,
            Mark.ACCEPTED_EMPTY: ACCEPTED_COLOR + _FAINT,
            Mark.ACCEPTED: ACCEPTED_COLOR,
            Mark.CORRECTED: CORRECTED_COLOR,
        }
    )
