"""Contracting paths from timm, with ImageNet weights on request.

timm (Wightman 2019) is an extra and is imported when the first backbone is built.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from napari_unet.errors import InputError, ModelError
from napari_unet.models.architectures.backbone import ENCODERS, Encoder


def make_encoder(encoder: Encoder, in_channels: int) -> nn.Module:
    """Return a network that maps an image to a list of features, the finest first.

    Parameters
    ----------
    encoder : str
        One of `ENCODERS`.
    in_channels : int
        Channels of the image.

    Returns
    -------
    nn.Module
        Freshly initialised; with timm's `feature_info` and `pretrained_cfg`.

    Raises
    ------
    InputError
        If the encoder is not known.
    ModelError
        If timm is missing.
    """
    if encoder not in ENCODERS:
        raise InputError(
            f"There is no backbone {encoder!r}; choose one of: {', '.join(ENCODERS)}."
        )
    net: nn.Module = import_timm().create_model(
        ENCODERS[encoder], features_only=True, in_chans=in_channels
    )
    return net


def load_classifier(
    net: nn.Module, encoder: Encoder, in_channels: int, weights: Mapping[str, Tensor]
) -> None:
    """Give an encoder the weights of timm's whole classifier, in place.

    timm adapts the first layer to the channels: for one channel its kernels are
    summed over the colours, so that a grey image gives what its three equal colours
    gave; for n channels the colours are repeated in turn and scaled by 3 / n.

    Parameters
    ----------
    net : nn.Module
        What `make_encoder` made.
    encoder, in_channels
        As for `make_encoder`.
    weights : mapping
        State of the classifier for images of three channels.

    Raises
    ------
    ModelError
        If the weights belong to another network.
    """
    # timm loads what fits into an encoder and leaves the rest random, but is strict
    # with classifiers; so the way leads through one. An empty state it would ignore.
    overlay = {"state_dict": dict(weights) or {"": torch.empty(0)}}
    try:
        classifier = import_timm().create_model(
            ENCODERS[encoder],
            in_chans=in_channels,
            pretrained=True,
            pretrained_cfg_overlay=overlay,
        )
        state = {_flat(k): value for k, value in classifier.state_dict().items()}
        net.load_state_dict({k: state[_flat(k)] for k in net.state_dict()})
    except (RuntimeError, KeyError) as error:
        raise ModelError(
            f"The weights do not fit the backbone {encoder}; give those of timm's "
            f"{ENCODERS[encoder]}."
        ) from error


def _flat(key: str) -> str:
    """Undo that encoders name some of a classifier's layers with `_` for `.`."""
    return key.replace(".", "_")


def import_timm() -> Any:
    """Import timm.

    Raises
    ------
    ModelError
        If it, or torchvision, which it needs, is missing.
    """
    try:
        return import_beside_cpu_torch("timm")
    except ModuleNotFoundError as error:
        raise ModelError(
            f"Backbones need the package {error.name!r}, which is not installed; run "
            "pip install 'napari-unet-live[backbones]', or choose an architecture "
            "without a backbone."
        ) from error


def import_beside_cpu_torch(name: str) -> Any:
    """Import a package that needs torchvision, also where torchvision is broken.

    PyPI's torchvision is built for CUDA. Beside a torch for the CPU its own operators
    do not load, and its import fails because it registers shapes for two of them.
    Declared first, they are never called here, and the import goes through.

    Parameters
    ----------
    name : str
        Such as "timm".

    Returns
    -------
    module
        The package.
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
    for operator in ("nms", "qnms"):
        schema = (
            f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
        library.define(schema)  # type: ignore[no-untyped-call]
    return library
