"""A z-stack in a real window: from the sample to exported files, with a real mouse."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_unet.annotation.provenance import is_verified
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.gui.panels.results import ResultsPanel
from napari_unet.gui.sample_data import open_zstack

ROOM = (24, 110), (30, 124)
"""Where a stroke begins and ends, in planes of the sample."""


class Person:
    """Somebody with keys and a mouse before a stack."""

    def __init__(self, stage, drag, press_key):
        self.stage, self._drag, self._press_key = stage, drag, press_key
        ((pixels, options, kind),) = open_zstack()
        assert kind == "image"
        self.image = stage.open(pixels, **options)
        stage.predict()

    @property
    def labels(self) -> np.ndarray:
        return np.array(self.stage.annotation.labels)

    @property
    def plane(self) -> int:
        return self.stage.viewer.dims.current_step[0]

    def look_at(self, plane: int) -> None:
        self.stage.viewer.dims.set_current_step(0, plane)

    def press(self, keys: str) -> None:
        self._press_key(self.stage.viewer, keys)

    def paint(self, plane: int, *points) -> None:
        self.look_at(plane)
        self.press("2")
        self._drag(self.stage.viewer, self.stage.labels, points)

    def click(self, widget) -> None:
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


@pytest.fixture
def person(stage, drag, press_key):
    made = Person(stage, drag, press_key)
    yield made
    made.stage = None


def test_a_sample_becomes_results(person):
    stage, annotation = person.stage, person.stage.annotation
    assert stage.state.image.axes == "ZYX"
    assert stage.state.image.objects > 10
    # An object that the model has missed is painted in three planes.
    person.press("M")
    stage.labels.brush_size = 9
    new = int(stage.labels.selected_label)
    for plane in (3, 6, 9):
        person.paint(plane, *ROOM)
    there = np.flatnonzero((person.labels == new).any(axis=(1, 2))).tolist()
    assert there == [3, 6, 9]
    person.press("Shift+I")
    assert stage.state.message.startswith("Interpolated.")
    there = np.flatnonzero((person.labels == new).any(axis=(1, 2))).tolist()
    assert there == [*range(3, 10)]
    # The plane in sight is right, and those up to another one.
    for plane, key in ((3, "Shift+P"), (9, "Ctrl+Shift+P")):
        person.look_at(plane)
        stage.until(lambda: not stage.state.refreshing)
        person.press(key)
        assert stage.state.message.startswith("The plane")
    verified = is_verified(annotation.provenance)
    assert verified[3:10].all()
    assert not verified[10:].any()
    before = person.labels[verified]
    # A few steps of training; what it makes of the others leaves verified ones alone.
    panel = stage.panel(FinetunePanel)
    stage.session.finetune(10)
    stage.until(lambda: len(panel.curve._losses) > 1)
    stage.session.training.stop()
    stage.until(lambda: not stage.state.training)
    stage.until(lambda: not stage.state.predicting)
    assert (person.labels[verified] == before).all()
    assert (annotation.labels[10:] == new).sum() == 0
    # A step of another plane is taken back where it was, and done again.
    person.look_at(0)
    person.press("Ctrl+Z")
    assert not is_verified(annotation.provenance)[4].any() or person.plane != 0
    person.press("Ctrl+Shift+Z")
    assert is_verified(annotation.provenance)[3:10].all()
    # Everything leaves the program, and others read it.
    results = stage.panel(ResultsPanel)
    person.click(results.this)
    stage.until(lambda: stage.state.exporting.told)
    folder, labels = stage.state.exporting.folder, person.labels
    with tifffile.TiffFile(folder / "zstack_01 labels.tif") as file:
        assert file.series[0].axes == "ZYX"
        assert (file.asarray() == labels).all()
    table = (folder / "zstack_01 objects.csv").read_text(encoding="utf-8-sig")
    assert len(table.splitlines()) == stage.state.image.objects + 1
