"""How far the planes of the chosen image are, beside the tools that carry objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_unet.annotation.stage import Stage
from napari_unet.geometry.axes import result_axes
from napari_unet.gui.connections import Connections
from napari_unet.gui.panels.panel import Label, row
from napari_unet.gui.panels.plane_strip import PlaneStrip
from napari_unet.session.guiding import DRAWING

if TYPE_CHECKING:
    from napari_unet.gui.workbench import Workbench
    from napari_unet.session.images.status import ImageState
    from napari_unet.session.state import State


class Planes(QWidget):
    """A strip of planes, which follows the sliders and leads to planes, and a count."""

    def __init__(self, bench: Workbench, connections: Connections) -> None:
        super().__init__()
        self._sections = bench.sections
        self._session = bench.session
        self.strip = PlaneStrip()
        self.strip.wanted.connect(self._on_wanted)
        self.count = Label("", "faint")
        row(self.strip, self.count, on=self)
        dims = bench.viewer.dims.events
        for moved in (dims.current_step, dims.ndisplay, dims.order):
            connections.connect(moved, self._show_here)

    def show_state(self, state: State) -> None:
        """Show how far the planes of the chosen image are, if it has several."""
        stages = state.image.planes if state.image is not None else ()
        self.setVisible(bool(stages))
        if state.image is None or not stages:
            return
        self.strip.show_planes(stages, _axes_of(state.image))
        self.strip.setEnabled(state.image.has_labels)
        done = stages.count(Stage.DONE)
        self.count.setText(f"{done:,} of {len(stages):,} done")
        self._show_here()

    def _show_here(self) -> None:
        if not self.isHidden():
            self.strip.show_here(self._sections.number)

    def _on_wanted(self, number: int) -> None:
        if self._sections.half_drawn:
            # napari would go on with it in the plane that comes.
            self._session.tell(DRAWING)
        else:
            self._sections.go_to(number)


def _axes_of(image: ImageState) -> list[tuple[str, int]]:
    """Return the letters and lengths of the axes along which planes lie."""
    sizes = dict(zip(image.axes, image.shape, strict=True))
    return [(letter, sizes[letter]) for letter in result_axes(image.axes)[:-2]]
