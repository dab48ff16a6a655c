"""How well a network agrees with verified pixels that it did not train on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from scipy import ndimage as ndi
from torch import Tensor, nn

from napari_unet.core.box import Box
from napari_unet.core.provenance import Mask
from napari_unet.core.tiling import padded_shape
from napari_unet.engine.device import Execution
from napari_unet.engine.objectives import Objective
from napari_unet.engine.planes import AnnotatedPlane
from napari_unet.nets.network import Network

_MARGIN = 48
_LARGEST = {2: 512, 3: 96}
_MOST_WINDOWS = 12


@dataclass(frozen=True, slots=True)
class Window:
    """A window around held-out pixels.

    Parameters
    ----------
    image, targets, weight : Tensor
        Shapes (1, C, Y, X), (1, K, Y, X) and (1, 1 or K, Y, X); in 3-D with Z.
    """

    image: Tensor
    targets: Tensor
    weight: Tensor


def make_windows(
    planes: Sequence[AnnotatedPlane],
    held: Sequence[Mask],
    objective: Objective,
    net: Network,
) -> list[Window]:
    """Cut windows around held-out pixels, with some context, the fullest first."""
    windows = [
        window
        for plane, mask in zip(planes, held, strict=True)
        if mask.any()
        for window in _windows_of_plane(plane, mask, objective, net.stride)
    ]
    windows.sort(key=lambda w: -float(w.weight.sum()))
    return windows[:_MOST_WINDOWS]


def _windows_of_plane(
    plane: AnnotatedPlane, mask: Mask, objective: Objective, stride: int
) -> list[Window]:
    targets = objective.targets(plane.values, plane.verified)
    near = ndi.binary_dilation(mask, iterations=_MARGIN // 3)
    pieces, _ = ndi.label(near)
    windows = []
    for region in ndi.find_objects(pieces):
        for part in _cut(Box.from_slices(region)):
            box = part.grow(_MARGIN, mask.shape)
            inside = np.zeros(mask.shape, np.float32)
            inside[part.slices] = mask[part.slices]
            if inside.any():
                maps = (plane.image, targets.maps, targets.known * inside)
                windows.append(Window(*(_cut_tensor(m, box, stride) for m in maps)))
    return windows


def _cut(box: Box) -> list[Box]:
    """Cut a box into parts of at most so many pixels along each axis."""
    most = _LARGEST[len(box.start)]
    spans = [
        [(a, min(a + most, stop)) for a in range(start, stop, most)]
        for start, stop in zip(box.start, box.stop, strict=True)
    ]
    return [
        Box(tuple(a for a, _ in part), tuple(b for _, b in part))
        for part in product(*spans)
    ]


def _cut_tensor(
    maps: np.ndarray[tuple[int, ...], np.dtype[np.float32]], box: Box, stride: int
) -> Tensor:
    part = maps[:, *box.slices]
    shape = padded_shape(part.shape[1:], stride)
    margins = [(0, n - m) for n, m in zip(shape, part.shape[1:], strict=True)]
    return torch.from_numpy(np.pad(part, [(0, 0), *margins]))[None]


def iter_agreement(
    net: nn.Module,
    windows: Sequence[Window],
    objective: Objective,
    execution: Execution,
) -> Generator[None, None, float]:
    """Compute the agreement of a network with held-out pixels, window by window.

    Parameters
    ----------
    net : Module
        Its output has the size of its input.

    Returns
    -------
    float
        The mean over the maps of 1 minus their disagreement as the objective defines
        it, summed over held-out pixels. 1 is perfect.
    """
    difference = torch.zeros(objective.channels, dtype=torch.float64)
    total = torch.zeros(objective.channels, dtype=torch.float64)
    for window in windows:
        with torch.inference_mode(), execution.precision():
            logits = net(execution.place(window.image))
        maps = objective.activate(logits.float()).cpu()
        parts = objective.disagreement(maps, window.targets, window.weight)
        difference += parts[0]
        total += parts[1]
        yield
    found = total > 0
    return float((1 - difference[found] / total[found]).mean())
