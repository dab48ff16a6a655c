"""How often which number occurs in a column, and how often among what is selected."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_unet.gui.theme import Colors

_MOST_BARS = 40
_LEAST_HEIGHT = 72
_TIP = "Drag over a range to select the objects in it; a click selects none."


class _DragBox(pyqtgraph.ViewBox):
    """Tells where the mouse was pressed and where it is, in numbers of the axis."""

    dragged = Signal(float, float)

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Tell the range so far."""
        del axis
        event.accept()
        ends = (event.buttonDownPos(), event.pos())
        self.dragged.emit(*sorted(self.mapToView(each).x() for each in ends))

    def mouseClickEvent(self, event: Any) -> None:
        """Tell that there is no range."""
        event.accept()
        self.dragged.emit(np.inf, -np.inf)


class Histogram(QWidget):
    """Bars of all objects, and of the selected ones in front of them.

    Attributes
    ----------
    chosen : Signal(float, float)
        The range over which a person drags; the first one is larger for no range.
    """

    chosen = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        box = _DragBox(enableMenu=False)
        box.setMouseEnabled(False, False)
        box.dragged.connect(self.chosen.emit)
        self.plot = pyqtgraph.PlotWidget(viewBox=box)
        self.plot.hideButtons()
        self.plot.setMinimumHeight(_LEAST_HEIGHT)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setToolTip(_TIP)
        self.plot.hideAxis("left")
        # Or 0.5 is called 500 (x0.001).
        self.plot.getAxis("bottom").enableAutoSIPrefix(False)
        self._all = pyqtgraph.BarGraphItem(x0=[], x1=[], height=[], pen=None)
        self._some = pyqtgraph.BarGraphItem(x0=[], x1=[], height=[], pen=None)
        self.plot.addItem(self._all)
        self.plot.addItem(self._some)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self.counts: tuple[npt.NDArray[Any], npt.NDArray[Any]] = (
            np.zeros(0, int),
            np.zeros(0, int),
        )

    def paint_in(self, colors: Colors) -> None:
        """Use the colours of a theme."""
        self.plot.setBackground(colors.background)
        axis = self.plot.getAxis("bottom")
        axis.setPen(colors.faint)
        axis.setTextPen(colors.faint)
        self._all.setOpts(brush=colors.loss)
        self._some.setOpts(brush=colors.score)

    def show_values(
        self, title: str, values: npt.NDArray[Any], chosen: npt.NDArray[np.intp]
    ) -> None:
        """Show the numbers of a column; `chosen` are the rows that are selected."""
        numbers = values.astype(np.float64)
        finite = numbers[np.isfinite(numbers)]
        some = numbers[chosen]
        edges = _edges(finite)
        counts = [np.histogram(each, edges)[0] for each in (finite, some)]
        for bars, heights in zip((self._all, self._some), counts, strict=True):
            bars.setOpts(x0=edges[:-1], x1=edges[1:], height=heights)
        self.counts = counts[0], counts[1]
        self.plot.setLabel("bottom", title)
        # Bars stand on the ground, also where there are none.
        self.plot.setYRange(0, max(1, int(counts[0].max(initial=0))), padding=0.05)
        self.plot.setXRange(float(edges[0]), float(edges[-1]), padding=0.02)


def _edges(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the edges of bars: a whole number has one of its own if there is room."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    whole = bool((values == np.round(values)).all())
    if whole and high - low < _MOST_BARS:
        return np.arange(low - 0.5, high + 1)
    if high == low:
        return np.array([low - 0.5, high + 0.5])
    bars = int(np.clip(2 * np.sqrt(len(values)), 5, _MOST_BARS))
    return np.linspace(low, high, bars + 1)
