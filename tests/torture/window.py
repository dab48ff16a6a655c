"""The real application, with its dock and a mouse that paints, until it is killed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.session.brightness import brightness_model
from tests.torture.reports import Report
from tests.torture.victim import SHAPE


def live_in_window(home: Path, seed: int, pipe: int) -> None:
    """Live in a window of napari; imports Qt, so only in a process of its own."""
    import napari
    import torch
    from qtpy.QtTest import QTest

    from napari_unet.gui.dock import SegmentAndCorrect

    torch.set_num_threads(1)
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1000, 700)
    dock = SegmentAndCorrect(viewer)
    viewer.window.add_dock_widget(dock)
    session = dock.bench.session
    viewer.open(str(home / "a.tif"), plugin="napari")
    while not (session.state.image and session.state.image.open):
        QTest.qWait(20)
    session.models.timeline.publish(brightness_model())
    Window(viewer, dock, pipe, random.Random(seed)).work()


class Window:
    """A person at the window."""

    def __init__(self, viewer: Any, dock: Any, pipe: int, rng: random.Random) -> None:
        self._viewer = viewer
        self._bench = dock.bench
        self._session = dock.bench.session
        self._pipe = pipe
        self._random = rng

    def work(self) -> None:
        """Predict, then paint, undo, accept and train for ever."""
        self._tell("predict")
        self._session.predict()
        self._wait(lambda: not self._session.state.predicting)
        while self._bench.layers.labels_layer is None:
            self._wait(lambda: self._bench.layers.labels_layer)
        actions = [self._paint] * 5 + [self._undo, self._accept, self._train]
        while True:
            self._random.choice(actions)()
            self._wait(lambda: True)
            self._tell("done")

    @property
    def _annotation(self) -> Any:
        return self._session.images.current.annotation

    def _wait(self, happened: Any) -> None:
        from qtpy.QtTest import QTest

        QTest.qWait(5)
        while not happened():
            QTest.qWait(10)

    def _tell(self, what: str, label: int = 0, **arrays: Any) -> None:
        snapshot = self._annotation.snapshot()
        state = {"labels": snapshot.labels, "provenance": snapshot.provenance}
        facts = {"what": what, "image": "a", "label": label}
        Report(facts, {**state, **arrays}).send(self._pipe)

    def _paint(self) -> None:
        from tests.gui.conftest import Mouse

        layer = self._bench.layers.labels_layer
        layer.mode, layer.brush_size = "paint", 3
        layer.selected_label = self._annotation.new_id()
        self._viewer.layers.selection.active = layer
        y, x = (self._random.randrange(6, n - 16) for n in SHAPE)
        mouse = Mouse(self._viewer, layer)
        self._tell("stroke", layer.selected_label)
        mouse.press((y, x))
        for step in (4, 8):
            mouse.move((y, x + step))
        mouse.release((y, x + 8))

    def _undo(self) -> None:
        done = self._annotation.history.done
        if done:
            after = self._annotation.snapshot().labels
            for part in done[-1].parts:
                after[part.points] = part.labels_before
            self._tell("stroke", after=after)
            self._bench.layers.labels_layer.undo()

    def _accept(self) -> None:
        self._tell("accept")
        self._bench.tools.use("accept view")

    def _train(self) -> None:
        if not self._session.state.why_not_finetune:
            self._tell("train")
            self._session.finetune(0.02)
