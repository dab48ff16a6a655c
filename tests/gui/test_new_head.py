"""The form that turns a model to another task."""

from __future__ import annotations

import pytest

from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.new_head import NewHeadDialog
from napari_unet.session.heads import HeadWish
from tests.session.brightness import disks


@pytest.fixture
def dialog(qtbot):
    dialog = NewHeadDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_it_asks_only_for_what_the_task_needs(dialog):
    assert dialog.names.isVisible()
    assert not dialog.unit.isVisible()
    dialog.task.setCurrentIndex(1)
    assert dialog.unit.isVisible()
    dialog.task.setCurrentIndex(2)
    assert not dialog.names.isVisible()
    assert dialog.wish == HeadWish("instances")


def test_it_stays_until_the_names_make_sense(dialog):
    dialog.names.setPlainText("background")
    dialog.accept()
    assert "two classes" in dialog.problem.text()
    assert dialog.isVisible()
    dialog.names.setPlainText("background\n\n axon \nmyelin\n")
    dialog.accept()
    assert not dialog.isVisible()
    assert dialog.wish.names == ("background", "axon", "myelin")


def test_the_model_panel_makes_the_head(stage, monkeypatch):
    stage.open(disks((128, 128)), name="disks")

    def choose(dialog):
        dialog.names.setPlainText("dark\nbright")
        return True

    monkeypatch.setattr(NewHeadDialog, "exec", choose)
    stage.panel(ModelPanel).new_head.click()
    stage.until(lambda: stage.state.image and stage.state.image.task == "classes")
    panel = stage.panel(ModelPanel)
    assert panel.predicts.text() == "Classes: dark, bright"
    assert panel.chooser.currentText() == "bright classes"
