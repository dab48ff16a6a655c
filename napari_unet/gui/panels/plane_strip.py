"""The planes of a stack as a strip: how far each is, and the way to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from psygnal import Signal
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import (
    QColor,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPolygonF,
)
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_unet.annotation.stage import Stage

_STAGES = tuple(Stage)
_HEIGHTS = (0.0, 0.3, 0.6, 1.0)
"""How high a column is, in the order of stages: it fills up as the work goes on."""
_BAR = 14
_POINTER = 5
_GAP_FROM = 5
"""Columns that are narrower have no room for a gap."""
_FAINT = 0.55
_WORDS = {"T": "Frame", "Z": "Plane"}


class PlaneStrip(QWidget):
    """A column for every plane, the higher the further it is; a click goes there.

    Where there are more planes than pixels, a column is as high as its least plane:
    what is left to do stays in sight.

    Attributes
    ----------
    wanted : Signal(int)
        A person goes to a plane; its number.
    """

    wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._stages: tuple[Stage, ...] = ()
        self._axes: tuple[tuple[str, int], ...] = ()
        self._here: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Planes")

    def show_planes(
        self, stages: Sequence[Stage], axes: Sequence[tuple[str, int]]
    ) -> None:
        """Show how far planes are; `axes` are letters and lengths, in order."""
        if (tuple(stages), tuple(axes)) != (self._stages, self._axes):
            self._stages, self._axes = tuple(stages), tuple(axes)
            self.update()

    def show_here(self, number: int | None) -> None:
        """Mark the plane in sight."""
        if number != self._here:
            self._here = number
            self.update()

    def words(self, number: int) -> str:
        """Say which plane one is, and how far."""
        place = np.unravel_index(number, [length for _, length in self._axes])
        which = [
            f"{_WORDS.get(letter, letter)} {int(at) + 1:,} of {length:,}"
            for (letter, length), at in zip(self._axes, place, strict=True)
            if length > 1
        ]
        return f"{', '.join(which)}: {self._stages[number].value}"

    def number_at(self, x: float) -> int:
        """Return which plane lies at a place in the strip."""
        total = len(self._stages)
        return min(max(int(x * total / max(self.width(), 1)), 0), total - 1)

    def sizeHint(self) -> QSize:
        """Return the height; the width is what there is."""
        return QSize(0, _BAR + _POINTER)

    def minimumSizeHint(self) -> QSize:
        """Return the same."""
        return self.sizeHint()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Go to the plane below the mouse."""
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Go along while the button is held."""
        self._follow(event)

    def event(self, event: QEvent | None) -> bool:
        """Say of the plane below the mouse which it is, and how far."""
        if isinstance(event, QHelpEvent) and self._stages and self.isEnabled():
            number = self.number_at(event.pos().x())
            tip = f"{self.words(number)}. Click to go there"
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return bool(super().event(event))

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the columns, and a pointer below that of the plane in sight."""
        if not self._stages:
            return
        painter = QPainter(self)
        color = self.palette().color(QPalette.ColorRole.Text)
        faint = QColor(color)
        faint.setAlphaF(_FAINT)
        lows, edges = self._columns()
        gap = int(edges[1] - edges[0] >= _GAP_FROM) if len(edges) > 1 else 0
        for stage, left, right in zip(lows, edges[:-1], edges[1:], strict=True):
            tall = max(1.0, _HEIGHTS[stage] * _BAR)
            done = stage == len(_STAGES) - 1
            column = QRectF(left, _BAR - tall, max(right - left - gap, 1), tall)
            painter.fillRect(column, color if done else faint)
        if self._here is not None:
            self._draw_pointer(painter, color)

    def _draw_pointer(self, painter: QPainter, color: QColor) -> None:
        assert self._here is not None
        middle = (self._here + 0.5) * self.width() / len(self._stages)
        half = _POINTER - 1.0
        middle = min(max(middle, half), self.width() - half)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        tip, foot = _BAR + 0.5, float(_BAR + _POINTER)
        corners = (middle, tip), (middle + half, foot), (middle - half, foot)
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))

    def _columns(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the stage of each column, as a number, and where they end."""
        stages = np.array([_STAGES.index(each) for each in self._stages], np.intp)
        count = min(len(stages), max(self.width(), 1))
        first = np.arange(count) * len(stages) // count
        edges = np.arange(count + 1) * self.width() // count
        return np.minimum.reduceat(stages, first), edges

    def _follow(self, event: QMouseEvent | None) -> None:
        if event is None or not self._stages:
            return
        if event.buttons() & Qt.MouseButton.LeftButton:
            number = self.number_at(event.pos().x())
            if number != self._here:
                self.wanted.emit(number)
