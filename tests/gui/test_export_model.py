"""*Export model…* in a real window: two formats in a file dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_unet.gui.panels.finetune import FinetunePanel
from tests.session.brightness import disks

pytestmark = pytest.mark.qt_smoke


def answer(monkeypatch: pytest.MonkeyPatch, path: Path, number: int) -> None:
    """Let a person choose a path, and one of the formats."""

    def ask(_: Any, title: str, name: str, filters: str) -> tuple[str, str]:
        assert title == "Export model"
        assert name
        return str(path), filters.split(";;")[number]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)


def test_a_file_is_written_while_the_window_lives(stage, tmp_path, monkeypatch) -> None:
    stage.open(disks((64, 64)), name="disks")
    panel = stage.panel(FinetunePanel)
    answer(monkeypatch, tmp_path / "mine", 1)
    assert not panel.stop_export.isEnabled()
    panel.export.trigger()
    assert stage.state.model_export is not None, stage.state.problems
    stage.until(panel.stop_export.isEnabled)
    assert not panel.export.isEnabled()
    stage.until(lambda: stage.state.model_export is None)
    assert (tmp_path / "mine.onnx").is_file()
    assert "is exported to" in stage.state.message
    stage.until(panel.export.isEnabled)


@pytest.mark.parametrize(
    ("name", "number", "written"),
    [("a", 0, "a.zip"), ("a.ZIP", 0, "a.ZIP"), ("a.zip", 1, "a.zip.onnx")],
)
def test_a_name_gets_the_ending_of_its_format(
    stage, tmp_path, monkeypatch, name: str, number: int, written: str
) -> None:
    answer(monkeypatch, tmp_path / name, number)
    started = []
    monkeypatch.setattr(
        stage.session.models.exporting, "start", lambda *given: started.append(given)
    )
    stage.panel(FinetunePanel).export.trigger()
    assert started == [(tmp_path / written, ("bioimageio", "onnx")[number])]


def test_a_dialog_that_is_closed_does_nothing(stage, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    stage.panel(FinetunePanel).export.trigger()
    assert stage.state.model_export is None
