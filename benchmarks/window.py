"""A napari window with the dock, an image file in a folder of its own, and a hand."""

from __future__ import annotations

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from qtpy.QtCore import QEvent, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QWidget

from benchmarks.scene import Scene
from napari_unet.errors import NapariUnetError
from napari_unet.gui.dock import SegmentAndCorrect
from napari_unet.session.session import Session

_PATIENCE = 600.0
_ZOOM = 2.0
_STROKE_MS = 16
STROKE_MOVES = 40


def has_display() -> bool:
    """Return whether a window can be opened."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform != "linux" or any(map(os.environ.get, screens))


@dataclass(frozen=True, slots=True)
class Window:
    """A viewer with the dock."""

    viewer: Any
    dock: SegmentAndCorrect

    @property
    def session(self) -> Session:
        """What the dock's buttons ask for."""
        return self.dock.bench.session

    def until(self, happened: Callable[[], object]) -> None:
        """Let the window live until something has happened.

        Raises
        ------
        NapariUnetError
            If it does not happen, or the session tells of a problem.
        """
        deadline = time.monotonic() + _PATIENCE
        while not happened():
            for problem in self.session.state.problems.values():
                raise NapariUnetError(problem.text)
            if time.monotonic() > deadline:
                raise NapariUnetError(
                    f"The window is still busy after {_PATIENCE:.0f} s "
                    f"({self.session.state.message}); try again with a smaller image."
                )
            self.live(0.05)

    def live(self, seconds: float) -> None:
        """Let the window live for some time."""
        live(seconds)

    def predict(self) -> None:
        """Start a prediction."""
        self.until(lambda: not self.session.state.why_not_predict)
        self.session.predict()

    def stop(self) -> None:
        """Stop whatever is going on and wait for it."""
        self.session.halt()
        self.until(lambda: not self._busy)

    def hand(self, rng: np.random.Generator) -> Hand:
        """Return a hand that paints on the labels there are."""
        layer = self.dock.bench.layers.labels_layer
        if layer is None:
            raise NapariUnetError("There are no labels to paint on; predict first.")
        return Hand(self.viewer, layer, rng)

    @property
    def _busy(self) -> bool:
        state = self.session.state
        return state.training is not None or state.predicting is not None


def live(seconds: float) -> None:
    """Let all windows live for some time."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        QApplication.processEvents()
        time.sleep(min(left, 0.001))


@contextmanager
def open_window(image: np.ndarray[Any, Any], model: str) -> Iterator[Window]:
    """Open a window that shows an image; work on it is saved, and deleted at the end.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
    model : str
        A built-in model or a model folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        tifffile.imwrite(Path(folder) / "nuclei.tif", image)
        with open_list(Path(folder), model) as window:
            yield window


@contextmanager
def empty_window(model: str) -> Iterator[Window]:
    """Open a window without an image, in which a model, or its folder, is chosen."""
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(1200, 900)
    dock = SegmentAndCorrect(viewer)
    viewer.window.add_dock_widget(dock)
    window = Window(viewer, dock)
    window.session.models.choose(model)
    try:
        yield window
    finally:
        # Saves now: with the window alone it would come after the folder is gone.
        dock.bench.close()
        viewer.close()
        QApplication.processEvents()


@contextmanager
def open_list(folder: Path, model: str) -> Iterator[Window]:
    """Open a window with the images of a folder in its list, the first on screen.

    Parameters
    ----------
    folder : Path
        Work is saved there.
    model : str
        A built-in model or a model folder.
    """
    with empty_window(model) as window:
        window.session.worklist.listing.add([folder], go=True)
        window.until(lambda: window.session.state.model and not _loading(window))
        window.viewer.camera.zoom = _ZOOM
        window.live(1.0)
        yield window


@contextmanager
def open_bare(scene: Scene, beside: Window) -> Iterator[Any]:
    """Open a napari without the dock, with an image and labels that are painted on.

    Its canvas is as large as that of another window, and shows as much.
    """
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(1200, 900)
    viewer.add_image(scene.image)
    viewer.add_labels(scene.labels)
    nothing = QWidget()
    nothing.setMinimumWidth(beside.dock.width())
    viewer.window.add_dock_widget(nothing)
    live(0.5)
    viewer.camera.zoom = beside.viewer.camera.zoom
    try:
        yield viewer
    finally:
        viewer.close()
        QApplication.processEvents()


class Hand:
    """Paints circles on the canvas with real mouse events, a stroke after the other.

    Parameters
    ----------
    viewer : napari.Viewer
    layer : napari.layers.Labels
        What is painted on.
    rng : numpy.random.Generator
        Draws where strokes go.
    """

    def __init__(self, viewer: Any, layer: Any, rng: np.random.Generator) -> None:
        self._canvas = viewer.window._qt_viewer.canvas.native
        self._rng = rng
        self._moves = 0
        self._middle: tuple[float, ...] = (0.0, 0.0)
        viewer.layers.selection.active = layer
        layer.mode = "paint"
        self._timer = QTimer()
        self._timer.setInterval(_STROKE_MS)
        self._timer.timeout.connect(self._move)

    def start(self) -> None:
        """Begin to paint."""
        self._timer.start()

    def stop(self) -> None:
        """Lift the brush."""
        self._timer.stop()
        if self._moves:
            self._finish()

    def _move(self) -> None:
        if self._moves == 0:
            size = self._canvas.width(), self._canvas.height()
            self._middle = tuple(self._rng.uniform(0.25, 0.75, 2) * size)
            press(self._canvas, self._middle, self._moves)
        self._moves += 1
        move(self._canvas, self._middle, self._moves)
        if self._moves == STROKE_MOVES:
            self._finish()

    def _finish(self) -> None:
        release(self._canvas, self._middle, self._moves)
        self._moves = 0


def press(canvas: Any, middle: tuple[float, ...], moves: int = 0) -> None:
    """Put the left button down, on a circle after so many moves along it."""
    down = QEvent.Type.MouseButtonPress
    _send(canvas, middle, moves, down, Qt.MouseButton.LeftButton)


def move(canvas: Any, middle: tuple[float, ...], moves: int) -> None:
    """Move the mouse while its button is down."""
    _send(canvas, middle, moves, QEvent.Type.MouseMove, Qt.MouseButton.NoButton)


def release(canvas: Any, middle: tuple[float, ...], moves: int) -> None:
    """Let the button come up."""
    up = QEvent.Type.MouseButtonRelease
    _send(canvas, middle, moves, up, Qt.MouseButton.LeftButton, held=False)


def _send(
    canvas: Any,
    middle: tuple[float, ...],
    moves: int,
    kind: QEvent.Type,
    button: Qt.MouseButton,
    held: bool = True,
) -> None:
    angle, (x, y) = 2 * math.pi * moves / STROKE_MOVES, middle
    here = QPointF(x + 30 * math.cos(angle), y + 30 * math.sin(angle))
    there = QPointF(canvas.mapToGlobal(here.toPoint()))
    buttons = Qt.MouseButton.LeftButton if held else Qt.MouseButton.NoButton
    nothing = Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(kind, here, here, there, button, buttons, nothing)
    QApplication.sendEvent(canvas, event)


def _loading(window: Window) -> bool:
    state = window.session.state
    return bool(state.loading) or state.image is None or not state.image.open
