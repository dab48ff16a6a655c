"""Descriptions of models are read without torch, which takes seconds to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pkgutil import walk_packages

import napari_unet.models


def loaded_by(statements: str) -> set[str]:
    code = f"{statements}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout))


def test_no_module_of_models_needs_torch() -> None:
    package = napari_unet.models
    found = walk_packages(package.__path__, f"{package.__name__}.")
    names = [package.__name__, *(each.name for each in found)]
    assert f"{package.__name__}.architectures.unet" in names
    assert "torch" not in loaded_by("\n".join(f"import {name}" for name in names))


def test_the_door_loads_nothing() -> None:
    loaded = loaded_by("import napari_unet.models")
    ours = {name for name in loaded if name.startswith("napari_unet.")}
    assert ours == {"napari_unet.models"}
    assert loaded & {"numpy", "pydantic"} == set()


def test_a_description_is_defined_without_labels_tasks_and_algorithms() -> None:
    loaded = loaded_by("import napari_unet.models.spec")
    rooms = {".".join(name.split(".")[:2]) for name in loaded}
    unneeded = {f"napari_unet.{room}" for room in ("annotation", "scores", "project")}
    assert rooms & unneeded == set()
    tasks = {name for name in loaded if name.startswith("napari_unet.tasks.")}
    assert tasks == {"napari_unet.tasks.outputs"}
    heavy = {"scipy.ndimage", "scipy.sparse", "skimage.segmentation", "platformdirs"}
    assert loaded & {*heavy, "PIL", "psutil", "rich", "tifffile", "typer"} == set()


def test_what_is_in_a_model_folder_is_told_without_torch() -> None:
    code = """
from napari_unet.models.folder import list_models, model_folder, read_record
for spec in list_models():
    assert read_record(spec.name).replay == spec.name
    path = model_folder(spec.name) / "weights.safetensors"
    with path.open("rb") as file:
        from napari_unet.models.safetensors_header import read_header
        assert read_header(file, path.stat().st_size).entries
"""
    assert "torch" not in loaded_by(code)
