"""The part of an image larger than memory in which a person paints, where they look.

How it flows: the camera comes to rest; what is in view of the image is asked of it, not
of the labels, which show a part alone. Where that part does not hold the view, chunks
that are not in memory are read by a job, and the part moves there. A part under a
stroke stays until the stroke is over.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_unet.annotation.large import LargeAnnotation
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.gui.camera import box_in_canvas
from napari_unet.gui.from_afar import FromAfar
from napari_unet.gui.layers import ViewerLayers
from napari_unet.gui.view_watch import ViewWatch
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.read_chunks import ChunksRead, ReadChunks
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.session import Session

if TYPE_CHECKING:
    from napari.components import ViewerModel

_ZOOM_IN = (
    "From afar you see where labels are: predicted white, accepted blue, corrected "
    "orange. Zoom in to see them all, and to paint."
)


class VisiblePart:
    """Moves the labels of a large image to where the camera looks."""

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
        self._reading: Running | None = None
        self._told = False
        self._afar = FromAfar(viewer, session, layers, runner, parent)
        self._watch = ViewWatch(viewer, _nothing, self.follow, parent)
        layers.results.changed.connect(self.follow)

    def close(self) -> None:
        """Move nothing more."""
        self._watch.close()
        self._afar.hide()
        self._layers.results.changed.disconnect(self.follow, missing_ok=True)

    def follow(self) -> None:
        """Show the part of the labels that is in view, if another one is shown."""
        image, shown = self._session.images.current, self._layers.results.current
        annotation = image.annotation if image is not None else None
        if not (image and shown and isinstance(annotation, LargeAnnotation)):
            self._afar.hide()
            return
        view = box_in_canvas(self._viewer, shown.below, image.axes)
        view = view.intersect(annotation.pixels.whole) if view else None
        if view is None or view.empty:
            return
        pane = annotation.pane
        fits = all(a <= b for a, b in zip(view.shape, pane.array.shape, strict=True))
        if fits:
            self._afar.hide()
        else:
            self._afar.show(shown, annotation, view.start[:-2])
        self._tell(zoomed_out=not fits)
        wanted = pane.best(view)
        if wanted == pane.box or (fits and pane.box.contains(view)):
            return
        self._go_to(image, annotation, wanted)

    def _tell(self, *, zoomed_out: bool) -> None:
        if zoomed_out and not self._told:
            self._session.tell(_ZOOM_IN)
        self._told = zoomed_out

    def _go_to(self, image: OpenImage, annotation: LargeAnnotation, box: Box) -> None:
        if self._reading is not None and self._reading.running:
            self._reading.cancel()
        missing = tuple(annotation.missing(box))
        if not missing:
            self._move(image, box)
            return
        saved = annotation.saved

        def take(chunks: ChunksRead) -> None:
            if annotation.saved is saved:
                annotation.offer(chunks)
            self._move(image, box)
            if damage := annotation.tell_damage():
                self._session.report("correct", InputError(damage))

        failed = partial(self._session.report, "correct")
        self._reading = self._runner.start(
            ReadChunks(saved, missing), Handlers(result=take, error=failed)
        )

    def _move(self, image: OpenImage, box: Box) -> None:
        shown = self._layers.results.current
        if shown is None or image is not self._session.images.current:
            return
        if shown.binding.busy:
            self._watch.again()
            return
        shown.show_part(box)


def _nothing() -> None:
    """Do nothing: only where the camera rests matters."""
