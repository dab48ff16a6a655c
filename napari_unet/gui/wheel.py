"""The mouse wheel scrolls the dock; it changes nothing by accident."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QWidget

_TURNED_BY_WHEELS = (QComboBox, QAbstractSpinBox, QAbstractSlider)


class WheelGuard(QObject):
    """Lets the wheel turn numbers that have the focus, and choices never.

    Parameters
    ----------
    inner : QWidget
        Scrolls; what is in it is guarded.
    """

    def __init__(self, inner: QWidget) -> None:
        super().__init__(inner)
        for kind in _TURNED_BY_WHEELS:
            for widget in inner.findChildren(kind):
                if widget.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Leave the wheel to what scrolls."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QComboBox) or (
            isinstance(watched, QWidget) and not watched.hasFocus()
        ):
            event.ignore()
            return True
        return False
