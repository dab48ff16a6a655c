"""Who has the keyboard and the mouse wheel: the canvas, whatever is in the dock.

The keys of the brushes, of Predict and of Accept go where the keyboard is. So a control
takes it from the mouse only where there is something to type, and gives it back after
Enter, Escape, or a click elsewhere in the dock; a list keeps it for the arrows, and
lets the canvas have what it has no use for. With Tab every control can be reached.
The wheel scrolls the dock, and changes nothing by accident.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QChildEvent, QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QSlider,
    QTabBar,
    QTableView,
    QTextEdit,
    QWidget,
)

_LISTS = (QListWidget, QTableView)
_TURNED_BY_WHEELS = (QComboBox, QAbstractSpinBox, QSlider, QTabBar)
_BY_CLICK = (
    Qt.FocusPolicy.ClickFocus,
    Qt.FocusPolicy.StrongFocus,
    Qt.FocusPolicy.WheelFocus,
)
_MOUSE = (
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.MouseButtonRelease,
)
_DONE = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
_OF_LISTS = (
    *_DONE,
    Qt.Key.Key_Delete,
    Qt.Key.Key_Backspace,
    Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab,
)


class InputGuard(QObject):
    """Filters the events of a widget and of everything in it.

    The canvas is asked for, since there may be none, and it gets the keyboard.
    """

    def __init__(self, root: QWidget, canvas: Callable[[], QWidget | None]) -> None:
        super().__init__(root)
        self._canvas = canvas
        self._watch(root)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Watch new children; keep the wheel from controls, and the keyboard."""
        if event is None or not isinstance(watched, QWidget):
            return False
        kind = event.type()
        # A child is polished when all of it is made, before it is shown.
        if kind == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            child = event.child()
            if isinstance(child, QWidget):
                self._watch(child)
        elif kind == QEvent.Type.Wheel and not _may_be_turned(watched):
            event.ignore()
            return True
        elif kind in _MOUSE:
            # When the button goes down already: what was typed before counts now.
            if not _keeps_keyboard(watched, kind):
                self.give_back()
        elif isinstance(event, QKeyEvent):  # PyQt5 may take a stale one for another
            if kind == QEvent.Type.KeyRelease and _is_typed_in(watched):
                self._leave(event)
            elif kind == QEvent.Type.KeyPress:
                return self._on_key(watched, event)
        return False

    def _on_key(self, widget: QWidget, event: QEvent) -> bool:
        """Return whether a key is dealt with."""
        if isinstance(widget, _LISTS):
            return self._hand_over(event)
        if (line := _line_of(widget)) is not None:
            _take_back(line, event)
        return False

    def _watch(self, widget: QWidget) -> None:
        for each in (widget, *widget.findChildren(QWidget)):
            # Installing again only moves a filter to the front.
            each.installEventFilter(self)
            _limit_focus(each)

    def give_back(self) -> None:
        """Let the canvas have the keyboard."""
        canvas = self._canvas()
        if canvas is None:
            return
        active = QApplication.activeWindow()
        canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        if active is not None and active is not canvas.window():
            # The dock floats in a window of its own.
            canvas.activateWindow()

    def _hand_over(self, event: Any) -> bool:
        """Let the canvas have a key that a list has no use for, and the next ones."""
        canvas = self._canvas()
        if canvas is None or not event.text() or event.key() in _OF_LISTS:
            return False
        self.give_back()
        QApplication.sendEvent(canvas, event)
        return True

    def _leave(self, event: Any) -> None:
        if event.key() in _DONE and not event.isAutoRepeat():
            self.give_back()


def _may_be_turned(widget: QWidget) -> bool:
    """Whether the wheel may turn it: numbers that have the focus, and choices never."""
    if not isinstance(widget, _TURNED_BY_WHEELS):
        return True
    return widget.hasFocus() and not isinstance(widget, QComboBox | QTabBar)


def _limit_focus(widget: QWidget) -> None:
    """Let the mouse give the keyboard only to what is typed in."""
    if widget.focusPolicy() not in _BY_CLICK or widget.focusProxy() is not None:
        return
    if _is_typed_in(widget):
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    elif isinstance(widget, QAbstractButton | QComboBox | QAbstractSlider | QTabBar):
        widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    elif isinstance(widget, QAbstractScrollArea) and not _is_text(widget):
        widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)


def _take_back(edit: QLineEdit, event: Any) -> None:
    """Give up what was typed, with Escape."""
    if event.key() == Qt.Key.Key_Escape:
        while edit.isUndoAvailable():
            edit.undo()


def _line_of(widget: QWidget) -> QLineEdit | None:
    """Return where a widget is typed in; a box with choices gets the keys itself."""
    if isinstance(widget, QComboBox):
        return widget.lineEdit()
    return widget if isinstance(widget, QLineEdit) else None


def _is_typed_in(widget: QWidget) -> bool:
    """Whether it has use for the keyboard; arrows choose in a list."""
    typed = isinstance(widget, (QAbstractSpinBox, *_LISTS))
    return typed or _line_of(widget) is not None


def _is_text(widget: QWidget) -> bool:
    return isinstance(widget, QPlainTextEdit | QTextEdit)


def _keeps_keyboard(widget: QWidget, kind: QEvent.Type) -> bool:
    """Whether the keyboard stays where the mouse was pressed or let go."""
    if isinstance(widget, QLabel):
        if kind == QEvent.Type.MouseButtonRelease:
            return widget.hasSelectedText()  # to be copied with Ctrl+C
        return widget.focusPolicy() in _BY_CLICK
    parent = widget.parentWidget()
    if isinstance(parent, _LISTS):
        return True
    in_text = parent is not None and _is_text(parent)
    return isinstance(widget, QLineEdit) or _is_text(widget) or in_text
