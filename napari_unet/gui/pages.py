"""Panels below each other, and pages of them behind tabs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psygnal import Signal
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QResizeEvent, QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from napari_unet.gui.panels.panel import Panel
from napari_unet.session.state import State

_WIDTH = 300


@dataclass(frozen=True, slots=True)
class Page:
    """What a tab says, and the panels behind it."""

    title: str
    panels: tuple[type[Panel], ...]


class Pages(QTabWidget):
    """Pages of panels, one of them in sight; no tabs where there is only one.

    A tab says what goes on behind it, since nothing else would: that something went
    wrong there, or that something is going on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setDocumentMode(True)
        self._pages: list[tuple[str, tuple[Panel, ...]]] = []
        if (tabs := self.tabBar()) is not None:
            tabs.setExpanding(True)
            tabs.setDrawBase(False)  # of its line only crumbs are seen between tabs
            tabs.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def add(self, title: str, panels: Sequence[Panel]) -> None:
        """Add a page."""
        self._pages.append((title, tuple(panels)))
        column = Column(*panels)
        column.fitted.connect(self._fit)
        self.addTab(column, title)
        if (tabs := self.tabBar()) is not None:
            tabs.setVisible(len(self._pages) > 1)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Measure all pages, now that the window's style is known."""
        super().showEvent(event)
        for column in self._columns:
            for each in column.findChildren(QWidget):
                each.ensurePolished()
        self._measure()

    def show_state(self, state: State) -> None:
        """Say at the tabs what goes on."""
        for place, (title, panels) in enumerate(self._pages):
            wrong = any(p.foot is None and p.place in state.problems for p in panels)
            busy = any(panel.is_busy(state) for panel in panels)
            text = f"{title} ⚠" if wrong else f"{title} ●" if busy else title
            if self.tabText(place) != text:
                self.setTabText(place, text)
        if self.isVisible():
            self._measure()

    def bring(self, widget: QWidget) -> None:
        """Bring something of a page into sight; does nothing if it is on none."""
        for column in self._columns:
            if column.isAncestorOf(widget):
                self.setCurrentWidget(column)
                column.ensureWidgetVisible(widget)

    @property
    def _columns(self) -> list[Column]:
        pages = [self.widget(place) for place in range(self.count())]
        return [page for page in pages if isinstance(page, Column)]

    def _measure(self) -> None:
        """Fit the pages that are hidden: Qt does not tell them what changes in them."""
        beside = max((column.beside for column in self._columns), default=0)
        for column in self._columns:
            if not column.isVisible():
                column.lay_out_unseen()
                column.fit(beside)

    def _fit(self) -> None:
        """Be as wide as the widest page needs: Qt leaves out those that are hidden."""
        widest = max(column.minimumWidth() for column in self._columns)
        if widest != self.minimumWidth():
            self.setMinimumWidth(widest)


class Column(QScrollArea):
    """Panels that scroll up and down only: always wide enough for what is in them."""

    fitted = Signal()

    def __init__(self, *panels: Panel) -> None:
        super().__init__()
        self._inner = inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(2, 4, 8, 2)
        column.setSpacing(6)
        for panel in panels:
            column.addWidget(panel, int(panel.grows))
        if not any(panel.grows for panel in panels):
            column.addStretch(1)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Or it comes with the learning curve, and all buttons make room for it.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.beside = 0  # what the bar takes of the width
        inner.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the width that the content needs; fonts and texts change it."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.fit()
        return bool(super().eventFilter(watched, event))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Fit, now that the window's style is known."""
        super().showEvent(event)
        self.fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit again: while a window is laid out, less may be left beside the bar."""
        super().resizeEvent(event)
        self.fit()

    def lay_out_unseen(self) -> None:
        """Let layouts look again at what is in them, from the innermost outwards."""
        for each in reversed([self._inner, *self._inner.findChildren(QWidget)]):
            if (layout := each.layout()) is not None:
                layout.activate()

    def fit(self, beside: int = 0) -> None:
        """Be as wide as needed, where the bar is known to take so much."""
        bar, viewport = self.verticalScrollBar(), self.viewport()
        if bar is None or viewport is None:
            return
        self.beside = max(beside, bar.sizeHint().width())
        if self.isVisible():
            # A style sheet may make the bar wider than it says.
            self.beside = max(self.beside, self.width() - viewport.width())
        needed = self._inner.minimumSizeHint().width() + self.beside
        self.setMinimumWidth(max(_WIDTH, needed))
        self.fitted.emit()
        # Or all is squeezed a little where the window is too low for it.
        height = self._inner.sizeHint().height()
        if self._inner.hasHeightForWidth():
            height = self._inner.heightForWidth(viewport.width())
        self._inner.setMinimumHeight(height)
