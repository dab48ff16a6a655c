"""Planes ready for training, and batches of random crops from them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unet.core.events import Notice
from napari_unet.errors import DeviceError, ModelError
from napari_unet.geometry.maps import Mask
from napari_unet.learning.augment import (
    GreyChange,
    Warp,
    draw_grey_change,
    draw_warp,
)
from napari_unet.learning.config import Augmentation, FitConfig
from napari_unet.nets.network import Network
from napari_unet.tasks.objectives.objective import CropDrawing, Targets

_MOST_CENTRES = 6000
_LEAST_CROP = 64
_SHRINK_3D = 3


@dataclass(frozen=True, slots=True)
class Plane:
    """One annotated plane, ready for training; in 3-D a volume, with Z before Y.

    The stack (C + K + W + E, Y, X) holds the normalised image, targets, where these are
    known (one map for all, or one for each of the K), and perhaps how much a known
    pixel counts; `ends` says where these parts end, but for the last one. With a
    drawing, the labels of the plane are there instead of the K targets, from 1 on: 0
    lies beyond the plane. Crops are centred on points, known pixels (y, x), and drawn
    around a zoom that brings the objects to the usual size.
    """

    stack: Tensor
    ends: tuple[int, ...]
    points: npt.NDArray[np.int32]
    zoom_limits: tuple[float, float] = (0.5, 2.0)
    zoom: float = 1.0
    drawing: CropDrawing | None = None

    @property
    def known(self) -> Tensor:
        """Where the targets are known, shape (W, Y, X)."""
        return self.stack.tensor_split(self.ends)[2]


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops: images (N, C, Y, X), targets (N, K, Y, X), weight (N, W, Y, X)."""

    images: Tensor
    targets: Tensor
    weight: Tensor


def make_plane(
    image: npt.NDArray[np.float32],
    targets: Targets,
    strata: list[tuple[Mask, float]],
    *,
    zoom_limits: tuple[float, float] = (0.5, 2.0),
    zoom: float = 1.0,
) -> Plane:
    """Prepare a plane from an image (C, Y, X) and what an objective makes of it."""
    maps, drawing = targets.maps, targets.drawing
    if drawing is not None:
        maps = drawing.labels[None].astype(np.float32) + 1
    known = targets.known if drawing is None else targets.known[:1]
    parts = [image, maps, known]
    ends = tuple(np.cumsum([len(part) for part in parts]).tolist())
    if targets.pixel_weights is not None:
        parts.append(targets.pixel_weights)
    stack = torch.from_numpy(np.concatenate(parts))
    return Plane(stack, ends, _centres(strata), zoom_limits, zoom, drawing)


