"""A model as one network that other programs can run: images in, maps out.

What comes out is what our own prediction has before it decodes: probabilities, or
values in their units. What goes in are grey values that were scaled as the description
says. So a program that runs it needs no step after the network, and one before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_unet.errors import ModelError
from napari_unet.inference.forward import fold_norms
from napari_unet.tasks.objectives import objective_of
from napari_unet.weights.model import Model

NEAR_ENOUGH = 1e-4
"""How far the maps of an export may be from ours, where the largest are 1 or less."""

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which extents the network takes, along every axis: ``least + k * step`` pixels.

    Of a tile, `halo` pixels on every side are told by what lies beyond it.
    """

    least: int
    step: int
    halo: int

    def holding(self, wanted: int) -> int:
        """Return the smallest of these that is at least `wanted`."""
        steps = max(0, math.ceil((wanted - self.least) / self.step))
        return self.least + steps * self.step


def sizes_of(model: Model) -> Sizes:
    """Return which sizes an exported model takes; a tile holds more than its halo."""
    net, tiling = model.net, model.spec.tiling
    context = tiling.halo if tiling is not None else net.receptive_radius
    # Tiles that begin with a halo see the same grid of pooled pixels as the image.
    halo = math.ceil(context / net.stride) * net.stride
    # The margin is mirrored, and what is mirrored must be longer than the mirror image.
    first = net.input_size(net.margin + 1) - 2 * net.margin
    return Sizes(Sizes(first, net.stride, halo).holding(2 * halo + 1), net.stride, halo)


class ExportedNetwork(nn.Module):
    """The network of a model, with what belongs to it before and after.

    Shape: (N, C, [Z,] Y, X) of the sizes that `sizes_of` tells, to maps (N, K, ...) of
    the same size.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.net = fold_norms(model.net)
        self._activate = objective_of(model.spec).activate
        self._padding = [model.net.margin] * (2 * model.net.dims)
        self._in_units = bool(model.spec.variables)
        units = [(v.scale, v.mean) for v in model.spec.variables] or [(1.0, 0.0)]
        scale, mean = torch.tensor(units).T.reshape(2, -1, *[1] * model.net.dims)
        self.register_buffer("scale", scale.clone())
        self.register_buffer("mean", mean.clone())
        self.requires_grad_(False).eval()

    scale: Tensor
    mean: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return maps."""
        if any(self._padding):
            x = functional.pad(x, self._padding, mode="reflect")
        maps = self._activate(self.net(x))
        return maps * self.scale + self.mean if self._in_units else maps


def example(model: Model, *more: int) -> Tensor:
    """Return a batch with an image of the least size, longer by so many steps."""
    sizes, dims = sizes_of(model), model.net.dims
    steps = (*[0] * (dims - len(more)), *more)
    shape = [sizes.least + sizes.step * step for step in steps]
    noise = torch.Generator().manual_seed(0)
    return 2 * torch.rand((1, model.spec.in_channels, *shape), generator=noise) - 0.5


def refuse_difference(model: Model, net: ExportedNetwork, run: Run, what: str) -> None:
    """Raise a ModelError if what was exported computes something else.

    Compared are images of several sizes, also of others than it was traced with.
    """
    for more in ((0, 0), (1, 0), (0, 2)):
        image = example(model, *more)
        with torch.inference_mode():
            expected = net(image)
        difference = float((run(image) - expected).abs().max())
        scale = max(1.0, float(expected.abs().max()))
        if not difference <= NEAR_ENOUGH * scale:
            raise ModelError(
                f"{model.name!r} cannot leave as {what}: its maps would differ by "
                f"{difference:.2g} from ours, at most {NEAR_ENOUGH * scale:.2g} is "
                "right; export it in another format."
            )
