"""Tiny models of every task, and the library of BioImage.IO as it is installed."""

from __future__ import annotations

import types
from typing import Any

import pytest
import torch

from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelCard, ModelSpec
from napari_unet.tasks.outputs import PixelClass, Variable
from napari_unet.weights.model import Model, new_model

TASKS = ("instances", "classes", "regression")

_OUTPUTS: dict[str, dict[str, Any]] = {
    "instances": {},
    "classes": {"classes": tuple(PixelClass(name=n) for n in ("ground", "cell", "x"))},
    "regression": {"variables": (Variable(name="pH", unit="1", mean=7.0, scale=0.5),)},
}


def make(task: str, **options: Any) -> Model:
    """Return a model of a task with weights that are not all alike."""
    torch.manual_seed(1)
    network = options.pop("architecture", UNetConfig(depth=1, base_channels=2))
    spec = ModelSpec(
        name=f"tiny {task}",
        task=task,
        architecture=network,
        card=ModelCard(license="CC0-1.0 (data), BSD-3-Clause (weights)"),
        **{**_OUTPUTS[task], **options},
    )
    model = new_model(spec)
    for parameter in model.net.head.parameters():  # of values, they begin with 0
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture(scope="session")
def core() -> Any:
    """Return bioimageio.core, whose format needs a word of its own with new pydantic.

    Two of its functions hand more to a handler than that takes from pydantic 2.14 on.
    """
    pytest.importorskip("bioimageio.core")
    import bioimageio.core
    from bioimageio.spec._internal import io_packaging
    from bioimageio.spec.model import v0_4

    def file(value, handler, info):
        found = handler(value)
        found["source"] = _package(value.source, info, sha256=value.sha256)  # noqa: F821
        return found

    def weights(value, handler, info):
        return handler(value)

    for function, mended in (
        (io_packaging.package_file_descr_serializer, file),
        (v0_4.package_weights, weights),
    ):
        assert isinstance(function, types.FunctionType)
        function.__code__ = mended.__code__
    return bioimageio.core
