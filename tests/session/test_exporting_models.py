"""The model that predicts leaves the session as a file of other programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_unet.exchange import import_package
from napari_unet.weights.folder import save_model
from tests.exchange.packages import described, files_of, traced
from tests.runners import ManualRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage


def export(stage, path: Path, name: str = "onnx") -> None:
    stage.session.models.exporting.start(path, name)


@pytest.fixture
def stage() -> Stage:
    return Stage.make(ManualRunner())


@pytest.fixture
def loaded(stage, bright):
    stage.session.models.choose(bright)
    stage.run()
    return stage


def test_a_file_and_what_is_said(loaded, tmp_path) -> None:
    export(loaded, tmp_path / "a.onnx")
    assert loaded.state.message == "Exporting the model… 0 %"
    assert loaded.state.why_not_export_model == "The model is being exported."
    loaded.run()
    assert (tmp_path / "a.onnx").is_file()
    assert loaded.state.message == f"The model is exported to {tmp_path / 'a.onnx'}."
    assert loaded.state.model_export is None
    export(loaded, tmp_path / "a.onnx")  # a person has said in the dialog that it may
    loaded.run()
    assert not loaded.state.problems


def test_cancelling_leaves_nothing(loaded, tmp_path) -> None:
    export(loaded, tmp_path / "a.zip", "bioimageio")
    for _ in range(3):
        loaded.runner.step()
    assert loaded.state.message == "Exporting the model… 10 %"
    loaded.session.models.exporting.cancel()
    loaded.run()
    assert loaded.state.model_export is None
    assert not (tmp_path / "a.zip").exists()


def test_a_problem_is_told_beside_the_model(loaded, tmp_path) -> None:
    export(loaded, tmp_path / "nowhere" / "a.onnx")
    loaded.run()
    assert "could not be written" in loaded.state.problems["model"].text
    assert loaded.state.model_export is None


def test_without_a_model_it_is_refused(stage, tmp_path) -> None:
    export(stage, tmp_path / "a.onnx")
    assert "model" in stage.state.problems
    assert not stage.runner.jobs


def test_a_network_of_others_predicts_and_says_why_it_cannot_learn(
    stage, tmp_path
) -> None:
    files = files_of(described(), traced(lambda x: 3 * x))
    save_model(import_package(files, "a.zip", "mine").model, tmp_path / "mine")
    stage.session.models.choose(tmp_path / "mine")
    stage.run()
    stage.open(disks())
    stage.session.predict()
    stage.run()
    assert stage.annotation.labels.max() == 1
    assert not stage.state.problems
    assert "cannot learn" in stage.state.why_not_finetune
