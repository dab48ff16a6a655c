"""The versions of the model in a list: which there are, and what becomes of them."""

from __future__ import annotations

from typing import Any

from psygnal import Signal
from qtpy.QtCore import QModelIndex, QPointF, QRect, QSize, Qt
from qtpy.QtGui import QColor, QKeyEvent, QPainter, QPalette
from qtpy.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from napari_unet.session.models.status import VersionState

ROWS = 3
"""So many are in sight at once."""

_VERSION = Qt.ItemDataRole.UserRole
_ACTIVE = Qt.ItemDataRole.UserRole + 1
_MARK = 14
"""Width of the column with the mark of the version that predicts."""
_PAD = 4
_FAINT = 0.65
_TIP = "{} Enter or a double click goes to it, F2 names it, Delete deletes it."


class VersionList(QListWidget):
    """The versions of the model, the newest on top, in two lines each.

    One of them is selected, which buttons act on; a dot marks the one that predicts.
    """

    wanted = Signal(int)  # the number of one that a person goes to
    unwanted = Signal(int)  # of one that a person deletes
    named = Signal(int, str)  # and what a person calls it
    selected = Signal()  # another one is selected

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[VersionState, ...], int] = ((), 0)
        self._rows = _Rows(self)
        self.setItemDelegate(self._rows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Versions of the model")
        self.itemDoubleClicked.connect(self._on_double_click)
        self.currentItemChanged.connect(self._on_current)

    @property
    def version(self) -> VersionState | None:
        """The version that is selected."""
        item = self.currentItem()
        return None if item is None else item.data(_VERSION)

    def show_versions(self, versions: tuple[VersionState, ...], active: int) -> None:
        """Show these, oldest first; who had the active one selected goes with it."""
        before = self._shown
        if (versions, active) == before:
            return
        if self.state() == QAbstractItemView.State.EditingState:
            return  # until the name is written
        self._shown = versions, active
        selected = self.version
        stays = selected is not None and selected.number != before[1]
        wanted = selected.number if selected is not None and stays else active
        if wanted not in {each.number for each in versions}:
            wanted = active
        self.blockSignals(True)
        self.clear()
        for version in reversed(versions):
            self.addItem(_item(version, active=version.number == active))
            if version.number == wanted:
                self.setCurrentRow(self.count() - 1)
        self.blockSignals(False)
        self.scrollToItem(self.currentItem())
        self.selected.emit()

    def rename_selected(self) -> None:
        """Let the person write a name where it stands."""
        if (item := self.currentItem()) is not None:
            self.editItem(item)

    def sizeHint(self) -> QSize:
        """Return the place of some rows."""
        return QSize(0, ROWS * self._rows.height + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:
        """Return the same: no row is given up."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Go to the selected one, or delete it; the arrows select."""
        if event is None or (version := self.version) is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.wanted.emit(version.number)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.unwanted.emit(version.number)
        elif event.key() == Qt.Key.Key_F2:
            self.rename_selected()
        else:
            super().keyPressEvent(event)

    def _on_double_click(self, item: QListWidgetItem) -> None:
        self.wanted.emit(item.data(_VERSION).number)

    def _on_current(self, *_: object) -> None:
        self.selected.emit()


def _item(version: VersionState, *, active: bool) -> QListWidgetItem:
    item = QListWidgetItem(version.text)
    item.setData(_VERSION, version)
    item.setData(_ACTIVE, active)
    item.setToolTip(_TIP.format(version.about))
    if not version.why_not_rename:
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
    return item


class _Rows(QStyledItemDelegate):
    """Draws a version in two lines, and lets its name be written in the first."""

    def __init__(self, versions: VersionList) -> None:
        super().__init__(versions)
        self._list = versions

    @property
    def height(self) -> int:
        """Height of a row."""
        return 2 * self._list.fontMetrics().lineSpacing() + 2 * _PAD

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex) -> QSize:
        return QSize(0, self.height)

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        style = self._list.style()
        if painter is None or style is None:
            return
        drawn = QStyleOptionViewItem(option)
        self.initStyleOption(drawn, index)
        drawn.text = ""
        style.drawControl(
            QStyle.ControlElement.CE_ItemViewItem, drawn, painter, self._list
        )
        version, active = index.data(_VERSION), bool(index.data(_ACTIVE))
        color = self._list.palette().color(QPalette.ColorRole.Text)
        painter.save()
        painter.setPen(color)
        first, second = _lines(option.rect)
        if active:
            _draw_mark(painter, first, color)
        _draw_line(painter, first, version.name, version.when, bold=active)
        color.setAlphaF(_FAINT)
        painter.setPen(color)
        _draw_line(painter, second, version.details, "")
        painter.restore()

    def createEditor(
        self, parent: QWidget | None, _option: Any, _index: QModelIndex
    ) -> QWidget:
        return QLineEdit(parent)

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:
        if isinstance(editor, QLineEdit):
            editor.setText(index.data(_VERSION).name)
            editor.selectAll()

    def setModelData(
        self, editor: QWidget | None, _model: Any, index: QModelIndex
    ) -> None:
        if isinstance(editor, QLineEdit):
            self._list.named.emit(index.data(_VERSION).number, editor.text())

    def updateEditorGeometry(
        self, editor: QWidget | None, option: QStyleOptionViewItem, _index: QModelIndex
    ) -> None:
        if editor is not None:
            editor.setGeometry(option.rect.adjusted(_MARK, 1, -1, -1))


def _lines(row: QRect) -> tuple[QRect, QRect]:
    """Return where the two lines of a row are."""
    inner = row.adjusted(_PAD + _MARK, _PAD, -2 * _PAD, -_PAD)
    half = inner.height() // 2
    return inner.adjusted(0, 0, 0, -half), inner.adjusted(0, half, 0, 0)


def _draw_mark(painter: QPainter, line: QRect, color: QColor) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    middle = QPointF(line.left() - _MARK / 2 - 1, line.center().y() + 1)
    painter.drawEllipse(middle, 3.5, 3.5)
    painter.restore()


def _draw_line(
    painter: QPainter, line: QRect, left: str, right: str, *, bold: bool = False
) -> None:
    """Write on both ends of a line; what is on the left gives way."""
    middle = Qt.AlignmentFlag.AlignVCenter
    painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, right)
    room = line.width() - painter.fontMetrics().horizontalAdvance(right + "  ")
    painter.save()
    font = painter.font()
    font.setBold(bold)
    painter.setFont(font)
    words = painter.fontMetrics().elidedText(left, Qt.TextElideMode.ElideRight, room)
    painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, words)
    painter.restore()
