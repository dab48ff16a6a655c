"""The form that makes a model for another task."""

from __future__ import annotations

import pytest

from napari_unet.annotation.provenance import is_verified
from napari_unet.gui.panels.model import ModelPanel
from napari_unet.gui.panels.new_model import NewModelDialog
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.session.models.request import ModelRequest
from tests.session.brightness import disks


@pytest.fixture
def dialog(qtbot):
    dialog = NewModelDialog(channels=3)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def choose_network(dialog, name):
    kind = dialog.network.kind
    kind.setCurrentIndex(kind.findText(name))


def press_new(stage):
    """Ask for a new model, as soon as that is allowed."""
    new_model = stage.panel(ModelPanel).new_model
    stage.until(new_model.isEnabled)
    new_model.click()


def test_it_asks_only_for_what_the_task_needs(dialog):
    schema = dialog.outputs
    assert schema.names.isVisible()
    assert not schema.unit.isVisible()
    schema.task.setCurrentIndex(1)
    assert schema.unit.isVisible()
    schema.task.setCurrentIndex(2)
    assert not schema.names.isVisible()
    assert dialog.request == ModelRequest("instances")


def test_it_stays_until_the_names_make_sense(dialog):
    dialog.outputs.names.setPlainText("background")
    dialog.accept()
    assert "two classes" in dialog.problem.text()
    assert dialog.isVisible()
    dialog.outputs.names.setPlainText("background\n\n axon \nmyelin\n")
    dialog.accept()
    assert not dialog.isVisible()
    assert dialog.request.names == ("background", "axon", "myelin")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_can_be_chosen(dialog, name):
    choose_network(dialog, name)
    request = dialog.request.network
    assert request.name == name
    assert request.architecture == ARCHITECTURES[name]
    assert request.in_channels == 3
    assert request.pixel_size is None
    backbone = request.architecture.kind == "backbone"
    assert dialog.network.pretrained.isVisible() == backbone
    assert not request.pretrained


def test_options_are_those_of_the_network(dialog):
    choose_network(dialog, "unet")
    controls = dialog.network.controls
    controls["base_channels"].value = 24
    controls["norm"].value = "group"
    dialog.network.pixel_size.setValue(0.5)
    request = dialog.request.network
    assert request.architecture.base_channels == 24
    assert request.architecture.norm == "group"
    assert request.pixel_size == 0.5
    choose_network(dialog, "original")
    dialog.network.controls["dropout"].value = 0.25
    assert dialog.request.network.architecture.dropout == 0.25
    dialog.network.kind.setCurrentIndex(0)
    assert dialog.request.network is None


def test_an_option_at_a_forbidden_limit_is_told_in_words(dialog):
    dialog.outputs.names.setPlainText("dark\nbright")
    choose_network(dialog, "original")
    dialog.network.controls["dropout"].value = 1
    dialog.accept()
    assert dialog.problem.text() == "Dropout: Input should be less than 1."
    assert dialog.isVisible()


def test_the_model_panel_makes_the_head(stage, monkeypatch):
    stage.open(disks((128, 128)), name="disks")

    def choose(dialog):
        dialog.outputs.names.setPlainText("dark\nbright")
        return True

    monkeypatch.setattr(NewModelDialog, "exec", choose)
    press_new(stage)
    stage.until(lambda: stage.state.image and stage.state.image.task == "classes")
    panel = stage.panel(ModelPanel)
    assert panel.predicts.text() == "Classes: dark, bright"
    assert panel.chooser.currentText() == "bright classes"


def test_a_new_network_learns_from_the_brush(stage, monkeypatch, drag):
    stage.open(disks((128, 128)), name="disks")

    def choose(dialog):
        dialog.outputs.names.setPlainText("dark\nbright")
        choose_network(dialog, "unet")
        dialog.network.controls["depth"].value = 2
        dialog.network.controls["base_channels"].value = 4
        return True

    monkeypatch.setattr(NewModelDialog, "exec", choose)
    press_new(stage)
    stage.until(lambda: stage.state.image and stage.state.image.task == "classes")
    assert stage.state.versions[-1].text == "new unet: dark, bright"
    stage.session.correcting.start_empty()
    stage.until(lambda: stage.labels is not None)
    layer, annotation = stage.labels, stage.annotation
    layer.mode, layer.brush_size, layer.selected_label = "paint", 9, 1
    drag(stage.viewer, layer, [(16, 12), (16, 20)])
    stage.until(lambda: is_verified(annotation.provenance[16, 16]))
    layer.mode = "erase"
    drag(stage.viewer, layer, [(32, 30), (32, 60)])
    stage.until(lambda: is_verified(annotation.provenance[32, 40]))
    stage.session.finetune(0.05)
    stage.until(lambda: not stage.state.training)
    assert "finetune" not in stage.state.problems
