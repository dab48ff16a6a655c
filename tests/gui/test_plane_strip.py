"""The strip of planes: how far each is, on screen, and the way to it by a click."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_unet.annotation.stage import Stage
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.panels.plane_strip import PlaneStrip
from tests.session.brightness import disks

UNSEEN, PREDICTED, BEGUN, DONE = Stage


def heights(strip: PlaneStrip) -> list[int]:
    """Return how many pixels of each column of the strip are drawn."""
    strip.show_here(None)
    image = strip.grab().toImage()
    paper = image.pixel(0, image.height() - 1)
    return [
        sum(image.pixel(x, y) != paper for y in range(image.height()))
        for x in range(image.width())
    ]


@pytest.fixture
def strip(qtbot):
    made = PlaneStrip()
    qtbot.addWidget(made)
    made.resize(300, made.sizeHint().height())
    return made


def test_columns_rise_with_the_work(strip):
    strip.show_planes((UNSEEN, PREDICTED, BEGUN, DONE), [("Z", 4)])
    drawn = heights(strip)
    middles = [drawn[n * 75 + 37] for n in range(4)]
    assert middles == sorted(set(middles))
    assert middles[0] == 1
    assert strip.words(2) == "Plane 3 of 4: partly verified"


def test_of_many_planes_what_is_left_stays_in_sight(strip):
    stages = [DONE] * 3000
    stages[1234] = PREDICTED
    strip.show_planes(stages, [("T", 30), ("Z", 100)])
    drawn = heights(strip)
    assert [x for x, high in enumerate(drawn) if high < max(drawn)] == [123]
    assert strip.words(1234) == "Frame 13 of 30, Plane 35 of 100: predicted"
    asked = []
    strip.wanted.connect(asked.append)
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(299, 5))
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(0, 5))
    assert asked == [2990, 0]


def test_the_strip_follows_work_undo_and_sliders(stage, press_key):
    pixels = np.zeros((6, 96, 96), np.uint8)
    pixels[1:5] = disks((96, 96))
    stage.open(pixels, name="stack", metadata={"axes": "ZYX"})
    stage.predict()
    planes = stage.panel(CorrectPanel).planes
    strip = planes.strip

    def shown(*stages: Stage) -> bool:
        panel = stage.panel(CorrectPanel)
        done = f"{stages.count(DONE)} of 6 done"
        told = [strip.words(number).split(": ")[1] for number in range(6)]
        wanted = [each.value for each in stages]
        return (told, panel.planes.count.text()) == (wanted, done)

    stage.until(lambda: shown(*6 * [PREDICTED]))
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(strip.width() - 2, 4))
    assert stage.viewer.dims.current_step[0] == 5
    assert stage.bench.sections.number == strip._here == 5
    for plane in (1, 2):
        stage.viewer.dims.set_current_step(0, plane)
        press_key(stage.viewer, "Shift+P")
    stage.labels.mode, stage.labels.selected_label = "paint", 99
    stage.labels.paint((4, 90, 90), 99)
    stage.labels.mode = "pan_zoom"
    stage.until(lambda: shown(PREDICTED, DONE, DONE, PREDICTED, BEGUN, PREDICTED))
    # From a finished plane the keys lead to the nearest that is not, either way.
    for here, key, there in ((1, "Shift+N", 3), (2, "Shift+B", 0)):
        stage.viewer.dims.set_current_step(0, here)
        press_key(stage.viewer, key)
        assert stage.viewer.dims.current_step[0] == there
        assert strip._here == there
    for _ in range(3):
        press_key(stage.viewer, "Ctrl+Z")
    stage.until(lambda: shown(*6 * [PREDICTED]))
    stage.open(disks((96, 96)), name="one plane")
    assert not stage.panel(CorrectPanel).planes.isVisible()
