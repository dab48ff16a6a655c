"""Every architecture as TorchScript and ONNX: the same numbers, at several sizes."""

from __future__ import annotations

import io
import json
import os

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from napari_unet.core.jobs import drain
from napari_unet.errors import InputError, ModelError
from napari_unet.exchange import onnx_file
from napari_unet.exchange.graph import ExportedNetwork, sizes_of
from napari_unet.exchange.onnx_file import to_onnx
from napari_unet.exchange.torchscript import to_torchscript
from napari_unet.inference.forward import PlanePredictor
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.architectures.backbone import ENCODERS, BackboneConfig
from napari_unet.models.spec import Tiling
from napari_unet.nets.device import choose_execution
from napari_unet.nets.program import for_any_size
from napari_unet.weights.model import Model
from tests.exchange.conftest import TASKS, make
from tests.nets.conftest import needs_timm, small_config

_LONG = os.environ.get("NAPARI_UNET_TORTURE") == "1"
# Slow to trace; NAPARI_UNET_TORTURE=1 tries them, too.
_SLOW = {*ENCODERS} - {"resnet18"}
NAMES = [name for name in ARCHITECTURES if _LONG or name not in _SLOW]


def run_script(content: bytes, image: torch.Tensor) -> torch.Tensor:
    with for_any_size():
        return torch.jit.load(io.BytesIO(content))(image)


def run_onnx(content: bytes, image: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"input": image.numpy()})[0])


def model_of(name: str) -> Model:
    backbone = isinstance(ARCHITECTURES[name], BackboneConfig)
    if backbone:
        needs_timm()
    # Small tiles, so that small images suffice.
    tiling = Tiling(window=64, halo=16, difference=0) if backbone else None
    return make("instances", architecture=small_config(name), tiling=tiling)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_numbers(name: str) -> None:
    model = model_of(name)
    sizes, dims = sizes_of(model), model.net.dims
    exports = ((to_torchscript(model), run_script), (to_onnx(model), run_onnx))
    own = ExportedNetwork(model)
    for more in ((0, 0), (1, 2)):
        shape = [sizes.least] * (dims - 2) + [
            sizes.least + sizes.step * n for n in more
        ]
        image = torch.randn(2, 1, *shape)
        with torch.inference_mode():
            expected = own(image)
            for content, run in exports:
                found = run(content, image)
                assert found.shape == expected.shape
                assert float((found - expected).abs().max()) < 1e-4


@pytest.mark.parametrize("name", ["unet", "original", "subpixel"])
def test_exported_maps_are_those_that_are_decoded_here(name: str) -> None:
    model = model_of(name)
    extent = sizes_of(model).holding(96)
    plane = np.random.default_rng(0).normal(size=(1, extent, extent)).astype(np.float32)
    execution = choose_execution(torch.device("cpu"), full_precision=True)
    ours = drain(PlanePredictor(model, execution).iter_maps(plane))
    with torch.inference_mode():
        exported = ExportedNetwork(model)(torch.from_numpy(plane)[None])[0].numpy()
    # Beyond the border an unpadded network sees a mirror image, here and there.
    assert np.abs(ours - exported).max() < 1e-4


@pytest.mark.parametrize("task", TASKS)
def test_maps_are_what_a_person_understands(task: str) -> None:
    model = make(task)
    image = torch.randn(1, 1, 32, 32)
    found = run_script(to_torchscript(model), image)
    logits = model.net(image)
    expected = {
        "instances": logits.sigmoid(),
        "classes": logits.softmax(1),
        "regression": logits * 0.5 + 7,
    }
    assert torch.allclose(found, expected[task], atol=1e-5)


def test_a_file_of_onnx_says_what_to_do() -> None:
    model = make("instances")
    found = onnx.load_from_string(to_onnx(model))
    words = {each.key: each.value for each in found.metadata_props}
    for each in (*found.graph.input, *found.graph.output):
        extents = each.type.tensor_type.shape.dim
        assert [extents[n].dim_param for n in (0, 2, 3)] == ["batch", "y", "x"]
    assert json.loads(words["napari_unet"])["name"] == "tiny instances"
    assert words["maps"].startswith("foreground, reach back along y")
    assert "percentile 1 over the whole image" in words["before"]
    assert "contact 0.15" in words["after"]


def test_what_would_differ_does_not_leave(monkeypatch) -> None:
    model = make("classes")
    forward = ExportedNetwork.forward
    monkeypatch.setattr(
        ExportedNetwork,
        "forward",
        lambda net, x: forward(net, x) + 1e-3 * torch.jit.is_tracing(),
    )
    for export in (to_torchscript, to_onnx):
        with pytest.raises(ModelError, match=r"would differ by 0\.001"):
            export(model)


def test_a_missing_package_is_named(monkeypatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(InputError, match=r"pip install \"\.\[onnx\]\""):
        to_onnx(make("classes"))
    assert "pip install" in onnx_file.why_no_onnx()
