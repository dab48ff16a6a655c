"""Formats in which models leave the program, without what writes them."""

from __future__ import annotations

from dataclasses import dataclass

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


def find_model_format(name: str) -> ModelFormat:
    """Return the format of that name; an InputError names those that there are."""
    for each in FORMATS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in FORMATS)
    raise InputError(f"There is no format {name!r} of models; choose one of: {known}.")
