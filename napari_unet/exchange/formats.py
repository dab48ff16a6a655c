"""Formats in which models leave the program, without what writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_unet.errors import InputError


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """One way in which models leave the program.

    Parameters
    ----------
    name, suffix : str
        On the command line, and at the end of a file's name.
    title : str
        For people, in a file dialog.
    """

    name: str
    suffix: str
    title: str


PACKAGE = ModelFormat("bioimageio", ".zip", "BioImage.IO: Fiji, ilastik, QuPath, Zoo")
ONNX = ModelFormat("onnx", ".onnx", "ONNX: onnxruntime, OpenVINO, MATLAB")

FORMATS = (PACKAGE, ONNX)


def model_format_of(path: Path) -> ModelFormat:
    """Return the format that the name of a file asks for, or raise an InputError."""
    for each in FORMATS:
        if each.suffix == path.suffix.lower():
            return each
    known = " or ".join(f"{each.suffix} ({each.name})" for each in FORMATS)
    raise InputError(
        f"The name {path.name!r} tells no format of models; let it end with {known}."
    )


def find_model_format(name: str) -> ModelFormat:
    """Return the format of that name; an InputError names those that there are."""
    for each in FORMATS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in FORMATS)
    raise InputError(f"There is no format {name!r} of models; choose one of: {known}.")
