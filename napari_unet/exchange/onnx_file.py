"""Networks as ONNX: for onnxruntime, OpenVINO, MATLAB, browsers and others.

A file of ONNX says nothing of images. So what is to be done before and after the
network stands in its metadata, where onnxruntime and Netron show it.
"""

from __future__ import annotations

import importlib
import io
import json
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from napari_unet.errors import InputError, how_to_install
from napari_unet.exchange.graph import (
    ExportedNetwork,
    example,
    refuse_difference,
    sizes_of,
)
from napari_unet.exchange.words import after_words, before_words
from napari_unet.weights.model import Model

OPSET = 17
"""What programs of 2022 read already."""

INPUT, OUTPUT = "input", "output"


def to_onnx(model: Model) -> bytes:
    """Return a model's network as a file of ONNX, which is compared with ours.

    Raises an InputError if onnx or onnxruntime is not installed, and a ModelError if it
    computes something else.
    """
    onnx, runtime = _import("onnx"), _import("onnxruntime")
    net = ExportedNetwork(model)
    space = enumerate("zyx"[-model.net.dims :], start=2)
    free = {0: "batch", **dict(space)}
    file = io.BytesIO()
    # The exporter that torch prefers needs two more packages and a minute for what this
    # one does in a second; all of its warnings say so, or tell of comparisons of sizes.
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (example(model, 1, 0),),
            file,  # type: ignore[arg-type]  # only this exporter takes files
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: free, OUTPUT: free},
            opset_version=OPSET,
            dynamo=False,
        )
    described = onnx.load_from_string(file.getvalue())
    onnx.helper.set_model_props(described, dict(_metadata(model)))
    onnx.checker.check_model(described)
    content: bytes = described.SerializeToString()
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors alone: its hints are not for people
    session = runtime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"]
    )

    def run(image: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {INPUT: image.numpy()})[0])

    refuse_difference(model, net, run, "ONNX")
    return content


def why_no_onnx() -> str:
    """Return what is missing for ONNX and what to do, or nothing."""
    try:
        _import("onnx"), _import("onnxruntime")
    except InputError as error:
        return str(error)
    return ""


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"ONNX needs the package {name}; {how_to_install('onnx')}."
        ) from error


def _metadata(model: Model) -> Mapping[str, str]:
    sizes = sizes_of(model)
    described = model.spec.model_dump(mode="json")
    return {
        "napari_unet": json.dumps(described),
        "maps": ", ".join(model.spec.map_names),
        "before": before_words(model.spec),
        "after": after_words(model.spec),
        "sizes": f"{sizes.least} + {sizes.step} k pixels along every axis",
        "halo": f"{sizes.halo} pixels",
        "license": model.spec.card.license,
        "data": model.spec.card.data,
    }
