"""The description of a package in the words of BioImage.IO, format 0.5.

Only words of its first release and of 0.5.5, so that older programs read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch

from napari_unet.errors import InputError
from napari_unet.exchange.credit import Credits, refuse_unknown, stated_license
from napari_unet.exchange.graph import NEAR_ENOUGH, Sizes, sizes_of
from napari_unet.exchange.onnx_file import INPUT, OPSET, OUTPUT
from napari_unet.images.normalize import Normalization, PercentileNormalization
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.model import Model

DESCRIPTION = "rdf.yaml"

_FORMAT = "0.5.5"
_UNET = ("Ronneberger, Fischer and Brox, U-Net, 2015", "10.1007/978-3-319-24574-4_28")
_MAKER = "the napari-unet developers"
_TAGS = ("unet", "segmentation", "pytorch", "napari")
_LONGEST_NAME, _SHORTEST_NAME = 64, 5
_LONGEST_DESCRIPTION = 500
_LEAST_DIVISOR = 1e-12
_ATTACHED = ("model.json", "record.json", "weights.safetensors")

Words: TypeAlias = dict[str, Any]
File: TypeAlias = Callable[[str], Words]


def describe(model: Model, made_by: Credits, hashes: Mapping[str, str]) -> Words:
    """Return the description of a package with these files, hashes by their names.

    Raises an InputError if the format has no words for the model.
    """
    spec, sizes = model.spec, sizes_of(model)
    refuse_unknown(made_by.license)
    license_ = made_by.license or stated_license(spec.card.license)
    title, doi = _UNET

    def file(name: str) -> Words:
        return {"source": name, "sha256": hashes.get(name, "")}

    described: Words = {
        "format_version": _FORMAT,
        "type": "model",
        "name": _name(spec.name),
        "description": _description(spec),
        "authors": [{"name": name} for name in made_by.authors or (_MAKER,)],
        "cite": [{"text": title, "doi": doi}],
        "tags": [*_TAGS, f"{model.net.dims}d"],
        "documentation": file("README.md"),
        "covers": [file("cover.png")],
        "inputs": [_input(model, sizes) | _shown(file, INPUT)],
        "outputs": [_output(model, sizes) | _shown(file, OUTPUT)],
        "weights": _weights(file, onnx="weights.onnx" in hashes),
        "attachments": [file(name) for name in _ATTACHED],
    }
    if license_:
        described["license"] = license_
    if not spec.variables:  # of values nobody knows how large they are
        near = {"relative_tolerance": NEAR_ENOUGH, "absolute_tolerance": NEAR_ENOUGH}
        described["config"] = {"bioimageio": {"reproducibility_tolerance": [near]}}
    return described


def _shown(file: File, name: str) -> Words:
    return {
        "test_tensor": file(f"{name}.npy"),
        "sample_tensor": file(f"{name}.tif"),
    }


def _weights(file: File, *, onnx: bool) -> Words:
    version = torch.__version__.partition("+")[0]
    found = {"torchscript": file("weights.pt") | {"pytorch_version": version}}
    if onnx:
        found["onnx"] = file("weights.onnx") | {
            "opset_version": OPSET,
            "parent": "torchscript",
        }
    return found


def _input(model: Model, sizes: Sizes) -> Words:
    size = {"min": sizes.least, "step": sizes.step}
    channels = [f"channel{n}" for n in range(model.spec.in_channels)]
    return {
        "id": INPUT,
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": channels},
            *({"type": "space", "id": axis, "size": size} for axis in _space(model)),
        ],
        "data": {"type": "float32"},
        "preprocessing": _scaling(model.name, model.spec.normalization, _space(model)),
    }


def _scaling(name: str, scaling: Normalization, axes: str) -> list[Words]:
    """Say our scaling in the words of the format."""
    if not isinstance(scaling, PercentileNormalization) or scaling.high <= 1:
        raise InputError(
            f"BioImage.IO has no words for how {name!r} scales grey values, or it is a "
            "model of others, which has a package already; export it as ONNX."
        )
    low, high = scaling.clip
    percentiles = {
        "axes": list(axes),
        "min_percentile": scaling.low,
        "max_percentile": scaling.high,
        "eps": _LEAST_DIVISOR,
    }
    return [
        {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
        {"id": "scale_range", "kwargs": percentiles},
        {"id": "clip", "kwargs": {"min": low, "max": high}},
    ]


def _output(model: Model, sizes: Sizes) -> Words:
    def space(axis: str) -> Words:
        size = {"tensor_id": INPUT, "axis_id": axis}
        return {"type": "space", "id": axis, "size": size, "halo": sizes.halo}

    names = [_identifier(name) for name in model.spec.map_names]
    known = {} if model.spec.variables else {"range": [0.0, 1.0]}
    return {
        "id": OUTPUT,
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": names},
            *(space(axis) for axis in _space(model)),
        ],
        "data": {"type": "float32"} | known,
    }


def _space(model: Model) -> str:
    return "zyx"[-model.net.dims :]


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_") or "map"


def _name(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_+\- ()]+", " ", name).strip()[:_LONGEST_NAME]
    return plain if len(plain) >= _SHORTEST_NAME else f"{plain} U-Net".strip()


def _description(spec: ModelSpec) -> str:
    words = spec.description or f"A U-Net that predicts {', '.join(spec.map_names)}"
    return words[:_LONGEST_DESCRIPTION]
