"""How well a network agrees with verified pixels that it did not train on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage as ndi
from torch import Tensor, nn

from napari_unet.core.box import Box
from napari_unet.core.provenance import Mask
from napari_unet.core.targets import instance_targets
from napari_unet.core.tiling import padded_shape
from napari_unet.engine.device import Execution
from napari_unet.engine.sampling import AnnotatedPlane

_MARGIN = 48
_LARGEST = 512
_MOST_WINDOWS = 12


@dataclass(frozen=True, slots=True)
class Window:
    """A window around held-out pixels.

    Parameters
    ----------
    image, targets, weight : Tensor
        Shapes (1, C, Y, X), (1, 3, Y, X) and (1, 1, Y, X).
    """

    image: Tensor
    targets: Tensor
    weight: Tensor


def make_windows(
    planes: Sequence[AnnotatedPlane], held: Sequence[Mask], stride: int
) -> list[Window]:
    """Cut windows around held-out pixels, with some context, the fullest first."""
    windows = [
        window
        for plane, mask in zip(planes, held, strict=True)
        if mask.any()
        for window in _windows_of_plane(plane, mask, stride)
    ]
    windows.sort(key=lambda w: -float(w.weight.sum()))
    return windows[:_MOST_WINDOWS]


def _windows_of_plane(plane: AnnotatedPlane, mask: Mask, stride: int) -> list[Window]:
    targets = instance_targets(plane.labels)
    near = ndi.binary_dilation(mask, iterations=_MARGIN // 3)
    pieces, _ = ndi.label(near)
    windows = []
    for region in ndi.find_objects(pieces):
        for part in _cut(Box.from_slices(region)):
            box = part.grow(_MARGIN, mask.shape)
            inside = np.zeros(mask.shape, bool)
            inside[part.slices] = mask[part.slices]
            if inside.any():
                maps = (plane.image, targets, inside[None].astype(np.float32))
                windows.append(Window(*(_cut_tensor(m, box, stride) for m in maps)))
    return windows


def _cut(box: Box) -> list[Box]:
    """Cut a box into parts of at most `_LARGEST` pixels along each axis."""
    spans = [
        [(a, min(a + _LARGEST, stop)) for a in range(start, stop, _LARGEST)]
        for start, stop in zip(box.start, box.stop, strict=True)
    ]
    return [Box((y0, x0), (y1, x1)) for y0, y1 in spans[0] for x0, x1 in spans[1]]


def _cut_tensor(
    maps: np.ndarray[tuple[int, ...], np.dtype[np.float32]], box: Box, stride: int
) -> Tensor:
    part = maps[:, *box.slices]
    shape = padded_shape(part.shape[1:], stride)
    margins = [(0, n - m) for n, m in zip(shape, part.shape[1:], strict=True)]
    return torch.from_numpy(np.pad(part, [(0, 0), *margins]))[None]


def iter_agreement(
    net: nn.Module, windows: Sequence[Window], execution: Execution
) -> Generator[None, None, float]:
    """Compute the agreement of a network with held-out pixels, window by window.

    Returns
    -------
    float
        The mean over the three maps of ``1 - sum |p - t| / sum (p + t)``, summed over
        held-out pixels: for binary maps this is Dice. 1 is perfect.
    """
    difference = torch.zeros(3, dtype=torch.float64)
    total = torch.zeros(3, dtype=torch.float64)
    for window in windows:
        with torch.inference_mode(), execution.precision():
            logits = net(execution.place(window.image))
        maps = logits.float().sigmoid().cpu()
        difference += _sum(window.weight * (maps - window.targets).abs())
        total += _sum(window.weight * (maps + window.targets))
        yield
    return float((1 - difference / total.clamp_min(1e-9)).mean())


def _sum(values: Tensor) -> Tensor:
    return values.double().sum(dim=(0, 2, 3))
