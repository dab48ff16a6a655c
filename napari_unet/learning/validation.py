"""How well a network agrees with verified pixels that it did not train on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage as ndi
from torch import Tensor

from napari_unet.core.jobs import told_as
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import Mask
from napari_unet.geometry.tiling import padded_shape
from napari_unet.inference.forward import iter_logits
from napari_unet.learning.planes import AnnotatedPlane
from napari_unet.nets.device import Execution
from napari_unet.nets.network import Network
from napari_unet.tasks.objectives import Objective, Targets

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


class Windows:
    """The windows with most held-out pixels, collected plane by plane.

    Parameters
    ----------
    stride : int
        Of the network; windows are padded to multiples of it.
    """

    def __init__(self, stride: int) -> None:
        self._stride = stride
        self._fullest: list[Window] = []

    @property
    def fullest(self) -> list[Window]:
        """Those of all planes so far, the fullest first."""
        return self._fullest

    def iter_add(
        self, plane: AnnotatedPlane, mask: Mask, targets: Targets
    ) -> Generator[None, None, None]:
        """Cut windows around held-out pixels of a plane, with some context.

        Parameters
        ----------
        mask : ndarray of bool
            Held-out pixels.
        targets : Targets
            Of all verified pixels.
        """
        if not mask.any():
            return
        near = ndi.binary_dilation(mask, iterations=_MARGIN // 3)
        yield
        pieces, _ = ndi.label(near)
        known = targets.known * mask
        parts = [
            (float(known[:, *part.slices].sum()), part)
            for region in ndi.find_objects(pieces)
            for part in _cut(Box.from_slices(region))
        ]
        yield
        parts.sort(key=lambda each: -each[0])
        fullest = [part for full, part in parts[:_MOST_WINDOWS] if full]
        windows = [_window(plane, mask, targets, p, self._stride) for p in fullest]
        self._fullest = sorted(
            [*self._fullest, *windows], key=lambda w: -float(w.weight.sum())
        )[:_MOST_WINDOWS]
        yield


def _window(
    plane: AnnotatedPlane, mask: Mask, targets: Targets, part: Box, stride: int
) -> Window:
    box = part.grow(_MARGIN, mask.shape)
    inside = np.zeros(box.shape, np.float32)
    inner = part.relative_to(box).slices
    inside[inner] = mask[part.slices]
    image, maps, known = (
        each[:, *box.slices] for each in (plane.image, targets.maps, targets.known)
    )
    return Window(*(_padded(each, stride) for each in (image, maps, known * inside)))


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


def _padded(part: npt.NDArray[np.float32], stride: int) -> Tensor:
    shape = padded_shape(part.shape[1:], stride)
    margins = [(0, n - m) for n, m in zip(shape, part.shape[1:], strict=True)]
    return torch.from_numpy(np.pad(part, [(0, 0), *margins]))[None]


def iter_agreement(
    net: Network,
    windows: Sequence[Window],
    objective: Objective,
    execution: Execution,
) -> Generator[None, None, float]:
    """Compute the agreement of a network with held-out pixels; yields now and then.

    Parameters
    ----------
    net : Network
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
        steps = iter_logits(net, execution.place(window.image), execution)
        logits = yield from told_as(None, steps)
        maps = objective.activate(logits.float()).cpu()
        parts = objective.disagreement(maps, window.targets, window.weight)
        difference += parts[0]
        total += parts[1]
        yield
    found = total > 0
    return float((1 - difference[found] / total[found]).mean())
