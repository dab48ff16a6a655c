"""The command itself: versions, models, the window, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import napari_unet
from napari_unet.cli import window

if TYPE_CHECKING:
    from tests.cli.conftest import Run

CODE = "import sys, napari_unet.cli.app; print(*sys.modules)"


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_needs_neither_torch_nor_napari() -> None:
    result = _python("-c", CODE)
    loaded = set(result.stdout.split())
    assert "napari_unet.cli.app" in loaded
    assert not loaded & {"torch", "napari", "qtpy", "skimage", "scipy"}


def test_the_module_is_the_command() -> None:
    result = _python("-m", "napari_unet", "predict", "no.tif", "--model", "no")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "Missing option '--out'" in result.stderr


def test_version(run: Run) -> None:
    assert run("--version").out.strip() == napari_unet.__version__


def test_models_list(run: Run) -> None:
    result = run("models", "list", "--json")
    assert result.code == 0
    for row in json.loads(result.out):
        assert list(row) == ["name", "task", "data", "license", "score", "megabytes"]
    shown = run("models", "list")
    assert shown.code == 0
    for data in ("BBBC038v1,", "Usiigaci,", "AxonDeepSeg"):  # "cells" has them all
        assert data in shown.out


def test_models_show(run: Run, model: Path) -> None:
    result = run("models", "show", model)
    assert result.code == 0
    assert "kind unet, depth 2" in result.out
    shown = json.loads(run("models", "show", model, "--json").out)
    assert shown["name"] == "tiny"
    assert shown["spec"]["in_channels"] == 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have been started."""
    commands: list[list[str]] = []

    def execv(path: str, command: list[str]) -> None:
        commands.append(command)
        raise SystemExit(0)

    monkeypatch.setattr(window.os, "execv", execv)
    monkeypatch.setenv("DISPLAY", ":99")
    return commands


@pytest.mark.skipif(os.name != "posix", reason="Windows starts a child process")
def test_without_subcommand_napari_opens(run: Run, started: list[list[str]]) -> None:
    assert run().code == 0
    expected = ["--with", "napari-unet-live", "Segment and correct"]
    assert started == [[sys.executable, "-m", "napari", *expected]]


@pytest.mark.skipif(os.name != "posix", reason="Windows starts a child process")
def test_a_sample_is_opened(run: Run, started: list[list[str]]) -> None:
    assert run("--sample", "nuclei").code == 0
    assert started[0][3].endswith("nuclei_01.tif")
    assert started[0][4] == "--with"
    run("--sample", "nonsense").refused("There is no sample 'nonsense'")
    run("--sample", "nuclei", "models", "list").refused("without a subcommand")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have a display")
def test_no_display(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    run().refused("There is no display")


def test_no_qt(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_BINDINGS", ())
    run().refused('pip install ".[all]"')


def test_the_other_distribution_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "napari_unet-0.9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: napari-unet\nVersion: 0.9\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    run("models", "list").refused("Another package, napari-unet 0.9, is installed")
