"""The list of images on screen: small pictures, names, and how far each of them is."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtCore import QEvent, QModelIndex, QPointF, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QKeyEvent, QPainter, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from napari_unet.annotation.stage import Stage
from napari_unet.gui.panels.image_rows import ImageRows
from napari_unet.session.session import Session
from napari_unet.session.worklist.entry import Entry

MOST_ROWS = 4
"""So many are in sight at once, if there are so many."""

_PAD = 4
_MARK = 14
_BAR = 3
_FAINT = 0.65


class ImageList(QTableView):  # type: ignore[misc, unused-ignore]
    """Rows of images; a click, or Enter, goes to one, and Delete takes it out.

    Attributes
    ----------
    wanted : Signal(object)
        A person goes to an image; its source.
    unwanted : Signal(tuple)
        A person takes images out of the list; their sources.
    """

    wanted = Signal(object)
    unwanted = Signal(tuple)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.rows = ImageRows(session, self)
        self._drawn = _Drawn(self)
        self._place = -1
        self.setModel(self.rows)
        self.setItemDelegate(self._drawn)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setAccessibleName("Images")
        side, top = self.verticalHeader(), self.horizontalHeader()
        if side is not None and top is not None:
            side.hide()
            top.hide()
            side.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            top.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.clicked.connect(self._on_click)
        self._fit_rows()

    @property
    def place(self) -> int:
        """The row on which a person works, -1 if it is none."""
        return self._place

    def show_place(self, place: int) -> None:
        """Mark the row on which a person works, and bring it into sight."""
        if place == self._place:
            return
        self._place = place
        if (viewport := self.viewport()) is not None:
            viewport.update()
        if 0 <= place < self.rows.rowCount():
            self.scrollTo(self.rows.index(place, 0))

    def show_rows(self) -> None:
        """Show that there are other images."""
        self.rows.reset()
        self.updateGeometry()

    def selected(self) -> tuple[object, ...]:
        """Return the sources of the rows that are selected."""
        model = self.selectionModel()
        found = model.selectedRows() if model is not None else []
        return tuple(self.rows.rows[index.row()].source for index in found)

    def sizeHint(self) -> QSize:
        """Return the place of some rows, which is what the list has at least."""
        rows = max(1, min(MOST_ROWS, self.rows.rowCount()))
        return QSize(0, rows * self._drawn.height + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:
        """Return the same: no row is given up."""
        return self.sizeHint()

    def changeEvent(self, event: QEvent | None) -> None:
        """Be as high as the font needs, which a style or a person may change."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._fit_rows()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Go to the row on which the keyboard is, or take rows out; arrows select."""
        index = self.currentIndex()
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid():
            self._on_click(index)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.unwanted.emit(self.selected())
        else:
            super().keyPressEvent(event)

    def _fit_rows(self) -> None:
        if (side := self.verticalHeader()) is not None:
            side.setDefaultSectionSize(self._drawn.height)
            self.updateGeometry()

    def _on_click(self, index: QModelIndex) -> None:
        if len(self.selected()) <= 1 and index.row() < len(self.rows.rows):
            self.wanted.emit(self.rows.rows[index.row()].source)


