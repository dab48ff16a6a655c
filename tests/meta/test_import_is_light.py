from __future__ import annotations

import json
import subprocess
import sys

import pytest

import napari_unet

HEAVY = {
    "PyQt5", "PyQt6", "PySide6", "magicgui", "napari", "pydantic", "pyqtgraph",
    "qtpy", "scipy", "skimage", "superqt", "torch",
}  # fmt: skip
QT = {"PyQt5", "PyQt6", "PySide6", "qtpy", "napari", "magicgui", "superqt"}


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def test_import_loads_nothing_heavy() -> None:
    assert loaded_by("import napari_unet") & HEAVY == set()


def test_command_line_starts_without_torch_and_qt() -> None:
    assert loaded_by("import napari_unet.cli.app") & (QT | {"torch"}) == set()


def test_engine_is_free_of_qt() -> None:
    statement = "import napari_unet as nu\nfor n in nu.__all__: getattr(nu, n)"
    assert loaded_by(statement) & QT == set()


@pytest.mark.parametrize("name", napari_unet.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(napari_unet, name).__name__ == name
    assert name in dir(napari_unet)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="attribute segment"):
        _ = napari_unet.segment
