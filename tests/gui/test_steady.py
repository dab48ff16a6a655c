"""Nothing in the dock moves under the mouse while a person works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QWidget

from napari_unet.errors import InputError
from napari_unet.gui.pages import Column
from napari_unet.gui.panels.finetune import FinetunePanel
from napari_unet.gui.panels.predict import PredictPanel
from napari_unet.gui.panels.project import ProjectPanel
from napari_unet.session.images.place import SaveState
from tests.gui.stage import Stage
from tests.session.brightness import brightness_model, disks

pytestmark = pytest.mark.qt_smoke


def places(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return where every control of the dock lies, on whatever page."""
    found: dict[str, tuple[int, int]] = {}
    for panel in stage.dock.shown:
        panel.show_state(stage.state)
    for page in range(stage.dock.turned.count()):
        stage.dock.turned.setCurrentIndex(page)
        QTest.qWait(40)
        for name, (x, y) in where(stage.dock).items():
            at_foot = y > stage.dock.turned.y()
            found[name] = x, y - stage.dock.height() * at_foot
        inside = where(stage.dock.turned.currentWidget().widget())
        found |= {f"{page} {name}": place for name, place in inside.items()}
    return found


def where(holder: QWidget) -> dict[str, tuple[int, int]]:
    """Return where every control of a widget lies that does not scroll in it."""
    found = {}
    for kind in (QAbstractButton, QAbstractSpinBox, QComboBox):
        for number, control in enumerate(holder.findChildren(kind)):
            inside = control.parent()
            while inside is not holder and not isinstance(inside, Column):
                inside = inside.parent()
            if inside is holder and control.isVisible():
                at = control.mapTo(holder, QPoint(0, 0))
                name = f"{kind.__name__} {number} {control.toolTip()[:20]}"
                found[name] = at.x(), at.y()
    return found


def moved(before, after):
    """Return the controls that were there and lie elsewhere now.

    napari's own status bar grows by a pixel when something goes on, and what the list
    of images leaves to others with it.
    """
    ways = {
        name: np.subtract(after[name], before[name]) for name in before.keys() & after
    }
    return [name for name, way in ways.items() if np.abs(way).max() > 1]


def test_no_button_moves_while_a_person_works(stage, drag):
    model = brightness_model()
    known = model.spec.model_copy(update={"diameters": (40.0, 60.0)})
    stage.session.models.timeline.publish(replace(model, spec=known))
    stage.open(disks((128, 128), dim=(3, 7)), name="disks")
    start = places(stage)
    assert len(start) > 12
    stage.until(lambda: not stage.state.why_not_predict)
    stage.session.predict()
    assert not moved(start, places(stage)), "while predicting"
    stage.until(lambda: not stage.state.predicting)
    assert stage.state.settings.warning
    assert not moved(start, places(stage)), "predicted, with a warning of the size"
    stage.labels.mode = "paint"
    for row in (20, 40, 60):
        drag(stage.viewer, stage.labels, [(row, 60), (row, 64)])
        assert not moved(start, places(stage)), "after a stroke"
    said = {stage.panel(ProjectPanel).saved.text()}
    for _ in range(10):
        QTest.qWait(250)
        said.add(stage.panel(ProjectPanel).saved.text())
        assert not moved(start, places(stage)), "while saving"
    assert len(said) > 1
    stage.bench.tools.use("accept view")
    stage.session.finetune(0.05)
    assert not moved(start, places(stage)), "while training"
    stage.until(lambda: not stage.state.training)
    assert stage.panel(FinetunePanel).curve.isVisible()
    assert not moved(start, places(stage)), "trained"


