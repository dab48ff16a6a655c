"""Watches every widget below one, those that are made later too."""

from __future__ import annotations

from qtpy.QtCore import QChildEvent, QEvent, QObject
from qtpy.QtWidgets import QWidget


class TreeFilter(QObject):
    """An event filter for a widget and everything in it.

    Parameters
    ----------
    root : QWidget
        Owns the filter.
    """

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
