"""Who has the keyboard and the mouse wheel: the canvas, whatever is in the dock.

The keys of the brushes, of Predict and of Accept go where the keyboard is. So a control
takes it from the mouse only where there is something to type, and gives it back after
Enter, Escape, or a click elsewhere in the dock. With Tab every control can be reached.
The wheel scrolls the dock, and changes nothing by accident.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QChildEvent, QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)


class TreeFilter(QObject):
    """An event filter for a widget and everything in it."""

    def __init__(self, root: QWidget) -> None:
        super().__init__(root)
        self._watch(root)

    def adopt(self, widget: QWidget) -> None:
        """Do what is to be done with a widget once."""

    def filter(self, widget: QWidget, event: QEvent) -> bool:
        """Return whether the widget shall not hear of an event."""
        raise NotImplementedError

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Look at an event, and for new children."""
        if event is None or not isinstance(watched, QWidget):
            return False
        # A child is polished when all of it is made, before it is shown.
        if event.type() == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            child = event.child()
            if isinstance(child, QWidget):
                self._watch(child)
        return self.filter(watched, event)

    def _watch(self, widget: QWidget) -> None:
        for each in (widget, *widget.findChildren(QWidget)):
            # Installing again only moves a filter to the front.
            each.installEventFilter(self)
            self.adopt(each)


_TURNED_BY_WHEELS = (QComboBox, QAbstractSpinBox, QAbstractSlider)


class WheelGuard(TreeFilter):
    """Lets the wheel turn numbers that have the focus, and choices never."""

    def filter(self, widget: QWidget, event: QEvent) -> bool:
        """Leave the wheel to what scrolls."""
        if event.type() != QEvent.Type.Wheel:
            return False
        if not isinstance(widget, _TURNED_BY_WHEELS):
            return False
        if isinstance(widget, QComboBox) or not widget.hasFocus():
            event.ignore()
            return True
        return False


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


class KeyboardGuard(TreeFilter):
    """Gives the keyboard back to the canvas.

    Parameters
    ----------
    canvas : callable
        Returns who shall have the keyboard, or None where there is nobody.
    """

    def __init__(self, root: QWidget, canvas: Callable[[], QWidget | None]) -> None:
        self._canvas = canvas
        super().__init__(root)

    def adopt(self, widget: QWidget) -> None:
        """Let the mouse give the keyboard only to what is typed in."""
        if widget.focusPolicy() not in _BY_CLICK or widget.focusProxy() is not None:
            return
        if isinstance(widget, QAbstractSpinBox) or _line_of(widget) is not None:
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        elif isinstance(widget, QAbstractButton | QComboBox | QAbstractSlider):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        elif isinstance(widget, QAbstractScrollArea) and not _is_text(widget):
            widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def filter(self, widget: QWidget, event: QEvent) -> bool:
        """Give the keyboard back where the mouse or a key was done with typing."""
        kind = event.type()
        if kind in _MOUSE:
            # When the button goes down already: what was typed before counts now.
            if not _keeps_keyboard(widget, kind):
                self.give_back()
        elif kind == QEvent.Type.KeyRelease:
            if isinstance(widget, QAbstractSpinBox) or _line_of(widget) is not None:
                self._leave(event)
        elif kind == QEvent.Type.KeyPress and (line := _line_of(widget)) is not None:
            _take_back(line, event)
        return False

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

    def _leave(self, event: Any) -> None:
        if event.key() in _DONE and not event.isAutoRepeat():
            self.give_back()


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


def _is_text(widget: QWidget) -> bool:
    return isinstance(widget, QPlainTextEdit | QTextEdit)


def _keeps_keyboard(widget: QWidget, kind: QEvent.Type) -> bool:
    """Whether the keyboard stays where the mouse was pressed or let go."""
    if isinstance(widget, QLabel):
        if kind == QEvent.Type.MouseButtonRelease:
            return widget.hasSelectedText()  # to be copied with Ctrl+C
        return widget.focusPolicy() in _BY_CLICK
    parent = widget.parentWidget()
    in_text = parent is not None and _is_text(parent)
    return isinstance(widget, QLineEdit) or _is_text(widget) or in_text
