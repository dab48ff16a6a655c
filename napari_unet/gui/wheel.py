"""The mouse wheel scrolls the dock; it changes nothing by accident."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QWidget

from napari_unet.gui.tree_filter import TreeFilter

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
