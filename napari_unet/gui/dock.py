"""The widgets of the manifest: one session per viewer behind all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from napari.settings import get_settings
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from napari_unet.gui.connections import Connections, single_shot
from napari_unet.gui.curve import Curve
from napari_unet.gui.focus import InputGuard
from napari_unet.gui.histogram import Histogram
from napari_unet.gui.napari_private import DockNames, canvas_of
from napari_unet.gui.pages import Page, Pages
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.gui.panels.image import ImagePanel
from napari_unet.gui.panels.images import ImagesPanel
from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.objects import ObjectsPanel
from napari_unet.gui.panels.panel import Panel
from napari_unet.gui.panels.predict import PredictPanel
from napari_unet.gui.panels.project import ProjectPanel
from napari_unet.gui.panels.results import ResultsPanel
from napari_unet.gui.status_line import StatusLine
from napari_unet.gui.theme import colors_of, style_sheet
from napari_unet.gui.workbench import Workbench
from napari_unet.session.state import State

_RENDER_MS = 30

_BENCHES: WeakKeyDictionary[Any, Workbench] = WeakKeyDictionary()


def workbench_of(viewer: Any) -> Workbench:
    """Return the workbench of a viewer; made when it is asked for first."""
    viewer = _without_proxy(viewer)
    if viewer not in _BENCHES:
        bench = _BENCHES[viewer] = Workbench(viewer)
        bench.closed.connect(lambda: _BENCHES.pop(viewer, None))
        bench.objects_wanted.connect(lambda: show_objects(viewer))
    return _BENCHES[viewer]


def open_workbench(viewer: Any) -> Workbench | None:
    """Return the workbench of a viewer, if there is a viewer and it has one yet."""
    return None if viewer is None else _BENCHES.get(_without_proxy(viewer))


def _without_proxy(viewer: Any) -> Any:
    """Return the viewer itself: napari gives plugins a proxy, a new one every time."""
    return getattr(viewer, "__wrapped__", viewer)


class Dock(QWidget):
    """Pages of panels; above them, and at the foot, what is always in sight.

    At the foot is what panels have there, and a line that says what is going on.
    """

    title: ClassVar[str] = ""
    _bar: QDockWidget | None = None
    head: ClassVar[tuple[type[Panel], ...]] = ()
    pages: ClassVar[tuple[Page, ...]] = ()

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.bench = workbench_of(napari_viewer)
        self.above = [panel(self.bench) for panel in self.head]
        self.shown = list(self.above)
        self.turned = Pages()
        for page in self.pages:
            titled = len(page.panels) > 1
            panels = [panel(self.bench, titled=titled) for panel in page.panels]
            self.turned.add(page.title, panels)
            self.shown += panels
        self.status = StatusLine()
        self._lay_out()
        self._timer = single_shot(self._render, _RENDER_MS, self)
        self._connections = connections = Connections()
        connections.connect(self.bench.session.state_changed, self._on_state)
        connections.connect(self.bench.viewer.events.theme, self._on_theme)
        font_size = get_settings().appearance.events.font_size
        connections.connect(font_size, self._on_theme)
        for owner in (connections, *(panel.connections for panel in self.shown)):
            # A dock may be closed and the viewer go on. Not a partial: the garbage
            # collector may empty one before it takes the dock, and then Qt crashes.
            self.destroyed.connect(owner.close)
        self._on_theme()
        self._render()

    def bring(self, widget: QWidget) -> None:
        """Bring something in the dock into sight."""
        self.turned.bring(widget)

    def changeEvent(self, event: QEvent | None) -> None:
        """Learn in which window the dock is: the session ends with it."""
        super().changeEvent(event)
        # The dock gets the window's style when it comes into the window, shown or not.
        parent = self.parentWidget()
        while parent is not None:
            if isinstance(parent, QDockWidget) and parent is not self._bar:
                self._bar = parent
                DockNames(self.bench.viewer, parent, _names(self.title))
            if isinstance(parent, QMainWindow):
                self.bench.watch(parent, self.status)
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
        outer = QVBoxLayout(self)
        outer.setContentsMargins(6, 6, 2, 6)
        for panel in self.above:
            outer.addWidget(panel)
        outer.addWidget(self.turned, 1)
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
        self.turned.show_state(state)
        self.status.show_state(state)

    def _on_theme(self) -> None:
        colors = colors_of(self.bench.viewer.theme)
        self.setStyleSheet(style_sheet(colors, get_settings().appearance.font_size))
        for plot in (*self.findChildren(Curve), *self.findChildren(Histogram)):
            plot.paint_in(colors)


class SegmentAndCorrect(Dock):
    """The whole story."""

    title = "Segment and correct"
    head = (ProjectPanel,)
    pages = (
        Page("Images", (ImagesPanel, ImagePanel, ModelPanel)),
        Page("Correct", (PredictPanel, CorrectPanel)),
        Page("Train", (FinetunePanel,)),
        Page("Results", (ResultsPanel,)),
    )


class Predict(Dock):
    """Choose an image and a model, and predict."""

    title = "Predict"
    head = (ProjectPanel,)
    pages = (Page("Predict", (ImagePanel, ModelPanel, PredictPanel)),)


class Correct(Dock):
    """Correct and accept."""

    title = "Correct"
    head = (ProjectPanel,)
    pages = (Page("Correct", (CorrectPanel,)),)


class Finetune(Dock):
    """Learn from what is verified."""

    title = "Fine-tune"
    pages = (Page("Train", (FinetunePanel,)),)


class Objects(Dock):
    """The objects as a list; as wide as it can be, so nothing else is in it."""

    title = "Objects"
    head = (ObjectsPanel,)

    def _lay_out(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(2, 2, 6, 2)
        for panel in self.above:
            outer.addWidget(panel)
        # What goes on is said in the other dock, or at the foot of the window.
        for unseen in (self.turned, self.status):
            unseen.setParent(self)
            unseen.hide()
        self._watch_input()


def show_objects(viewer: Any) -> Dock:
    """Bring the list of objects into sight; a window has one."""
    lists = [dock for dock in docks_of(viewer) if isinstance(dock, Objects)]
    return _bring(viewer, lists, Objects, "bottom")


def show_dock(viewer: Any) -> Dock:
    """Bring a dock into sight that is open, or else the one with the whole story.

    Not the list of objects, which has no room for what else is to be said.
    """
    docks = [dock for dock in docks_of(viewer) if not isinstance(dock, Objects)]
    return _bring(viewer, docks, SegmentAndCorrect, "right")


def docks_of(viewer: Any) -> list[Dock]:
    """Return the docks that are in the window, in sight or not."""
    window = workbench_of(viewer).window
    return window.findChildren(Dock) if window is not None else []


def _bring(viewer: Any, found: Sequence[Dock], make: type[Dock], area: str) -> Dock:
    if not found:
        dock = make(viewer)
        viewer.window.add_dock_widget(dock, name=_names(make.title)[0], area=area)
        return dock
    dock = found[0]
    parent = dock.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    for widget in filter(None, (parent, dock)):
        widget.show()
        widget.raise_()
    return dock


def _names(title: str) -> tuple[str, ...]:
    """Return what napari's menu calls a dock, and what others do that open it."""
    return f"{title} (U-Net)", f"{title} (napari-unet-live)"
