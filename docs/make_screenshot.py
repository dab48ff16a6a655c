"""Run the story of the README on a sample image and take its picture.

    python docs/make_screenshot.py [--out FOLDER] [--theme dark] [--minutes 1]

Needs a display; ``xvfb-run -s "-screen 0 1600x1000x24"`` makes one. Nothing is faked:
the mouse paints, the training trains. Pictures of all steps go to the folder; the last
one is `dock.png`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import napari
import napari.settings
import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QCheckBox
from scipy.ndimage import distance_transform_edt
from skimage.measure import regionprops

from napari_unet.gui.dock import SegmentAndCorrect
from napari_unet.io.samples import load_sample

SIZE = (1440, 900)
CORRECTIONS = 6
PATIENCE_SECONDS = 600


@dataclass
class Hand:
    """A mouse over the canvas."""

    viewer: Any
    layer: Any

    def stroke(self, points: list[tuple[float, float]]) -> None:
        """Press at the first point, move along, release at the last."""
        where = [self._position(point) for point in points]
        left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QTest.mouseMove(self._canvas, where[0])
        QTest.qWait(15)
        QTest.mousePress(self._canvas, left, none, where[0])
        for position in where[1:]:
            QTest.qWait(15)
            QTest.mouseMove(self._canvas, position)
        QTest.qWait(15)
        QTest.mouseRelease(self._canvas, left, none, where[-1])

    @property
    def _canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def _position(self, point: tuple[float, float]) -> QPoint:
        view = self.viewer.window._qt_viewer.canvas.view
        world = self.layer.data_to_world(point)
        x, y = (view.transform * view.scene.transform).map(world[::-1])[:2]
        return QPoint(round(x), round(y))


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--model", default="cells")
    parser.add_argument("--sample", default="phase")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    # Neither earlier work on the sample nor what napari has to say about itself.
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()
    napari.settings.get_settings().application.gui_notification_level = "error"
    sample = load_sample(options.sample)[0]
    viewer = napari.Viewer()
    viewer.theme = options.theme
    viewer.window.resize(*SIZE)
    viewer.add_image(sample.image, name=sample.name, metadata={"axes": sample.axes})
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-unet-live", "Segment and correct"
    )
    tell_story(viewer, dock, sample.labels, options)
    viewer.close()


def tell_story(
    viewer: Any, dock: SegmentAndCorrect, truth: Any, options: argparse.Namespace
) -> None:
    """Predict, correct, fine-tune, with a picture after every step."""
    session = dock.bench.session

    def picture(name: str) -> None:
        QTest.qWait(400)
        path = options.out / f"{name}.png"
        viewer.screenshot(str(path), canvas_only=False, flash=False)

    wait(lambda: session.state.ready)
    picture("1_ready")
    session.models.choose(options.model)
    wait(lambda: session.state.model and not session.state.loading)
    session.predict()
    wait(lambda: not session.state.predicting)
    picture("2_predicted")
    correct(viewer, dock, truth)
    picture("3_corrected")
    session.finetune(options.minutes)
    wait(lambda: len(session.state.versions) > 1 or not session.state.training)
    picture("4_training")
    wait(lambda: not session.state.training)
    wait(lambda: not session.predicting.refresh.due and not session.state.predicting)
    dock.findChild(QCheckBox).click()
    picture("dock")
    print(session.state.message)


def correct(viewer: Any, dock: SegmentAndCorrect, truth: Any) -> None:
    """Paint over the objects that were found worst, as a person would."""
    layer = dock.bench.layers.labels_layer
    annotation = dock.bench.session.images.current.annotation
    hand = Hand(viewer, layer)
    layer.mode = "paint"
    for region in worst(annotation.labels, truth)[:CORRECTIONS]:
        layer.selected_label = annotation.new_id()
        layer.brush_size = max(2, round(region.axis_minor_length * 0.5))
        for stroke in strokes_inside(region, layer.brush_size):
            hand.stroke(stroke)
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
