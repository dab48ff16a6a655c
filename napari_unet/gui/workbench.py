"""Everything that belongs to one viewer, whether a dock is open or not.

How it flows: the session is told to tick by a timer; keys call its commands; its state
drives napari's activity area. When the window closes, jobs are stopped first, then
what is unsaved is saved, then layers are let go.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Generator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication, QMainWindow, QWidget

from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.gui.activity import Activity, tell_unsaved
from napari_unet.gui.brush import Brush
from napari_unet.gui.commands import Commands
from napari_unet.gui.connections import call_at_exit
from napari_unet.gui.folders import Folders
from napari_unet.gui.hold_to_hide import HoldToHide
from napari_unet.gui.image_layers import MakeGrey, source_of
from napari_unet.gui.key_sheet import show_keys_by_key
from napari_unet.gui.label_files import LabelFiles
from napari_unet.gui.large_files import LargeFiles
from napari_unet.gui.layers import ViewerLayers
from napari_unet.gui.napari_private import offer_paths
from napari_unet.gui.next_plane import NextPlane
from napari_unet.gui.notices import Notices
from napari_unet.gui.one_image import OneImage
from napari_unet.gui.opengl import free_layers_where_they_are_drawn
from napari_unet.gui.opening import Opening
from napari_unet.gui.preferences import Preferences
from napari_unet.gui.reading import NAPARI, NapariReader
from napari_unet.gui.runner import QtRunner
from napari_unet.gui.sections import Sections
from napari_unet.gui.tools import Tools
from napari_unet.gui.view_watch import ViewWatch
from napari_unet.gui.visible_part import VisiblePart
from napari_unet.session.runner import Handlers
from napari_unet.session.session import Session
from napari_unet.session.state import State

if TYPE_CHECKING:
    from napari.components import ViewerModel

_BUSY_TICK_MS = 20
_IDLE_TICK_MS = 250
_CLOSING_SECONDS = 5.0
_WATCHED = frozenset(
    {QEvent.Type.WindowDeactivate, QEvent.Type.Hide, QEvent.Type.Close}
)

logger = logging.getLogger(__name__)


class Workbench(QObject):
    """The session of one viewer, and what connects the two: keys, layers, folders."""

    closed = Signal()  # it is over; the viewer is going
    objects_wanted = Signal()  # a person wants to see the objects as a list

    # Qt may still call one whose attributes are gone.
    _open = False

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        # The viewer keeps the workbench alive (by its keys), not the other way round.
        self.viewer: ViewerModel = weakref.proxy(viewer)
        self._runner = QtRunner(self)
        self.session = Session(
            self._runner,
            view=lambda: self.layers.visible_box(),
            reader=NapariReader(),
        )
        self.layers = ViewerLayers(self.viewer, self.session)
        self.one_image = OneImage(self.viewer, self.layers, self.session)
        self.sections = Sections(self.viewer, self.session, self.layers)
        self._hiding = HoldToHide(self.layers)
        self.tools = Tools(self.viewer, self.session, self.layers, self.sections)
        self.brush = Brush(self.viewer, self.layers)
        self._watch = ViewWatch(viewer, self.session.live.look, self._tick, self)
        self._part = VisiblePart(viewer, self.session, self.layers, self._runner, self)
        self.folders = Folders(
            self.viewer, self.session.worklist, self._runner, self.session.report
        )
        self._large = LargeFiles(self.viewer, self.session, self._runner, self)
        self._opening = self._make_opening()
        self._activity = Activity()
        self._notices = Notices()
        self._words: weakref.WeakSet[QWidget] = weakref.WeakSet()
        self._open = True
        self._window: QMainWindow | None = None
        self._offer_no_more: Callable[[], None] = lambda: None
        self._asked_to_close = self._quitting = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_IDLE_TICK_MS)
        self.session.state_changed.connect(self._on_state)
        self.session.guiding.wanted.connect(self.layers.look_at)
        viewer.layers.events.removing.connect(self._on_removing)
        self.commands = Commands(
            viewer,
            self.session,
            self.layers,
            self.brush,
            self.tools,
            NextPlane(self.session, self.sections),
            self._hiding,
        )
        if application := QApplication.instance():
            application.aboutToQuit.connect(self._on_quit)
        # A script that ends without closing its window quits no application.
        self._no_more_at_exit = call_at_exit(self.close)
        self._runner.start(
            ImportModule("pandas"),
            Handlers(error=lambda error: logger.warning("No pandas: %s", error)),
        )
        Preferences.of_napari().begin(self.session)
        self.session.start()

    def open(self, path: Path) -> None:
        """Open a path as if somebody dropped it on the window."""

        def napari(left: list[str]) -> None:
            self.viewer.open(left, plugin=NAPARI)

        self._opening.open([str(path)], napari)

    def use_labels(self, *, right: bool) -> None:
        """Work on with what is in the selected labels layer, which nobody keeps."""
        try:
            self.layers.use_selected_labels(right=right)
        except InputError as error:
            self.session.report("correct", error)

    def mark_with(self, variable: int, value: float) -> None:
        """Let the brush say that a variable has a value."""
        image = self.session.images.current
        if image is not None and (values := image.annotation.values) is not None:
            self.layers.paint_with(values.mark_for(variable, value))
            shown = self.layers.results.current
            if shown is not None and shown.values is not None:
                shown.values.look_at(variable)

    def make_grey(self) -> None:
        """Add a grey copy of the chosen colour image, and choose it."""
        layer, state = self.layers.images.chosen, self.session.state
        if layer is None or state.image is None:
            return
        axes = state.image.axes
        self._runner.start(
            MakeGrey(source_of(layer), axes),
            Handlers(
                result=lambda grey: self.viewer.add_image(
                    grey,
                    name=f"{layer.name} grey",
                    metadata={"axes": result_axes(axes)},
                    scale=layer.scale,
                    translate=layer.translate,
                ),
                error=lambda error: self.session.report("image", error),
            ),
        )

    @property
    def window(self) -> QMainWindow | None:
        """The window in which the docks are, once there is one."""
        return self._window

    def watch(self, window: QMainWindow, words: QWidget) -> None:
        """Close with this window, in which some words tell what goes on."""
        self._words.add(words)
        if self._window is None:
            self._window = window
            self._offer_no_more = offer_paths(self.viewer, self._opening.open)
            window.installEventFilter(self)
            # Not a partial: the garbage collector may empty one that belongs to a
            # window before it takes the window itself, and calling it then crashes.
            window.destroyed.connect(self.close)
            show_keys_by_key(window)
            free_layers_where_they_are_drawn(self.viewer.layers, window)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Close before the window does, or once the person did not refuse.

        The window hides then, and is still there: what must be read is shown in time.
        """
        kind = event.type() if event is not None else None
        if kind not in _WATCHED:  # as of each move of the mouse
            return False
        if kind == QEvent.Type.WindowDeactivate and self._open:
            self._hiding.show()
        if event is not None and not event.spontaneous():
            asked = kind == QEvent.Type.Hide and self._asked_to_close
            if asked or kind == QEvent.Type.Close:
                self.close()
        elif kind == QEvent.Type.Close:
            self._asked_to_close = True
        return bool(super().eventFilter(watched, event))

    def close(self, *_: object) -> None:
        """Stop jobs, save, and let go of the viewer; harmless when it is done."""
        if not self._open:
            return
        self._open = False
        self._no_more_at_exit()
        self._timer.stop()
        self.session.state_changed.disconnect(self._on_state)
        self.session.halt()
        if not self._runner.close(_CLOSING_SECONDS):
            logger.warning("A job did not stop in %s s.", _CLOSING_SECONDS)
        self._offer_no_more()
        self.viewer.layers.events.removing.disconnect(self._on_removing)
        self._opening.close()
        self.folders.close()
        self.one_image.close()
        self.tools.close()
        self.brush.close()
        self._watch.close()
        self._part.close()
        self._large.close()
        self.layers.close()
        told = self.session.close()
        for problem in told:
            logger.error("Not saved: %s", problem)
        tell_unsaved(told, quitting=self._quitting)
        self._activity.close()
        self.commands.close(self.viewer)
        self.closed.emit()

    def _make_opening(self) -> Opening:
        images = self.layers.images
        labels = LabelFiles(self.viewer, images, self.session, self._runner)
        return Opening(self.session, self._large, labels, self.folders, self.one_image)

    def _on_removing(self, event: Any) -> None:
        """Let napari free the memory of a layer that goes."""
        self._runner.collector.bring_back(self.viewer.layers[event.index])

    def _on_quit(self) -> None:
        self._quitting = True
        self.close()

    def _tick(self) -> None:
        self.tools.look_again()
        self.session.tick()

    def _on_state(self, state: State) -> None:
        self._activity.show(state)
        self._notices.show(state, in_sight=any(map(_is_in_sight, self._words)))
        busy = state.predicting or state.live.busy or state.worklist.batch
        busy = busy or state.following.progress
        wanted = _BUSY_TICK_MS if busy else _IDLE_TICK_MS
        if self._timer.interval() != wanted:
            self._timer.setInterval(wanted)


def _is_in_sight(widget: QWidget) -> bool:
    """Whether a widget is shown, and not behind others as their tab."""
    return isalive(widget) and not widget.visibleRegion().isEmpty()


@dataclass(frozen=True, slots=True)
class ImportModule(Job[None, None]):
    """Import what napari imports with the first Labels layer: that takes long."""

    module: str

    def run(self) -> Generator[None, None, None]:
        """Import it."""
        yield
        import_module(self.module)
