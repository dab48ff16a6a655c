"""From a description to its network, with weights or without memory for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from napari_unet.errors import InputError
from napari_unet.models.architecture import ArchitectureConfig, pretrained_names
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.network import Network

MOST_WEIGHTS = 500_000_000
"""2 GB, sixteen times the original U-Net; a description can ask for any number."""


def build(spec: ModelSpec, *, pretrained: bool = False) -> Network:
    """Return the network of a model with fresh weights, pretrained where that is asked.

    Raises
    ------
    InputError
        If it would be too large to be meant, or has no pretrained weights.
    ModelError
        If it needs a package that is not installed, or weights cannot be downloaded.
    """
    outline(spec)
    return build_network(
        spec.architecture, spec.in_channels, spec.out_channels, pretrained=pretrained
    )


def build_network(
    architecture: ArchitectureConfig,
    in_channels: int,
    out_channels: int,
    *,
    pretrained: bool = False,
) -> Network:
    """Return a freshly initialised network; see `build`."""
    options = architecture.options()
    if pretrained and not architecture.has_pretrained:
        raise InputError(
            f"There are no pretrained weights for the {architecture.title}; leave them "
            f"out, or choose a backbone: {', '.join(pretrained_names())}."
        )
    if pretrained:
        options["pretrained"] = True
    module, _, name = architecture.network.rpartition(".")
    net: Network = getattr(import_module(module), name)(
        in_channels, out_channels, **options
    )
    return net


def outline(spec: ModelSpec) -> Network:
    """Return the network of a model without content: names, shapes and types.

    It raises what `build` raises.
    """
    with torch.device("meta"), _NothingDrawn():
        net = build_network(spec.architecture, spec.in_channels, spec.out_channels)
    count = sum(tensor.numel() for tensor in net.state_dict().values())
    if count > MOST_WEIGHTS:
        raise InputError(
            f"The network would have {count / 1e6:,.0f} million weights, and at most "
            f"{MOST_WEIGHTS / 1e6:,.0f} million are possible; choose fewer channels "
            "or fewer levels."
        )
    return net


class _NothingDrawn(TorchFunctionMode):
    """Random weights are not drawn: for tensors without content, torch loads sympy."""

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        if getattr(func, "__name__", "").endswith(("normal_", "uniform_")):
            return args[0] if args else options["tensor"]
        return func(*args, **options)
