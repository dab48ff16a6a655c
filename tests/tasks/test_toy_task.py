"""A fourth task, added in this file alone, is there for everybody who asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import torch.nn.functional as F

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.schema import LabelSchema
from napari_unet.cli.app import main
from napari_unet.geometry.box import Box
from napari_unet.gui.panels.new_model import NewModelDialog
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.folder import read_spec
from napari_unet.models.spec import ModelSpec
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.store import ProjectStore
from napari_unet.scores.report import CLASS_SCORES
from napari_unet.session.models.request import ModelRequest, NetworkRequest
from napari_unet.tasks import Task, registry
from napari_unet.tasks.classes import ClassLabeling, ClassWords
from napari_unet.tasks.labeling import Brush
from napari_unet.tasks.objectives.classes import ClassesObjective
from napari_unet.tasks.objectives.losses import (
    all_here,
    bernoulli_divergence,
    weighted_mean,
)
from napari_unet.tasks.objectives.objective import Targets
from napari_unet.tasks.outputs import Outputs
from napari_unet.weights.folder import load_model, save_model
from napari_unet.weights.model import new_model
from tests.runners import ManualRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage

NAME = "stain"


class StainLabeling(ClassLabeling):
    """1 where there is stain, 0 elsewhere; neither has a name."""

    brush = Brush.OBJECT

    def nearest(self, annotation, names, label):
        return min(label, 1)


class StainOutputs(Outputs):
    """A single map."""

    def channels(self, spec):
        return 1


class StainWords(ClassWords):
    title = "Stain, or none"
    outcome = "stain"
    layer = "stain"
    aside = "stain"
    verifying = "paint some stain"

    def predicts(self, spec):
        return "Finds stain"

    def found(self, annotation, names, seconds):
        return f"Stain in {annotation.pixels_of(1)} pixels."

    def too_little(self, verified_classes):
        return ""


class StainObjective(ClassesObjective):
    """The cross-entropy of one map."""

    def targets(self, values, verified):
        maps = (values > 0)[None].astype(np.float32)
        return Targets(maps, verified[None].astype(np.float32))

    def sampling_strata(self, values, verified):
        return [(verified & (values > 0), 0.5), (verified & (values <= 0), 0.5)]

    def check(self, planes):
        pass

    def loss(self, logits, targets, weight, hard_pixel_weight, add=all_here):
        return weighted_mean(bernoulli_divergence(logits, targets), weight, add)

    def activate(self, logits):
        return F.sigmoid(logits)

    def iter_decode(self, maps, zoom=1.0):
        yield
        return (maps[0] > 0.5).astype(np.uint8)


STAIN = Task(
    NAME,
    StainLabeling(),
    StainOutputs(),
    StainWords(),
    CLASS_SCORES,
    lambda spec, options: StainObjective(1, options),
)


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    registry.register(STAIN)
    target = "napari_unet.project.layout.unfiled_folder"
    monkeypatch.setattr(target, lambda: tmp_path / "unfiled")
    yield
    del registry._TASKS[NAME]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    spec = ModelSpec(
        name="toy", task=NAME, architecture=UNetConfig(depth=1, base_channels=4)
    )
    save_model(new_model(spec), tmp_path / "toy")
    return tmp_path / "toy"


def test_it_is_named_once() -> None:
    with pytest.raises(ValueError, match="already"):
        registry.register(STAIN)


def test_the_dock_offers_it(qtbot) -> None:
    dialog = NewModelDialog()
    qtbot.addWidget(dialog)
    tasks = dialog.outputs.task
    tasks.setCurrentIndex(tasks.findText("Stain, or none"))
    assert dialog.request.task == NAME
    assert dialog.outputs.names.isHidden()
    assert not dialog.request.problem


def test_a_model_folder_holds_it(folder: Path) -> None:
    written = json.loads((folder / "model.json").read_text())
    assert written["task"] == NAME
    assert read_spec(folder).task == NAME
    assert load_model(folder).spec.out_channels == 1


def test_the_command_line_knows_it(tmp_path: Path, capsys) -> None:
    def run(*arguments: object) -> int:
        with pytest.raises(SystemExit) as exit_:
            main([str(each) for each in arguments])
        return int(exit_.value.code or 0)

    places = ("--images", tmp_path / "images", "--labels", tmp_path / "labels")
    to = ("--out", tmp_path / "learned")
    assert run("train", *places, *to, "--task", "strain") == 2
    assert f"regression, {NAME}" in capsys.readouterr().err
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    image = disks((64, 64))
    tifffile.imwrite(tmp_path / "images" / "a.tif", image.astype(np.float32))
    stain = (image > image.mean()).astype(np.uint8)
    tifffile.imwrite(tmp_path / "labels" / "a.tif", stain)
    steps = ("--steps", 3, "--device", "cpu")
    small = ("--set", "architecture.depth=1", "--set", "architecture.base_channels=4")
    assert run("train", *places, *to, "--task", NAME, *steps, *small) == 0
    assert read_spec(tmp_path / "learned").task == NAME
    capsys.readouterr()
    truth = tmp_path / "labels"
    scored = ("--truth", truth, "--predicted", truth, "--task", NAME, "--json")
    assert run("evaluate", *scored) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 1


def test_it_is_predicted_corrected_undone_and_learned(folder: Path) -> None:
    stage = Stage.make(ManualRunner())
    stage.session.models.choose(folder)
    stage.run()
    assert stage.state.model.predicts == "Finds stain"
    stage.open(disks((64, 64)))
    stage.session.predict()
    stage.run()
    assert "Stain in" in stage.state.message
    assert stage.state.image.task == NAME
    before = stage.annotation.labels.copy()
    stage.paint(np.s_[8:24, 8:24], 1)
    stage.annotation.undo()
    assert np.array_equal(stage.annotation.labels, before)
    stage.paint(np.s_[8:24, 8:24], 1)
    stage.session.correcting.do(AcceptView(Box((0, 0), (64, 64))))
    stage.session.finetune(0.02)
    stage.run()
    assert not stage.state.problems
    network = NetworkRequest("unet", UNetConfig(depth=1, base_channels=4))
    stage.session.models.make(ModelRequest(NAME, network=network))
    stage.run()
    assert stage.session.models.active.spec.task == NAME


def test_a_project_keeps_it(tmp_path: Path) -> None:
    schema = LabelSchema(NAME)
    pixels = disks((64, 64))
    identity = ImageIdentity.of("disks", pixels, "YX", schema)
    annotation = STAIN.labels.empty((), identity.labels_shape)
    annotation.labels[2:5, 2:5] = 1
    annotation.notice_change(Box((2, 2), (5, 5)))
    store = ProjectStore(tmp_path / "toy.unet")
    store.save(identity, annotation.snapshot())
    stored = ProjectStore(tmp_path / "toy.unet").load(identity.key)
    assert f'"{NAME}"' in (tmp_path / "toy.unet" / "project.json").read_text()
    assert stored is not None
    again = STAIN.labels.restored(stored.labels, stored.provenance, stored.next_id)
    assert np.array_equal(again.labels, annotation.labels)