class _Drawn(QStyledItemDelegate):
    """Draws an image in two lines beside its picture, with a mark at the end."""

    def __init__(self, images: ImageList) -> None:
        super().__init__(images)
        self._list = images

    @property
    def height(self) -> int:
        """Height of a row."""
        return 2 * self._list.fontMetrics().lineSpacing() + 2 * _PAD + 1

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        style = self._list.style()
        if painter is None or style is None or index.row() >= len(self._list.rows.rows):
            return
        drawn = QStyleOptionViewItem(option)
        self.initStyleOption(drawn, index)
        drawn.text = ""
        style.drawControl(
            QStyle.ControlElement.CE_ItemViewItem, drawn, painter, self._list
        )
        entry = self._list.rows.rows[index.row()]
        color = self._list.palette().color(QPalette.ColorRole.Text)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._draw(painter, option.rect, entry, color, index.row() == self._list.place)
        painter.restore()

    def _draw(
        self, painter: QPainter, row: QRect, entry: Entry, color: QColor, here: bool
    ) -> None:
        side = row.height() - 2 * _PAD
        place = QRect(row.left() + _PAD + _BAR, row.top() + _PAD, side, side)
        faint = QColor(color)
        faint.setAlphaF(_FAINT)
        if here:
            bar = QRect(row.left(), row.top() + 1, _BAR, row.height() - 2)
            painter.fillRect(bar, color)
        self._draw_picture(painter, place, entry, faint)
        mark = QRectF(row.right() - _MARK - _PAD, 0, _MARK, _MARK)
        mark.moveTop(row.center().y() - _MARK / 2)
        draw_mark(painter, mark, entry, color)
        words = QRect(place.right() + 2 * _PAD, place.top(), 0, side)
        words.setRight(round(mark.left()) - 2 * _PAD)
        half = side // 2
        font = painter.font()
        font.setBold(here)
        painter.setFont(font)
        painter.setPen(faint if entry.why_not else color)
        _write(painter, words.adjusted(0, 0, 0, half - side), entry.name)
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(faint)
        told = self._list.rows.words(entry)
        _write(painter, words.adjusted(0, half, 0, 0), told, end=True)

    def _draw_picture(
        self, painter: QPainter, place: QRect, entry: Entry, faint: QColor
    ) -> None:
        picture = self._list.rows.picture(entry)
        if picture is None:
            painter.setPen(QPen(faint, 1, Qt.PenStyle.DotLine))
            painter.drawRect(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5))
            return
        size = picture.size()
        size.scale(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        within = QRect(place.topLeft(), size)
        within.moveCenter(place.center())
        painter.drawPixmap(within, picture)


def draw_mark(painter: QPainter, place: QRectF, entry: Entry, color: QColor) -> None:
    """Draw how far an image is: a ring, a dot in it, half of it, or all with a tick.

    So shapes alone tell; a triangle stands for what went wrong.
    """
    inner = place.adjusted(1.5, 1.5, -1.5, -1.5)
    middle, radius = inner.center(), inner.width() / 2
    painter.setPen(QPen(color, 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if entry.told:
        corners = (
            QPointF(middle.x(), inner.top()),
            QPointF(inner.right(), inner.bottom()),
            QPointF(inner.left(), inner.bottom()),
        )
        painter.drawPolygon(QPolygonF(corners))
        top, bottom = inner.top() + 4, inner.bottom() - 3
        painter.drawLine(QPointF(middle.x(), top), QPointF(middle.x(), bottom))
        return
    stage = entry.work.stage
    if stage is Stage.DONE:
        painter.setBrush(color)
    painter.drawEllipse(inner)
    painter.setBrush(color)
    if stage is Stage.PREDICTED:
        painter.drawEllipse(middle, radius / 4, radius / 4)
    elif stage is Stage.BEGUN:
        painter.drawPie(inner, 90 * 16, 180 * 16)
    elif stage is Stage.DONE:
        dark = color.lightness() < 128
        painter.setPen(QPen(QColor("white" if dark else "black"), 1.8))
        points = ((-0.45, 0.0), (-0.1, 0.4), (0.5, -0.4))
        tick = [QPointF(x * radius, y * radius) + middle for x, y in points]
        painter.drawPolyline(QPolygonF(tick))


def _write(painter: QPainter, line: QRect, text: str, *, end: bool = False) -> None:
    """Write in a line; of names the end tells them apart, of words the beginning."""
    side = Qt.TextElideMode.ElideRight if end else Qt.TextElideMode.ElideMiddle
    words = painter.fontMetrics().elidedText(text, side, line.width())
    where = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
    painter.drawText(line, where, words)
