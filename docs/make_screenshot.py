"""Run a whole story, from an empty window to exported results, and take its pictures.

    python docs/make_screenshot.py [--out FOLDER] [--theme dark] [--minutes 1]

Needs a display; ``xvfb-run -s "-screen 0 1600x1000x24"`` makes one. Nothing is faked:
the mouse paints, the training trains. What was done when, and with how many gestures (a
drop, a click, a key, a stroke), is printed; pictures of all steps go to the folder.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import napari
import napari.settings
import numpy as np
import tifffile
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from scipy.ndimage import distance_transform_edt
from skimage.measure import regionprops

from napari_unet.gui.dock import SegmentAndCorrect, show_dock
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.results import ResultsPanel
from napari_unet.io.samples import load_sample

SIZE = (1440, 900)
SAMPLE = "phase"
IMAGES = 5
MODEL = "cells"
CORRECTIONS = 6
PATIENCE_SECONDS = 600


@dataclass
class Hand:
    """A mouse and a keyboard in a window; every gesture is counted."""

    viewer: Any
    dock: SegmentAndCorrect
    gestures: int = 0
    began: float = field(default_factory=time.monotonic)

    def stroke(self, layer: Any, points: list[tuple[float, float]]) -> None:
        """Press at the first point, move along, release at the last."""
        self.gestures += 1
        where = [self._position(layer, point) for point in points]
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseMove(self._canvas, where[0])
        QTest.qWait(15)
        QTest.mousePress(self._canvas, left, none, where[0])
        for position in where[1:]:
            QTest.qWait(15)
            QTest.mouseMove(self._canvas, position)
        QTest.qWait(15)
        QTest.mouseRelease(self._canvas, left, none, where[-1])

    def press(self, key: Qt.Key, *, shift: bool = False) -> None:
        """Press a key over the canvas."""
        self.gestures += 1
        none, with_shift = (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.ShiftModifier,
        )
        QTest.keyClick(self._canvas, key, with_shift if shift else none)

    def click(self, button: Any) -> None:
        """Click a button of the dock, on whatever page it is."""
        self.gestures += 1
        self.dock.bring(button)
        QTest.qWait(50)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def tell(self, what: str) -> None:
        """Print what was reached, when, and with how many gestures."""
        seconds = time.monotonic() - self.began
        print(f"{seconds:6.1f} s  {self.gestures:3d} gestures  {what}", flush=True)

    @property
    def _canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def _position(self, layer: Any, point: tuple[float, float]) -> QPoint:
        view = self.viewer.window._qt_viewer.canvas.view
        world = layer.data_to_world(point)
        x, y = (view.transform * view.scene.transform).map(world[::-1])[:2]
        return QPoint(round(x), round(y))


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--size", type=int, nargs=2, default=SIZE)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    # Neither earlier work on the sample nor what napari has to say about itself.
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()
    napari.settings.get_settings().application.gui_notification_level = "error"
    folder, truth = make_study(Path(tempfile.mkdtemp()) / "study")
    viewer = napari.Viewer()
    viewer.theme = options.theme
    viewer.window.resize(*options.size)
    dock = show_dock(viewer)
    assert isinstance(dock, SegmentAndCorrect)
    tell_story(viewer, dock, folder, truth, options)
    viewer.close()


def make_study(folder: Path) -> tuple[Path, Any]:
    """Write sample images as a microscope would; return them, and the first truth."""
    folder.mkdir()
    samples = load_sample(SAMPLE)[:IMAGES]
    for sample in samples:
        tifffile.imwrite(folder / f"{sample.name}.tif", sample.image)
    return folder, samples[0].labels


def tell_story(
    viewer: Any,
    dock: SegmentAndCorrect,
    folder: Path,
    truth: Any,
    options: argparse.Namespace,
) -> None:
    """Open a folder, predict, correct, fine-tune, go on, and export."""
    session, hand = dock.bench.session, Hand(viewer, dock)
    panels = {type(panel): panel for panel in dock.shown}

    def picture(name: str, page: int | None = None) -> None:
        if page is not None:
            dock.turned.setCurrentIndex(page)
        QTest.qWait(400)
        path = options.out / f"{name}.png"
        viewer.screenshot(str(path), canvas_only=False, flash=False)

    wait(lambda: session.state.ready)
    session.set_minutes(options.minutes)
    hand.gestures += 1  # a drop
    viewer.open(folder, plugin="napari")
    wait(lambda: session.state.image and session.state.image.open)
    hand.gestures += 2  # the box of models, and one of them
    session.models.choose(MODEL)
    wait(lambda: session.state.model and not session.state.loading)
    hand.tell("a folder is open, with a model for anything")
    hand.press(Qt.Key.Key_S)
    wait(lambda: session.state.image.has_labels and not session.state.predicting)
    hand.tell("the first mask")
    picture("dock_images", 0)
    correct(hand, dock, truth)
    hand.tell(f"{CORRECTIONS} objects are corrected")
    hand.press(Qt.Key.Key_T, shift=True)
    wait(lambda: session.state.training)
    wait(lambda: len(session.state.versions) > 2 or not session.state.training)
    picture("dock_training", 2)
    wait(lambda: not session.state.training)
    wait(lambda: not session.predicting.refresh.due and not session.state.predicting)
    hand.tell(f"learned: {session.state.message}")
    panels[CorrectPanel].overlay.click()
    picture("dock", 1)
    picture("dock_train", 2)
    first = session.state.image.name
    hand.press(Qt.Key.Key_N, shift=True)
    wait(lambda: session.state.image and session.state.image.name != first)
    wait(lambda: session.state.image.has_labels and not session.state.predicting)
    hand.tell("the next image, predicted")
    hand.click(panels[ResultsPanel].all)
    wait(lambda: session.state.exporting.progress is None)
    hand.tell(f"exported: {len(list(folder.glob('U-Net results/*')))} files")
    picture("dock_results", 3)


def correct(hand: Hand, dock: SegmentAndCorrect, truth: Any) -> None:
    """Delete the objects that were found worst, and paint them as they are."""
    layer = dock.bench.layers.labels_layer
    annotation = dock.bench.session.images.current.annotation
    regions = worst(annotation.labels, truth)[:CORRECTIONS]
    hand.press(Qt.Key.Key_Q)
    for region in regions:
        for point in points_to_delete(annotation.labels, region):
            hand.stroke(layer, [point])
    hand.press(Qt.Key.Key_2)
    for region in regions:
        hand.press(Qt.Key.Key_M)
        layer.brush_size = max(2, round(region.axis_minor_length * 0.35))
        for stroke in strokes_inside(region, layer.brush_size):
            hand.stroke(layer, stroke)
        QTest.qWait(50)
    layer.mode = "pan_zoom"


def worst(labels: Any, truth: Any) -> list[Any]:
    """Return the true objects, those first that overlap least with a found one."""

    def overlap(region: Any) -> float:
        there = labels[tuple(region.coords.T)]
        ids, counts = np.unique(there[there > 0], return_counts=True)
        if not len(ids):
            return 0.0
        best = int(counts.argmax())
        union = region.area + np.count_nonzero(labels == ids[best]) - counts[best]
        return float(counts[best] / union)

    size = truth.shape[0]
    inner = [r for r in regionprops(truth) if min(r.bbox[:2]) > 8]
    inner = [r for r in inner if max(r.bbox[2:]) < size - 8]
    return sorted(inner, key=overlap)


def points_to_delete(labels: Any, region: Any) -> list[tuple[float, float]]:
    """Return a point in each found object that lies in a true one, but for slivers."""
    there = labels[tuple(region.coords.T)]
    ids, counts = np.unique(there[there > 0], return_counts=True)
    points = []
    for label in ids[counts > region.area / 10]:
        inner = region.coords[there == label]
        middle = np.abs(inner - inner.mean(axis=0)).sum(axis=1).argmin()
        points.append((float(inner[middle][0]), float(inner[middle][1])))
    return points


def strokes_inside(region: Any, brush: int) -> list[list[tuple[float, float]]]:
    """Return strokes of a brush that fill an object, row by row."""
    top, left, _, _ = region.bbox
    inside = np.pad(region.image, brush)
    roomy = distance_transform_edt(inside)[brush:-brush, brush:-brush] >= brush / 2
    strokes = []
    for row in range(0, roomy.shape[0], max(1, brush // 2)):
        columns = np.flatnonzero(roomy[row])
        if len(columns):
            ends = np.linspace(columns[0], columns[-1], 5)
            strokes.append([(top + row, left + float(x)) for x in ends])
    return strokes


def wait(done: Callable[[], object]) -> None:
    """Let the window live until something has happened."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError("the story does not go on")
        QTest.qWait(20)


if __name__ == "__main__":
    main()
