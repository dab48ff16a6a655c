"""A real viewer under a real (virtual) display, and a hand that moves the mouse.

``make_napari_viewer`` is napari's own fixture, made strict: a widget left behind fails
the test. ``drag``, ``click`` and ``press_key`` send Qt events to the canvas, at canvas
positions computed from data coordinates of a layer. ``screen`` and ``model`` make a
layer that is bound to an annotation, with and without a window.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari._qt.qt_viewer import QtViewer
from qtpy import PYSIDE6
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.box import Box
from napari_unet.gui.labels_binding import LabelsBinding
from napari_unet.gui.opengl import free_layers_where_they_are_drawn
from napari_unet.weights.folder import save_model
from tests.gui.desk import Desk
from tests.gui.stage import Stage, set_stage
from tests.session.brightness import brightness_model


@pytest.fixture
def make_napari_viewer(
    make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Return napari's factory of viewers; a leaked widget is an error."""
    monkeypatch.setenv("NAPARI_STRICT_QT", "raise")
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
    yield make_napari_viewer
    if PYSIDE6:
        # PySide keeps what Python sees of a widget until Qt has deleted it, in ways
        # that the garbage collector cannot follow: who stays is seen with PyQt.
        QtViewer._instances.clear()
        # Nor does it take menus that are gone from what hears of changes: each of some
        # hundred items would end in an error, and in 20 ms of words on that.
        get_app_model().menus.menus_changed.disconnect()


@pytest.fixture(autouse=True, scope="module")
def _what_stays_is_not_searched_for_garbage() -> None:
    """Spare what the first window imported, too; see `pytest_collection_finish`."""
    gc.collect()  # windows that are set aside as garbage would never go
    gc.freeze()


_OF_ZARR = ("zarr_io", "asyncio_")
"""Threads that zarr keeps from its first reading on, as long as Python runs."""


@pytest.fixture(autouse=True)
def _no_thread_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        new = set(threading.enumerate()) - before
        left = {thread for thread in new if not thread.name.startswith(_OF_ZARR)}
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"threads left behind: {sorted(thread.name for thread in left)}")


