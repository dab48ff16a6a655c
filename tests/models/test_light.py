"""Descriptions of models are read without torch, which takes seconds to import."""

from __future__ import annotations

import subprocess
import sys
from pkgutil import walk_packages

import napari_unet.models


def test_no_module_of_models_needs_torch() -> None:
    package = napari_unet.models
    found = walk_packages(package.__path__, f"{package.__name__}.")
    names = [package.__name__, *(each.name for each in found)]
    assert f"{package.__name__}.architectures.unet" in names
    imports = "\n".join(f"import {name}" for name in names)
    code = f"{imports}\nimport sys\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_in_a_model_folder_is_told_without_torch() -> None:
    code = """
import sys
from napari_unet.models.folder import list_models, model_folder, read_record
for spec in list_models():
    assert read_record(spec.name).replay == spec.name
    path = model_folder(spec.name) / "weights.safetensors"
    with path.open("rb") as file:
        from napari_unet.models.safetensors_header import read_header
        assert read_header(file, path.stat().st_size).entries
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