def _centres(strata: list[tuple[Mask, float]]) -> npt.NDArray[np.int32]:
    """Return crop centres, thinned so that every stratum has its share."""
    chosen = []
    for mask, share in strata:
        points = np.argwhere(mask)
        chosen.append(points[:: max(1, len(points) // round(_MOST_CENTRES * share))])
    return np.concatenate(chosen).astype(np.int32)


def random_of(seed: int, start: Network, number: int) -> np.random.Generator:
    """Return what draws the crops of a training that begins with these weights.

    Rounds of one seed follow each other, each from where the one before has come to:
    all would learn from the same crops otherwise. Where that was no further, the
    `number` of the round makes the difference.
    """
    *_, last = start.parameters()
    weights = zlib.crc32(last.detach().cpu().numpy().tobytes())
    return np.random.default_rng([seed, 1 + number, weights])


def draw_batch(
    planes: Sequence[Plane],
    probabilities: npt.NDArray[np.float64],
    size: int | tuple[int, ...],
    count: int,
    augmentation: Augmentation,
    rng: np.random.Generator,
    margin: int = 0,
    wanted: Sequence[slice] = (slice(None),),
) -> Batch:
    """Draw `count` crops of a size, along (Y, X) or (Z, Y, X), from several planes.

    For pixels of the margin of a crop the network does not answer, so these may hang
    over the border of the plane. Crops that are not wanted are drawn but not made: they
    are 0 everywhere, and nothing of them is known.
    """
    dims = planes[0].stack.ndim - 1
    extent = (size,) * dims if isinstance(size, int) else size
    chosen = rng.choice(len(planes), size=count, p=probabilities)
    drawn = [draw_crop(planes[i], extent, augmentation, rng, margin) for i in chosen]
    crops = {i: drawn[i].make() for part in wanted for i in range(count)[part]}
    nothing = tuple(map(torch.zeros_like, next(iter(crops.values()))))
    batch = [crops.get(i, nothing) for i in range(count)]
    images, targets, weight = (torch.stack(p) for p in zip(*batch, strict=True))
    return Batch(images, targets, weight)


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A crop that is drawn: where it lies, and how it is changed.

    Of a volume it has `depth` sections from `first` on, perhaps upside down.
    """

    plane: Plane
    size: int
    zoom: float
    centre: tuple[float, float]
    warp: Warp
    change: GreyChange
    first: int = 0
    depth: int | None = None
    upside_down: bool = False

    def make(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return image, targets and weight."""
        plane, size, stack = self.plane, self.size, self.plane.stack
        if self.depth is not None:
            stack = _sections(stack, self.first, self.depth)
            stack = stack.flip(1) if self.upside_down else stack
        flat = stack.flatten(0, -3)
        count = len(flat) // len(stack)
        greys, drawn = plane.ends[0] * count, plane.ends[1] * count
        sample = self.warp.resample(
            flat,
            self.centre,
            self.zoom,
            size,
            mirrored=greys,
            nearest=slice(drawn if plane.drawing is None else greys, drawn),
        )
        crop = torch.cat([self.change.apply(sample[:greys]), sample[greys:]])
        return _parts(plane, crop.reshape(*stack.shape[:-2], size, size))


def draw_crop(
    plane: Plane,
    extent: tuple[int, ...],
    augmentation: Augmentation,
    rng: np.random.Generator,
    margin: int = 0,
) -> Crop:
    """Draw one crop near a known pixel, and how it is changed.

    Sections of a volume are turned, zoomed and bent as one; a volume may be turned
    upside down.
    """
    spread = augmentation.zoom
    zoom = plane.zoom * (math.exp(rng.normal(0, spread)) if spread else 1.0)
    zoom = float(np.clip(zoom, *plane.zoom_limits))
    size = extent[-1]
    answered = (size - 2 * margin) / zoom
    *above, y, x = rng.choice(plane.points)
    y, x = np.array([y, x]) + rng.uniform(-0.35, 0.35, 2) * answered
    half = answered / 2
    first, depth, upside_down = 0, None, False
    if above:
        depth = extent[0]
        latest = max(0, plane.stack.shape[1] - depth)
        # Not at its ends, where the network sees half of what is around the plane.
        before = int(rng.integers(depth // 4, depth - depth // 4))
        first = int(np.clip(int(above[0]) - before, 0, latest))
        upside_down = bool(rng.uniform() < 0.5)
    height, width = plane.stack.shape[-2:]
    centre = (_inside(y, half, height), _inside(x, half, width))
    warp = draw_warp(augmentation, rng)
    change = draw_grey_change(
        (plane.ends[0] * (depth or 1), size, size), augmentation, rng
    )
    return Crop(plane, size, zoom, centre, warp, change, first, depth, upside_down)


def _parts(plane: Plane, crop: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return image, targets and weight of a crop (C + K + W + E, *extent)."""
    image, targets, known, pixel_weights = crop.tensor_split(plane.ends)
    # Bilinear weights below one half would let in pixels nobody verified.
    weight = (known > 0.999).to(crop.dtype)
    if len(pixel_weights):
        weight = weight * pixel_weights
    if plane.drawing is not None:
        labels = targets[0].round().int() - 1
        verified = weight[0].numpy() > 0
        drawn = plane.drawing.draw(labels.numpy(), verified)
        maps, told = map(torch.from_numpy, drawn)
        return image, maps, weight * told
    return image, targets, weight


def _sections(stack: Tensor, first: int, count: int) -> Tensor:
    """Return `count` sections; beyond the volume nothing is known."""
    part = stack[:, first : first + count]
    missing = count - part.shape[1]
    return torch.nn.functional.pad(part, (0, 0, 0, 0, 0, missing))


def _inside(position: float, half: float, size: int) -> float:
    """Move a centre so that the crop hangs over the border as little as it can."""
    if 2 * half >= size:
        return (size - 1) / 2
    return float(np.clip(position, half, size - 1 - half))


class BatchPlan:
    """Extent of the crops in pixels, and how many of them make a micro-batch."""

    def __init__(self, net: Network, config: FitConfig, device: torch.device) -> None:
        self._net = net
        self.crop = self._fit_crop(config.crop)
        # A CPU is quickest crop by crop.
        usual = 1 if device.type == "cpu" else config.batch_size
        self.micro = config.micro_batch or usual

    def extent(self) -> tuple[int, ...]:
        """Return the shape of a crop: in 3-D as much to compute as a few planes."""
        net = self._net
        if net.dims == 2:
            return (self.crop, self.crop)
        side = self._fit_crop(max(net.stride, self.crop // _SHRINK_3D))
        return (self._fit_crop(side // 2), side, side)

    def shrink(self) -> Notice:
        """Compute less at once, then smaller crops; say so, or refuse to go on."""
        if self.micro > 1:
            self.micro //= 2
            return Notice(
                f"Memory ran out; training goes on with {self.micro} crops at once."
            )
        smaller = self._fit_crop(self.crop // 2)
        if not max(_LEAST_CROP, self._net.stride) <= smaller < self.crop:
            raise DeviceError(
                "Memory ran out even with the smallest crops; close other programs, "
                "or train on the CPU (--device cpu)."
            )
        self.crop = smaller
        return Notice(f"Memory ran out; training goes on with crops of {smaller} px.")

    def check(self, crop: int) -> None:
        """Refuse crops to which no training of this network can have come."""
        if crop > self.crop or self._fit_crop(crop) != crop:
            raise ModelError(
                f"A checkpoint should have crops of at most {self.crop} px that the "
                f"network takes, and has {crop} px; start the training anew."
            )

    def _fit_crop(self, wanted: int) -> int:
        """Return the next extent of which the network answers for half, at least."""
        net = self._net
        return net.input_size(max(1, wanted // 2, wanted - 2 * net.margin))
