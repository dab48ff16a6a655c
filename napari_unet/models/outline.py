"""Networks without memory: names and shapes of the weights that a description means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from napari_unet.errors import InputError
from napari_unet.nets.network import Network

MOST_WEIGHTS = 500_000_000
"""2 GB, sixteen times the original U-Net; a description can ask for any number."""


def outline(build: Callable[[], Network]) -> Network:
    """Return a network whose tensors have shapes and types, but no content.

    Parameters
    ----------
    build : callable
        Makes the network.

    Raises
    ------
    InputError
        If it has more weights than `MOST_WEIGHTS`.
    """
    with torch.device("meta"), _NothingDrawn():
        net = build()
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
