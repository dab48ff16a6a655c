"""A window with the dock, a small image and a small model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtTest import QTest

from napari_unet.gui.dock import Dock, SegmentAndCorrect
from napari_unet.gui.workbench import Workbench
from napari_unet.session.session import Session
from napari_unet.session.state import State

PATIENCE_MS = 60_000


@dataclass
class Stage:
    """A viewer with a dock."""

    viewer: Any
    dock: Dock

    @property
    def bench(self) -> Workbench:
        return self.dock.bench

    @property
    def session(self) -> Session:
        return self.bench.session

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def annotation(self) -> Any:
        return self.session.images.current.annotation

    @property
    def labels(self) -> Any:
        return self.bench.layers.labels_layer

    def panel(self, kind: type) -> Any:
        """Return the panel of a kind, in sight and showing the newest state."""
        (found,) = [panel for panel in self.dock.shown if isinstance(panel, kind)]
        self.dock.bring(found)
        found.show_state(self.state)
        return found

    def until(self, happened: Any, milliseconds: int = PATIENCE_MS) -> None:
        """Let the window live until something has happened."""
        for _ in range(milliseconds // 10):
            if happened():
                return
            QTest.qWait(10)
        raise AssertionError(f"it did not happen; the state is {self.state}")

    def choose(self, model: Any) -> None:
        self.session.models.choose(model)
        self.until(lambda: self.state.model and not self.state.loading)

    def open(self, image: np.ndarray, **options: Any) -> Any:
        layer = self.viewer.add_image(image, **options)
        self.until(lambda: self.state.image and self.state.image.open)
        return layer

    def predict(self) -> None:
        self.until(lambda: not self.state.why_not_predict)
        self.session.predict()
        self.until(lambda: not self.state.predicting)


def set_stage(viewer: Any, model: Any) -> Stage:
    """Add the dock to a window, with a model chosen."""
    dock = SegmentAndCorrect(viewer)
    viewer.window.add_dock_widget(dock)
    stage = Stage(viewer, dock)
    stage.choose(model)
    return stage
