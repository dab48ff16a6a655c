"""What brush and eraser may paint over, and whether they keep their size on screen."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QWidget

from napari_unet.annotation.brush import PaintOver
from napari_unet.gui.brush import Brush
from napari_unet.gui.connections import Connections
from napari_unet.gui.keys import PAINT_OVER, hint
from napari_unet.gui.panels.panel import Choices, row

_OVER_TIP = "What brush, eraser, fill and polygon may change"
_TITLES = {
    PaintOver.EVERYTHING: "Paint over all",
    PaintOver.BACKGROUND: "Only background",
    PaintOver.FIRST: "First touched",
}
_TIPS = {
    PaintOver.EVERYTHING: "A stroke changes whatever it passes",
    PaintOver.BACKGROUND: "A stroke spares all other objects; the eraser takes only "
    "from the object that it touches first",
    PaintOver.FIRST: "A stroke changes only what it touches first: background, or one "
    "object",
}
_KEEPS_SIZE_TIP = (
    "Brush and eraser stay as large as they look, however far you zoom; each has a "
    "size of its own in any case"
)


class StrokeOptions(QWidget):
    """A choice and a switch, in one row."""

    def __init__(self, brush: Brush, connections: Connections) -> None:
        super().__init__()
        self._brush = brush
        self.over = Choices(hint(_OVER_TIP, PAINT_OVER), steady=True)
        self.over.offer([(_TITLES[each], each, _TIPS[each]) for each in PaintOver])
        self.over.chosen.connect(brush.paint_over)
        self.keeps_size = QCheckBox("Same on screen")
        self.keeps_size.setToolTip(_KEEPS_SIZE_TIP)
        self.keeps_size.toggled.connect(brush.keep_size)
        row(self.over, self.keeps_size, on=self)
        connections.connect(brush.changed, self._show)
        self._show()

    def offer_objects(self, objects: bool) -> None:
        """Let a person choose what is spared, where there are objects to spare."""
        self.over.setVisible(objects)

    def _show(self) -> None:
        """Show how the brush paints, however that was chosen."""
        self.over.show_choice(self._brush.over)
        self.keeps_size.setChecked(self._brush.keeps_size)
