"""A network of others, as it is: it predicts, and is not trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_unet.errors import InputError, ModelError
from napari_unet.models.architectures.torchscript import (
    Activation,
    Clip,
    Linear,
    Reading,
    Step,
    Threshold,
    TorchScriptConfig,
)
from napari_unet.nets.device import is_out_of_memory
from napari_unet.nets.network import Network
from napari_unet.nets.program import compile_program, for_any_size

_SURE = 1e-7
"""Probabilities are this far from 0 and 1, at least: their logarithms are numbers."""


class TorchScriptNetwork(Network):
    """A program in TorchScript with steps before and after it.

    Its only weight is the program itself, byte by byte, so model folders, projects and
    zip files hold it as they hold weights. It is compiled when it is first used.

    The maps are logits of classes, or values, as those of other networks are.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the image, and maps after all steps.

    The others are those of
    `napari_unet.models.architectures.torchscript.TorchScriptConfig`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        dims: int,
        program_bytes: int,
        least: int,
        step: int,
        margin: int,
        halo: int,
        before: Sequence[Step],
        after: Sequence[Step],
        reading: Reading,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            dims=dims,
            stride=step,
            receptive_radius=halo,
            exact_tiling=False,
            margin=margin,
        )
        self.head = nn.Identity()
        self.register_buffer("program", torch.zeros(program_bytes, dtype=torch.uint8))
        self._least = least
        self._before = tuple(before)
        self._after = tuple(after)
        self._reading = reading
        self._compiled: tuple[torch.device, Any] | None = None

    program: Tensor

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was compiled: a copy compiles for itself."""
        return {**self.__dict__, "_compiled": None}

    def input_size(self, wanted: int) -> int:
        """Return the smallest extent that the program takes for such an output."""
        more = max(0, wanted + 2 * self.margin - self._least)
        return self._least + -(-more // self.stride) * self.stride

    def replace_head(self, out_channels: int) -> None:
        """Refuse: the program has no end that could be exchanged."""
        del out_channels
        raise InputError(TorchScriptConfig.why_closed)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, [Z,] Y, X) to (N, out_channels, ...) less the margin."""
        extents = x.shape[2:]
        for step in self._before:
            x = take_step(step, x)
        maps = self._run(self._filled(x))
        for axis, extent in enumerate(extents, start=2):
            maps = maps.narrow(axis, 0, extent - 2 * self.margin)
        for step in self._after:
            maps = take_step(step, maps)
        maps = self._as_logits(maps)
        if maps.shape[1] != self.out_channels:
            raise ModelError(
                f"The network of this model gives {maps.shape[1]} maps where its "
                f"description promises {self.out_channels}; ask who made it."
            )
        return maps

    def _filled(self, x: Tensor) -> Tensor:
        """Repeat the last pixels until the program takes the size."""
        padding: list[int] = []
        for extent in reversed(x.shape[2:]):
            padding += [0, self.input_size(extent - 2 * self.margin) - extent]
        return functional.pad(x, padding, mode="replicate") if any(padding) else x

    def _run(self, x: Tensor) -> Tensor:
        if self._compiled is None or self._compiled[0] != x.device:
            content = self.program.cpu().numpy().tobytes()
            self._compiled = x.device, compile_program(content, x.device)
        try:
            with for_any_size():
                found = self._compiled[1](x)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            raise ModelError(
                f"The network of this model does not take an image of {tuple(x.shape)} "
                "(images, channels, pixels), though its description says so; ask who "
                "made it."
            ) from error
        maps = found[0] if isinstance(found, list | tuple) else found
        if not isinstance(maps, Tensor) or maps.ndim != x.ndim:
            raise ModelError(
                "The network of this model gives no maps of pixels; ask who made it."
            )
        short = [n - 2 * self.margin for n in x.shape[2:]]
        if list(maps.shape[2:]) != short:
            raise ModelError(
                f"The network of this model gives maps of {tuple(maps.shape[2:])} "
                f"pixels for images of {tuple(x.shape[2:])}, expected {tuple(short)}; "
                "ask who made it."
            )
        return maps.float()

    def _as_logits(self, maps: Tensor) -> Tensor:
        """Return what becomes these probabilities again by softmax; or the values."""
        if self._reading == "values":
            return maps
        if self._reading == "probabilities":
            return maps.clamp_min(_SURE).log()
        foreground = maps[:, :1].logit(eps=_SURE)
        return torch.cat([torch.zeros_like(foreground), foreground], dim=1)


@singledispatch
def take_step(step: Step, x: Tensor) -> Tensor:
    """Return what a step makes of images or maps (N, C, ...)."""
    raise TypeError(f"there is no step {step!r} for {x.shape}")


@take_step.register
def _(step: Linear, x: Tensor) -> Tensor:
    return x * _column(step.gain, x) + _column(step.offset, x)


@take_step.register
def _(step: Clip, x: Tensor) -> Tensor:
    return x.clamp(step.low, step.high)


@take_step.register
def _(step: Threshold, x: Tensor) -> Tensor:
    return (x > step.at).to(x)


@take_step.register
def _(step: Activation, x: Tensor) -> Tensor:
    return x.sigmoid() if step.name == "sigmoid" else x.softmax(1)


def _column(numbers: Sequence[float], x: Tensor) -> Tensor:
    return x.new_tensor(numbers).reshape(1, -1, *[1] * (x.ndim - 2))
