"""The learning curve: score on held-out pixels, and loss of every step."""

from __future__ import annotations

import pyqtgraph
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_unet.core.events import TrainStep, Validated
from napari_unet.gui.connections import single_shot
from napari_unet.gui.theme import Colors, colors_of

HEIGHT = 120
_REDRAW_MS = 200
_LEAST_RANGE = 0.1
_SMOOTHING = 0.1
_WORDS_TIP = (
    "Score: agreement with what is verified and held out of training, of pixels and "
    "of objects; 1 is perfect. From left to right: steps."
)
_DETAILS_TIP = (
    "Show the loss, too: the error on what trains, smoothed. It falls also where a "
    "model gets no better at what it has not seen"
)


class Curve(QWidget):
    """A small live plot; redrawn a few times a second, however fast training is.

    It shows the score, which says whether a model is better, and the loss, which does
    not, to those who want to see the details.
    """

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[int] = []
        self._losses: list[float] = []
        self._scored: list[int] = []
        self._scores: list[float] = []
        self._colors = colors_of("dark")
        self.plot = pyqtgraph.PlotWidget()
        self.plot.setFixedHeight(HEIGHT)
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(False, False)
        self.plot.hideButtons()
        # Or a hundredth looks like the world.
        self.plot.getViewBox().setLimits(minYRange=_LEAST_RANGE)
        self._loss = self.plot.plot(name="loss")
        self._score = self.plot.plot(name="score", symbol="o", symbolSize=4)
        self.words = QLabel()
        self.words.setToolTip(_WORDS_TIP)
        self.details = QCheckBox("Details")
        self.details.setToolTip(_DETAILS_TIP)
        self.details.toggled.connect(self._redraw)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.plot)
        below = QHBoxLayout()
        below.addWidget(self.words, 1)
        below.addWidget(self.details)
        column.addLayout(below)
        self._timer = single_shot(self._redraw, _REDRAW_MS, self)

    def paint_in(self, colors: Colors) -> None:
        """Use the colours of a theme."""
        self._colors = colors
        self.plot.setBackground(colors.background)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(colors.faint)
            axis.setTextPen(colors.faint)
        self._loss.setPen(colors.loss, width=1.5)
        self._score.setPen(colors.score, width=2)
        self._score.setSymbolBrush(colors.score)
        self._score.setSymbolPen(colors.score)
        self._tell()

    def add(self, event: TrainStep | Validated) -> None:
        """Add a point."""
        if isinstance(event, TrainStep):
            last = self._losses[-1] if self._losses else event.loss
            self._steps.append(event.step)
            self._losses.append(last + _SMOOTHING * (event.loss - last))
        else:
            self._scored.append(event.step)
            self._scores.append(event.score)
        if not self._timer.isActive():
            self._timer.start()

    def clear(self) -> None:
        """Begin anew."""
        for values in (self._steps, self._losses, self._scored, self._scores):
            values.clear()
        self._redraw()

    def _redraw(self, _: bool = False) -> None:
        self._loss.setVisible(self.details.isChecked())
        losses = self._losses if self.details.isChecked() else []
        self._loss.setData(self._steps[: len(losses)], losses)
        self._score.setData(self._scored, self._scores)
        self._tell()

    def _tell(self) -> None:
        """Say in words what the lines are, and where they are now."""
        parts = []
        if self._scores:
            now = f"score {self._scores[-1]:.2f}, at first {self._scores[0]:.2f}"
            parts.append(_line(self._colors.score, now))
        if self._losses and self.details.isChecked():
            parts.append(_line(self._colors.loss, f"loss {self._losses[-1]:.2f}"))
        self.words.setText(" &nbsp; ".join(parts))


def _line(color: str, words: str) -> str:
    return f'<span style="color:{color}">━</span> {words}'
