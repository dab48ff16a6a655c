"""Run a network over one plane, or volume, window by window.

How it flows: the plane is padded by its mirror image to a multiple of the network's
stride, cut into windows (`geometry.tiling`), predicted in batches, on a CPU strip by
strip within these (`nets.strips`), and the core of every window is kept. When memory
runs out, the batch is halved, then the window; the plane starts again, and the person
is told.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_unet.core.events import Notice
from napari_unet.core.jobs import drain, mapped, within
from napari_unet.errors import DeviceError
from napari_unet.geometry.box import Box
from napari_unet.geometry.tiling import Tile, padded, plan_tiles
from napari_unet.instances.decoding import Maps
from napari_unet.models.spec import Tiling
from napari_unet.nets.blocks import ConvBlock
from napari_unet.nets.device import Execution, is_out_of_memory
from napari_unet.nets.network import Network, same_size
from napari_unet.nets.strips import iter_part
from napari_unet.tasks.objectives import objective_of
from napari_unet.weights.model import Model

_LEAST_WINDOW = 256
# Of networks that see more than a window.
_INEXACT_WINDOW = 512
_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
# Where a network goes through it in strips, a window takes less than half the memory.
_LARGER_IN_STRIPS = 2
# A cube of a sixth holds a few times what a square holds.
_SHRINK_3D = 6


PlaneEvent = Notice | float
"""What a person should know, or which share of the plane is finished, up to 1."""


def fold_norms(net: Network) -> Network:
    """Return a copy whose batch normalisations are folded into the convolutions."""
    net = copy.deepcopy(net).eval()
    for block in [m for m in net.modules() if isinstance(m, ConvBlock)]:
        for i, (conv, norm) in enumerate(zip(block, list(block)[1:], strict=False)):
            if isinstance(conv, _CONVOLUTIONS) and isinstance(norm, _NORMS):
                block[i] = fuse_conv_bn_eval(conv, norm)
                block[i + 1] = nn.Identity()
    return net


class PlanePredictor:
    """A network on its device, ready to predict planes.

    It lowers batch and window of its execution when memory runs out, also for the
    planes that follow. Four turns average over the image and its copies turned by 90,
    180 and 270 degrees (Ronneberger et al. 2015), which takes four times as long.
    """

    def __init__(self, model: Model, execution: Execution, turns: int = 1) -> None:
        folded = same_size(fold_norms(model.net))
        self._objective = objective_of(model.spec)
        self.dims = folded.dims
        self.stride = folded.stride
        self.exact = folded.exact_tiling
        tiling = model.spec.tiling
        self.halo = tiling.halo if tiling else folded.receptive_radius
        if tiling is not None:
            execution = replace(execution, window=tiling.window)
        elif _in_strips(folded, execution) and self.dims == 2:
            larger = _LARGER_IN_STRIPS * execution.window
            execution = replace(execution, window=larger)
        self._maps = model.spec.out_channels
        self._turns = turns
        self._net = execution.place_net(folded)
        self.execution = execution

    @property
    def planar(self) -> Self:
        """Itself."""
        return self

    def iter_maps(
        self, plane: npt.NDArray[np.float32], turns: int = 0, seen: Box | None = None
    ) -> Generator[PlaneEvent, None, Maps]:
        """Predict the activated maps of a normalised plane (C, Y, X) or volume.

        The network sees it turned by so many times 90 degrees, and what it says is
        turned back; of what is `seen` alone, if that is said. Raises a DeviceError if
        memory does not suffice even for the smallest window.
        """
        turned = np.ascontiguousarray(np.rot90(plane, turns, (-2, -1)))
        while True:
            try:
                maps = self._turned_back((yield from self._iter_windows(turned)), turns)
                # Who decodes looks at maps as rows, for which a part would be copied
                # each time.
                return np.ascontiguousarray(maps[:, *seen.slices]) if seen else maps
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                yield self._shrink()

    def _turned_back(self, maps: Maps, turns: int) -> Maps:
        if not turns % 4:
            return maps
        back = self._objective.turned_back(torch.from_numpy(maps)[None], turns)[0]
        return back.contiguous().numpy()

    def count_windows(self, shape: tuple[int, ...]) -> int:
        """Return how many windows a plane of this (Y, X) shape takes."""
        return len(self._plan(shape))

    def _plan(self, shape: tuple[int, ...]) -> tuple[Tile, ...]:
        window = self.execution.window
        if self.dims == 3:
            window //= _SHRINK_3D
        return plan_tiles(shape, window=window, halo=self.halo, stride=self.stride)

    def _iter_windows(
        self, plane: npt.NDArray[np.float32]
    ) -> Generator[PlaneEvent, None, Maps]:
        shape = plane.shape[1:]
        mirrored = padded(plane, self.stride, "symmetric")
        tiles = self._plan(shape)
        maps = np.empty((self._maps, *shape), np.float32)
        step = self.execution.batch
        for first in range(0, len(tiles), step):
            batch = tiles[first : first + step]
            windows = _stacked([mirrored[:, *tile.window.slices] for tile in batch])
            found = yield from self._iter_forward(windows, first, len(tiles))
            for tile, values in zip(batch, found, strict=True):
                inner = tile.core.relative_to(tile.window).slices
                maps[:, *tile.core.slices] = values[:, *inner]
            yield (first + len(batch)) / len(tiles)
        return maps

    def _iter_forward(
        self, windows: npt.NDArray[np.float32], before: int, total: int
    ) -> Generator[float, None, Maps]:
        """Predict windows, of which `before` are finished already, of `total`."""
        batch = self.execution.place(torch.from_numpy(windows))

        def told(share: float) -> float:
            return (before + share * len(batch)) / total

        result = yield from mapped(told, self._iter_turns(batch))
        maps: Maps = result.cpu().numpy()
        return maps

    def _iter_turns(self, batch: Tensor) -> Generator[float, None, Tensor]:
        """Return the mean over turned copies, turned back."""
        if self._turns == 1:
            return (yield from self._iter_activated(batch))
        total = yield from iter_part(self._iter_activated(batch), 0, self._turns)
        for turn in range(1, self._turns):
            turned = self._iter_activated(torch.rot90(batch, turn, (-2, -1)))
            maps = yield from iter_part(turned, turn, self._turns)
            total = total + self._objective.turned_back(maps, turn)
        return total / self._turns

    def _iter_activated(self, batch: Tensor) -> Generator[float, None, Tensor]:
        logits = yield from iter_logits(self._net, batch, self.execution)
        with torch.inference_mode():
            # Map by map, as all who read them do.
            maps = logits.to(torch.float32, memory_format=torch.contiguous_format)
            return self._objective.activate(maps)

    def _shrink(self) -> Notice:
        """Halve the batch, then the window; say so."""
        now = self.execution
        if now.device.type == "cuda":
            torch.cuda.empty_cache()
        if now.batch > 1:
            self.execution = replace(now, batch=now.batch // 2)
            return Notice(
                "Memory ran out; going on with "
                f"{self.execution.batch} tiles at once instead of {now.batch}."
            )
        smaller = now.window // 2
        if smaller < max(_LEAST_WINDOW, 2 * self.halo):
            raise DeviceError(
                f"Memory ran out on {now.device} even with the smallest tiles; close "
                "other programs, or predict on the CPU (--device cpu)."
            )
        self.execution = replace(now, window=smaller)
        return Notice(
            f"Memory ran out; going on with tiles of {smaller} px instead of "
            f"{now.window} px."
        )


def iter_logits(
    net: Network, batch: Tensor, execution: Execution
) -> Generator[float, None, Tensor]:
    """Run a network; yields the share that is done, several times on a CPU.

    Its modes end at each yield, where somebody else may compute meanwhile.
    """
    in_strips = _in_strips(net, execution)
    forward = type(net).iter_forward if in_strips else Network.iter_forward
    return (yield from within(partial(_predicting, execution), forward(net, batch)))


@contextmanager
def _predicting(execution: Execution) -> Iterator[None]:
    with torch.inference_mode(), execution.precision():
        yield


def _in_strips(net: Network, execution: Execution) -> bool:
    """Whether to go strip by strip: a graphics card is quickest with much at once."""
    return execution.device.type == "cpu" and net.in_strips


def _stacked(windows: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    return windows[0][None] if len(windows) == 1 else np.stack(windows)


def with_tiling(
    model: Model, plane: npt.NDArray[np.float32], execution: Execution
) -> Model:
    """Return a model that knows its tile, and what tiles of that size change.

    A model whose network can be tiled exactly is returned as it is. The plane
    (C, Y, X), or (C, Z, Y, X), is a normalised image of the kind that the model was
    trained on.
    """
    if model.net.exact_tiling:
        return model

    def tiled(tiling: Tiling | None) -> Model:
        return Model(model.spec.model_copy(update={"tiling": tiling}), model.net)

    def maps(tiling: Tiling | None, execution: Execution) -> Maps:
        return drain(PlanePredictor(tiled(tiling), execution).iter_maps(plane))

    radius = model.net.receptive_radius
    tiling = Tiling(window=_INEXACT_WINDOW, halo=radius, difference=0)
    apart = maps(tiling, execution)
    whole = maps(None, replace(execution, window=2**20))
    spread = max(float(whole.std()), 1e-6)
    difference = float(np.abs(apart - whole).mean()) / spread
    return tiled(tiling.model_copy(update={"difference": difference}))
