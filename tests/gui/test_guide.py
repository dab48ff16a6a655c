"""The next view comes into sight, and the dock says what the work took."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_unet.geometry.box import Box
from napari_unet.gui.panels.correct import CorrectPanel
from tests.session.brightness import disks

LARGE = (768, 1536)


def in_sight(stage, box):
    """Whether a box is in sight, and little else along one of its axes."""
    seen = stage.bench.layers.visible_box()
    if seen is None or not seen.contains(box):
        return False
    return min(a / b for a, b in zip(seen.shape, box.shape, strict=True)) < 1.25


@pytest.fixture
def wanted(stage):
    """Return the views that were asked for."""
    found = []
    stage.session.guiding.wanted.connect(lambda image, box: found.append((image, box)))
    return found


def test_n_brings_the_next_view_into_sight(stage, wanted, press_key):
    stage.open(disks(LARGE), name="disks", scale=(2.0, 0.5), translate=(10, -40))
    stage.predict()
    stage.until(lambda: stage.session.guiding.ranked)
    for number in range(1, 4):
        press_key(stage.viewer, "N")
        stage.until(lambda n=number: len(wanted) == n)
        QTest.qWait(50)
        assert in_sight(stage, wanted[-1][1])
    assert len({box for _, box in wanted}) == 3


def test_a_stroke_is_not_drawn_across_to_the_next_view(stage, wanted, mouse, press_key):
    stage.open(disks(LARGE), name="disks")
    stage.predict()
    press_key(stage.viewer, "N")
    stage.until(lambda: len(wanted) == 1)
    layer, box = stage.labels, wanted[0][1]
    row, column = ((a + b) // 2 for a, b in zip(box.start, box.stop, strict=True))
    layer.mode, layer.brush_size = "paint", 3
    layer.selected_label = label = stage.annotation.new_id()
    hand = mouse(stage.viewer, layer)
    hand.press((row, column))
    hand.move((row, column + 9))
    press_key(stage.viewer, "N")
    assert "drawn" in stage.state.problems["correct"].text
    hand.move((row, column + 18))
    hand.release((row, column + 18))
    assert np.ptp(np.nonzero(stage.annotation.labels == label), axis=1).max() < 30
    press_key(stage.viewer, "N")
    stage.until(lambda: len(wanted) == 2)
    assert "correct" not in stage.state.problems


def test_the_next_view_may_be_of_another_image_and_plane(stage, wanted):
    stage.open(np.stack([disks()] * 3), name="stack", metadata={"axes": "TYX"})
    stage.predict()
    other = stage.open(disks(pitch=40), name="plane")
    stage.until(lambda: stage.state.image.name == "plane")
    stage.predict()
    for _ in range(4):
        stage.session.guiding.next()
        QTest.qWait(50)
        image, box = wanted[-1]
        assert stage.session.images.current is image
        assert in_sight(stage, box)
        assert other.visible is (image.name == "plane")
        assert not stage.state.why_not_predict
    assert len({(image.name, box) for image, box in wanted}) == 4


def test_the_panel_says_what_views_took_and_when_to_stop(stage):
    stage.open(disks(LARGE), name="disks")
    panel = stage.panel(CorrectPanel)
    assert panel.next.isEnabled()
    assert panel.advice.text() == ""
    stage.predict()
    panel = stage.panel(CorrectPanel)
    assert "finish 3 views first" in panel.advice.text()
    for _ in range(3):
        panel.next.click()
        QTest.qWait(50)
        stage.bench.tools.use("accept view")
    panel = stage.panel(CorrectPanel)
    assert "3 views in under 1 min" in panel.spent.text()
    assert "The last 3 views needed nothing" in panel.advice.text()


def test_the_3d_view_gives_way(stage, wanted):
    stage.open(np.stack([disks()] * 3), name="stack")
    stage.viewer.dims.ndisplay = 3
    stage.session.guiding.next()
    QTest.qWait(50)
    assert stage.viewer.dims.ndisplay == 2
    assert in_sight(stage, wanted[-1][1])
    assert wanted[-1][1] in {Box((z, 0, 0), (z + 1, *disks().shape)) for z in range(3)}
