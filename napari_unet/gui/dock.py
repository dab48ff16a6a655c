"""The widgets of the manifest: one session per viewer behind all of them."""

from __future__ import annotations

from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QFrame,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_unet.gui.connections import Connections, single_shot
from napari_unet.gui.curve import Curve
from napari_unet.gui.focus import InputGuard
from napari_unet.gui.histogram import Histogram
from napari_unet.gui.napari_private import canvas_of
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.gui.panels.image import ImagePanel
from napari_unet.gui.panels.images import ImagesPanel
from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.objects import ObjectsPanel
from napari_unet.gui.panels.panel import Panel, SteadyText, row, set_look
from napari_unet.gui.panels.predict import PredictPanel
from napari_unet.gui.panels.project import ProjectPanel
from napari_unet.gui.theme import colors_of, style_sheet
from napari_unet.gui.workbench import Workbench
from napari_unet.session.state import State


class StatusLine(QWidget):
    """One line of words; all of them in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.mark = QLabel()
        # Marks come from fonts of several heights, and what is above must not move.
        self.mark.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Ignored)
        self.words = SteadyText()
        row(self.mark, self.words, stretch=(1,), on=self)

    def show_state(self, state: State) -> None:
        """Say what is going on."""
        said = any(p.text == state.message for p in state.problems.values())
        # No tick while anything is wrong, whatever is said meanwhile.
        wrong = bool(state.problems) or state.save.failed
        working = state.predicting or state.training or state.worklist.batch
        busy = working or state.loading or not state.ready
        self.mark.setText("⚠" if wrong else "●" if busy else "✓")
        set_look(self.mark, "role", "error" if wrong else "")
        set_look(self.words, "role", "error" if said else "")
        self.words.show_text(state.message)


_RENDER_MS = 30
_WIDTH = 300

_BENCHES: WeakKeyDictionary[Any, Workbench] = WeakKeyDictionary()


def workbench_of(viewer: Any) -> Workbench:
    """Return the workbench of a viewer; made when it is asked for first."""
    # napari gives plugins a proxy, a new one every time.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _BENCHES:
        bench = _BENCHES[viewer] = Workbench(viewer)
        bench.closed.connect(lambda: _BENCHES.pop(viewer, None))
        bench.objects_wanted.connect(lambda: show_objects(viewer))
    return _BENCHES[viewer]


class Dock(QWidget):
    """Panels below each other; at the foot what is always in sight.

    That is what panels have there, and a line that says what is going on.
    """

    panels: ClassVar[tuple[type[Panel], ...]] = ()

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.bench = workbench_of(napari_viewer)
        steps = [panel for panel in self.panels if panel.numbered]
        numbers = {panel: n for n, panel in enumerate(steps, 1) if len(steps) > 1}
        self.shown = [panel(self.bench, numbers.get(panel, 0)) for panel in self.panels]
        self.status = StatusLine()
        self._curve_wanted = False
        self._lay_out()
        self._timer = single_shot(self._render, _RENDER_MS, self)
        self._connections = connections = Connections()
        connections.connect(self.bench.session.state_changed, self._on_state)
        connections.connect(self.bench.viewer.events.theme, self._on_theme)
        connections.connect(self.bench.session.training.started, self._on_training)
        for owner in (connections, *(panel.connections for panel in self.shown)):
            # A dock may be closed and the viewer go on. Not a partial: the garbage
            # collector may empty one before it takes the dock, and then Qt crashes.
            self.destroyed.connect(owner.close)
        self._on_theme()
        self._render()

    def changeEvent(self, event: QEvent | None) -> None:
        """Learn in which window the dock is: the session ends with it."""
        super().changeEvent(event)
        # The dock gets the window's style when it comes into the window, shown or not.
        parent = self.parentWidget()
        while parent is not None:
            if isinstance(parent, QMainWindow):
                self.bench.watch(parent)
            parent = parent.parentWidget()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let the canvas have the keyboard when a control is gone that had it.

        Qt would give it to the next one, perhaps to a box.
        """
        window = self.window()
        holder = window.focusWidget() if window is not None else None
        gone = holder is not None and not (holder.isEnabled() and holder.isVisible())
        if gone:
            self._guard.give_back()
            return True
        return bool(super().focusNextPrevChild(forward))

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(2, 2, 8, 2)
        column.setSpacing(6)
        for panel in self.shown:
            column.addWidget(panel)
        column.addStretch(1)
        self._area = Column(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(6, 6, 2, 6)
        outer.addWidget(self._area, 1)
        for foot in filter(None, (panel.foot for panel in self.shown)):
            outer.addWidget(foot)
        outer.addWidget(self.status)
        self._watch_input()

    def _watch_input(self) -> None:
        viewer = self.bench.viewer
        self._guard = InputGuard(self, lambda: canvas_of(viewer))

    def _on_state(self, _state: State) -> None:
        """Show it soon: many changes in a row are shown as one."""
        if not self._timer.isActive():
            self._timer.start(_RENDER_MS)

    def _render(self) -> None:
        state = self.bench.session.state
        for panel in self.shown:
            panel.show_state(state)
        self.status.show_state(state)
        curve = self.findChild(Curve)
        if self._curve_wanted and curve is not None and curve.isVisible():
            self._curve_wanted = False
            self._area.ensureWidgetVisible(curve)

    def _on_training(self) -> None:
        """Bring the learning curve into sight, as soon as it has its size."""
        self._curve_wanted = True
        self._timer.start(2 * _RENDER_MS)

    def _on_theme(self) -> None:
        colors = colors_of(self.bench.viewer.theme)
        self.setStyleSheet(style_sheet(colors))
        for plot in (*self.findChildren(Curve), *self.findChildren(Histogram)):
            plot.paint_in(colors)


class Column(QScrollArea):
    """Scrolls up and down only: always wide enough for what is in it."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self._inner = inner
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Or it comes with the learning curve, and all buttons make room for it.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        inner.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the width that the content needs; fonts and texts change it."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return bool(super().eventFilter(watched, event))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Fit, now that the window's style is known."""
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        bar, viewport = self.verticalScrollBar(), self.viewport()
        if bar is None or viewport is None:
            return
        # A style sheet may make the bar wider than it says.
        beside = max(bar.sizeHint().width(), self.width() - viewport.width())
        needed = self._inner.minimumSizeHint().width() + beside
        self.setMinimumWidth(max(_WIDTH, needed))
        # Or all is squeezed a little where the window is too low for it.
        height = self._inner.sizeHint().height()
        if self._inner.hasHeightForWidth():
            height = self._inner.heightForWidth(viewport.width())
        self._inner.setMinimumHeight(height)


class SegmentAndCorrect(Dock):
    """The whole story."""

    panels = (
        ProjectPanel,
        ImagesPanel,
        ImagePanel,
        ModelPanel,
        PredictPanel,
        CorrectPanel,
        FinetunePanel,
    )


class Predict(Dock):
    """Choose an image and a model, and predict."""

    panels = (ProjectPanel, ImagePanel, ModelPanel, PredictPanel)


class Correct(Dock):
    """Correct and accept."""

    panels = (ProjectPanel, CorrectPanel)


class Finetune(Dock):
    """Learn from what is verified."""

    panels = (FinetunePanel,)


class Objects(Dock):
    """The objects as a list; as wide as it can be, so nothing else is in it."""

    panels = (ObjectsPanel,)

    def _lay_out(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(2, 2, 6, 2)
        for panel in self.shown:
            outer.addWidget(panel)
        # What goes on is said in the other dock, or at the foot of the window.
        self.status.setParent(self)
        self.status.hide()
        self._watch_input()


def show_objects(viewer: Any) -> None:
    """Bring the list of objects into sight; a window has one."""
    window = workbench_of(viewer).window
    found = window.findChild(Objects) if window is not None else None
    if found is None:
        # Called as napari calls it, so that its menu finds it, too.
        viewer.window.add_dock_widget(
            Objects(viewer), name="Objects (U-Net)", area="bottom"
        )
        return
    parent = found.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    for widget in filter(None, (parent, found)):
        widget.show()
        widget.raise_()