def test_every_way_of_saving_takes_one_line(stage, qtbot):
    stage.open(disks(), name="disks")
    # One that stands alone: the dock's own shows the next save in the midst of it.
    panel = ProjectPanel(stage.bench)
    qtbot.addWidget(panel)
    panel.show()
    heights = set()
    for text in ("", "Saving…", "Saved 3 min ago in " + "long" * 30 + ".unet"):
        panel._render(replace(stage.state, save=SaveState(text)))
        QTest.qWait(20)
        heights.add(panel.saved.height())
        assert text in panel.saved.toolTip()
    assert len(heights) == 1
    failed = SaveState("Not saved. The disk is full; free some space.", failed=True)
    panel._render(replace(stage.state, save=failed))
    assert panel.failure.text() == failed.text
    assert panel.failure.isVisible()


def test_the_curve_and_the_size_are_of_the_model_that_is_chosen(stage, bright_dim):
    model = brightness_model()
    known = model.spec.model_copy(update={"diameters": (6.0, 30.0)})
    stage.session.models.timeline.publish(replace(model, spec=known))
    stage.open(disks((128, 128)), name="disks")
    stage.predict()
    assert "Found" in stage.state.message
    assert stage.state.settings.measured
    stage.bench.tools.use("accept view")
    stage.session.finetune(0.02)
    panel = stage.panel(FinetunePanel)
    assert panel.curve.isVisible()
    stage.until(lambda: not stage.state.training)
    other = known.model_copy(update={"name": "other"})
    stage.session.models.timeline.publish(replace(model, spec=other))
    assert not stage.panel(FinetunePanel).curve.isVisible()
    # What was accepted tells the size now, whichever model it is.
    shown = stage.session.images.current.shown_diameter
    assert stage.state.settings.measured == shown
    size = stage.panel(PredictPanel).settings.diameter
    assert size.text() == f"{shown:.0f} px (auto)"


def test_accept_says_what_hides_the_image_until_it_is_in_sight(stage):
    stage.open(np.stack([disks()] * 3), name="stack")
    stage.predict()
    stage.viewer.dims.ndisplay = 3
    stage.bench.tools.use("accept view")
    assert "2-D view" in stage.state.problems["correct"].text
    stage.dock.status.show_state(stage.state)
    assert stage.dock.status.mark.text() == "⚠"
    stage.viewer.dims.ndisplay = 2
    stage.until(lambda: "correct" not in stage.state.problems)
    assert "2-D view" not in stage.state.message
    camera = getattr(stage.viewer, "scene", stage.viewer).camera
    camera.center = (0, 5000, 5000)
    QTest.qWait(50)
    stage.bench.tools.use("accept view")
    assert "in sight" in stage.state.problems["correct"].text
    assert "2-D" not in stage.state.problems["correct"].text
    stage.viewer.reset_view()
    stage.until(lambda: "correct" not in stage.state.problems)


def test_predict_and_fine_tune_are_in_sight_in_a_low_window_on_every_page(stage):
    stage.viewer.window.resize(1366, 768)
    stage.viewer.window._qt_window.show()
    QTest.qWait(100)
    panels = {type(panel): panel for panel in stage.dock.shown}
    buttons = panels[PredictPanel].predict, panels[FinetunePanel].finetune
    for page in range(stage.dock.turned.count()):
        stage.dock.turned.setCurrentIndex(page)
        bar = stage.dock.turned.currentWidget().verticalScrollBar()
        for place in (0, bar.maximum()):
            bar.setValue(place)
            QTest.qWait(20)
            for button in buttons:
                assert button.visibleRegion().boundingRect() == button.rect()


def test_a_tab_says_what_goes_on_behind_it(stage):
    turned = stage.dock.turned
    assert [turned.tabText(place) for place in range(3)] == [
        "Images",
        "Correct",
        "Train",
    ]
    stage.session.report("correct", InputError("no"))
    stage.until(lambda: turned.tabText(1) == "Correct ⚠")
    stage.session.retract("correct")
    stage.until(lambda: turned.tabText(1) == "Correct")
    stage.open(disks((128, 128)), name="disks")
    stage.predict()
    stage.bench.tools.use("accept view")
    stage.session.finetune(0.02)
    stage.until(lambda: turned.tabText(2) == "Train ●")
    stage.until(lambda: not stage.state.training)
    stage.until(lambda: turned.tabText(2) == "Train")