@dataclass(frozen=True)
class Mouse:
    """The left (or another) button over the canvas of a viewer, in data coordinates.

    Points have the layer's number of axes, or only the last two: then the viewer's
    current position is taken for the others.
    """

    viewer: Any
    layer: Any
    button: Qt.MouseButton = Qt.MouseButton.LeftButton
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier

    def press(self, point: Sequence[float]) -> None:
        self.move(point)
        QTest.mousePress(
            self._widget, self.button, self.modifier, self._position(point)
        )

    def move(self, point: Sequence[float]) -> None:
        # vispy drops a move within 10 ms of another, and the X server sends some too.
        self._widget._last_time = 0.0
        QTest.mouseMove(self._widget, self._position(point))
        QApplication.processEvents()

    def release(self, point: Sequence[float]) -> None:
        QTest.mouseRelease(
            self._widget, self.button, self.modifier, self._position(point)
        )
        QApplication.processEvents()

    def double_click(self, point: Sequence[float]) -> None:
        position = self._position(point)
        QTest.mouseDClick(self._widget, self.button, self.modifier, position)
        QApplication.processEvents()

    @property
    def _widget(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def _position(self, point: Sequence[float]) -> QPoint:
        data = np.array(self.layer.world_to_data(self.viewer.dims.point))
        data[-len(point) :] = point
        world = np.asarray(self.layer.data_to_world(data))
        beyond = self.viewer.dims.ndim - self.layer.ndim
        displayed = world[[axis - beyond for axis in self.viewer.dims.displayed]]
        view = self.viewer.window._qt_viewer.canvas.view
        x, y = (view.transform * view.scene.transform).map(displayed[::-1])[:2]
        assert self._widget.rect().contains(round(x), round(y)), "outside the canvas"
        return QPoint(round(x), round(y))


@pytest.fixture
def mouse() -> type[Mouse]:
    """Return ``mouse(viewer, layer)``, with press, move, release and double_click."""
    return Mouse


@pytest.fixture
def drag() -> Callable[..., None]:
    """Return ``drag(viewer, layer, [(y, x), ...])``: press, move along, release."""

    def drag(
        viewer: Any,
        layer: Any,
        points: Sequence[Sequence[float]],
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        mouse = Mouse(viewer, layer, button, modifier)
        QApplication.processEvents()
        mouse.press(points[0])
        for point in points[1:]:
            mouse.move(point)
        mouse.release(points[-1])

    return drag


@pytest.fixture
def click(drag: Callable[..., None]) -> Callable[..., None]:
    """Return ``click(viewer, layer, (y, x))``."""

    def click(viewer: Any, layer: Any, point: Sequence[float], **keywords: Any) -> None:
        drag(viewer, layer, [point], **keywords)

    return click


@pytest.fixture
def press_key() -> Callable[[Any, str], None]:
    """Return ``press_key(viewer, "Ctrl+Z")``, sent to the canvas."""

    def press_key(viewer: Any, keys: str) -> None:
        widget = viewer.window._qt_viewer.canvas.native
        sequence = QKeySequence(keys)
        QTest.keySequence(widget, sequence)
        QApplication.processEvents()

    return press_key


def cells() -> np.ndarray:
    """Return three cells on 64 x 64."""
    labels = np.zeros((64, 64), np.int32)
    labels[8:20, 8:20] = 1
    labels[8:20, 24:36] = 2
    labels[40:56, 40:56] = 3
    return labels


@dataclass
class Bound:
    """A layer with its annotation, and what the binding said."""

    viewer: Any
    layer: Any
    annotation: Annotation
    binding: LabelsBinding
    edits: list[Any] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = self.labels
        self.binding.edited.connect(self.edits.append)
        self.binding.changed.connect(self.boxes.append)

    @property
    def labels(self) -> np.ndarray:
        return np.array(self.annotation.labels, subok=False)

    @property
    def provenance(self) -> np.ndarray:
        return self.annotation.provenance.copy()

    def same_as(self, state: tuple[np.ndarray, np.ndarray]) -> bool:
        return all(
            np.array_equal(a, b)
            for a, b in zip((self.labels, self.provenance), state, strict=True)
        )

    def state(self) -> tuple[np.ndarray, np.ndarray]:
        return self.labels, self.provenance

    def another(self) -> Bound:
        """Bind three cells to a second layer of the same viewer."""
        return bind(self.viewer)

    def select(self, mode: str, label: int, brush: int = 3) -> None:
        self.layer.mode = mode
        self.layer.selected_label = label
        self.layer.brush_size = brush
        self.viewer.layers.selection.active = self.layer


def bind(viewer: Any, labels: np.ndarray | None = None, **keywords: Any) -> Bound:
    """Show predicted labels, three cells unless they are given, in a new layer."""
    keywords.setdefault("settle_seconds", 3600)  # a slow machine is no person waiting
    labels = cells() if labels is None else labels
    provenance = np.full(labels.shape, Provenance.PREDICTED, np.uint8)
    annotation = Annotation(labels, provenance)
    layer = viewer.add_labels(annotation.labels)
    binding = LabelsBinding(layer, annotation, viewer.layers, **keywords)
    return Bound(viewer, layer, annotation, binding)


@pytest.fixture
def screen(make_napari_viewer: Callable[..., Any]) -> Callable[..., Bound]:
    """Return a factory: cells bound to a layer in a window on screen."""

    def screen(labels: np.ndarray | None = None, **keywords: Any) -> Bound:
        viewer = make_napari_viewer(show=True)
        free_layers_where_they_are_drawn(viewer.layers, viewer.window._qt_window)
        return bind(viewer, labels, **keywords)

    return screen


@pytest.fixture
def model(qapp: Any) -> Iterator[Callable[..., Bound]]:
    """Return a factory without a window, for what needs no mouse."""
    from napari.components import ViewerModel

    made: list[Bound] = []

    def model(labels: np.ndarray | None = None, **keywords: Any) -> Bound:
        made.append(bind(ViewerModel(), labels, **keywords))
        return made[-1]

    yield model
    for bound in made:
        bound.binding.close()


@pytest.fixture
def unfiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where work on images without a file is saved."""
    folder = tmp_path / "unfiled"
    monkeypatch.setattr("napari_unet.project.layout.unfiled_folder", lambda: folder)
    return folder


@pytest.fixture(scope="session")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model that finds what is brighter than half."""
    folder = tmp_path_factory.mktemp("models") / "bright"
    save_model(brightness_model(), folder)
    return folder


@pytest.fixture(scope="session")
def bright_dim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a model that finds darker objects too."""
    folder = tmp_path_factory.mktemp("models") / "dim"
    save_model(brightness_model(0.25, "dim"), folder)
    return folder


@pytest.fixture
def desk(qapp: Any, unfiled: Path, bright: Path) -> Iterator[Desk]:
    """Return a viewer without a window, with a model that finds bright disks."""
    desk = Desk(bright)
    yield desk
    desk.close()


@pytest.fixture(autouse=True)
def no_lower_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other tests run beside one, a lower priority means to wait for them."""
    monkeypatch.setattr("napari_unet.gui.thread_job._NICENESS", 0)
    monkeypatch.setattr("napari_unet.core.apart._NICENESS", 0)


@pytest.fixture(autouse=True)
def shown_folders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the folders that were opened in a file manager, which is not started."""
    shown: list[str] = []
    monkeypatch.setattr(
        "napari_unet.gui.panels.results.QDesktopServices.openUrl",
        lambda url: shown.append(url.toLocalFile()),
    )
    return shown


@pytest.fixture
def stage(
    make_napari_viewer: Callable[..., Any],
    bright: Path,
    unfiled: Path,
) -> Iterator[Stage]:
    """Return a window with the dock and a quick model that finds bright disks."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 800)
    stage = set_stage(viewer, bright)
    yield stage
    # pytest keeps the stage, which must not keep the viewer.
    stage.viewer = stage.dock = None
