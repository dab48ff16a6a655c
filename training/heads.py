"""Other things a network could learn of objects, to compare with the shipped head.

The shipped one learns three maps: foreground, closeness to the centre and distance to
the border. Here are heads with one distance only, and one with flows: unit vectors that
lead every pixel to the centre of its object, as in Cellpose (Stringer et al., Nature
Methods 2021), whose vectors follow heat from the centre; in convex objects, as nuclei
are, both lead straight there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from scipy import ndimage as ndi
from torch import Tensor

from napari_unet.core.ids import compact
from napari_unet.core.instances import Decoding, decode_instances, remove_small
from napari_unet.core.provenance import LabelMap, Mask
from napari_unet.core.targets import InstanceMap, instance_targets
from napari_unet.engine.losses import bernoulli_divergence, soft_dice, weighted_mean
from napari_unet.engine.objectives.instances import InstancesObjective
from napari_unet.engine.objectives.objective import Targets, Values
from napari_unet.nets.network import Network
from training.pictures import Picture

Head: TypeAlias = Literal["distances", "centre", "border", "flows"]

_FLOW_WEIGHT = 5.0
_STEPS = 120
_STEP = 0.8
_REACH = 2


@dataclass(frozen=True, slots=True)
class OneDistance(InstancesObjective):
    """Foreground and one of the two distances.

    Parameters
    ----------
    distance : InstanceMap
        The one that is learned, and gives the seeds.
    """

    distance: InstanceMap = InstanceMap.CENTRE

    @property
    def channels(self) -> int:
        """Foreground and distance."""
        return 2

    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return the two maps."""
        maps = instance_targets(values)[[InstanceMap.FOREGROUND, self.distance]]
        return Targets(maps, verified[None].astype(np.float32))

    def decode(self, maps: npt.NDArray[np.float32]) -> Values:
        """Return int32 ids from 1."""
        return decode_instances(maps[[0, 1, 1]], self.decoding)


@dataclass(frozen=True, slots=True)
class Flows(InstancesObjective):
    """Foreground, and unit vectors to the centre of the object.

    Targets have five maps: foreground, where the centre is (y, x) and where the pixel
    is (y, x). The last two tell, in a crop, how it was turned and bent.
    """

    @property
    def channels(self) -> int:
        """Foreground and two components."""
        return 3

    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return the five maps; beside objects, the nearest one has the centre."""
        labels, _ = compact(values)
        closeness = instance_targets(values)[InstanceMap.CENTRE]
        ids = np.arange(labels.max(initial=0) + 1)
        centres = np.array(ndi.maximum_position(closeness, labels, ids)).reshape(-1, 2)
        nearest = ndi.distance_transform_edt(
            labels == 0, return_distances=False, return_indices=True
        )
        centre = (
            centres[labels[tuple(nearest)]] if ids.size > 1 else 0 * centres[labels]
        )
        maps = [labels > 0, *np.moveaxis(centre, -1, 0), *np.indices(labels.shape)]
        return Targets(np.stack(maps).astype(np.float32), verified[None].astype("f4"))

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hardness: float,  # noqa: ARG002
    ) -> Tensor:
        """Cross-entropy and Dice of the foreground, square error of the vectors."""
        foreground = targets[:, :1].clamp(0, 1)
        pixel = weighted_mean(bernoulli_divergence(logits[:, :1], foreground), weight)
        error = (logits[:, 1:] - flow_in_crop(targets)).square()
        flow = weighted_mean(error, weight * (foreground > 0.5))
        dice = soft_dice(logits[:, :1].sigmoid(), foreground, weight)
        return pixel + dice + _FLOW_WEIGHT * flow

    def activate(self, logits: Tensor) -> Tensor:
        """Return the probability of the foreground, and vectors."""
        return torch.cat([logits[:, :1].sigmoid(), logits[:, 1:]], 1)

    def decode(self, maps: npt.NDArray[np.float32]) -> Values:
        """Let every pixel of the foreground flow; where they meet is an object."""
        foreground = maps[0] >= self.decoding.foreground
        starts = np.argwhere(foreground)
        ends = follow(maps[1:] * foreground, starts)
        meeting = np.zeros(foreground.shape, bool)
        meeting[tuple(ends.T)] = True
        places, _ = ndi.label(ndi.binary_dilation(meeting, np.ones((3, 3)), _REACH - 1))
        labels = np.zeros(foreground.shape, np.int32)
        labels[foreground] = places[tuple(ends.T)]
        return remove_small(labels, self.decoding.min_size)


def flow_in_crop(targets: Tensor) -> Tensor:
    """Return unit vectors to the centre in the axes of a crop.

    With positions ``p`` in the plane, seen as a function of those in the crop, and its
    Jacobian ``J``, the way to the centre ``c`` is ``J^-1 (c - p)``.

    Parameters
    ----------
    targets : Tensor, shape (N, 5, Y, X)
        Of `Flows`.

    Returns
    -------
    Tensor, shape (N, 2, Y, X)
        Components (y, x) of length 1, 0 at the centre itself.
    """
    centre, place = targets[:, 1:3], targets[:, 3:5]
    by_row, by_column = torch.gradient(place, dim=(2, 3))
    way = centre - place
    turned = torch.stack(
        [
            by_column[:, 1] * way[:, 0] - by_column[:, 0] * way[:, 1],
            by_row[:, 0] * way[:, 1] - by_row[:, 1] * way[:, 0],
        ],
        1,
    )
    determinant = by_row[:, 0] * by_column[:, 1] - by_row[:, 1] * by_column[:, 0]
    return F.normalize(turned * determinant.sign()[:, None], dim=1, eps=1e-3)


def follow(
    flow: npt.NDArray[np.float32], starts: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return the pixels where those at `starts` (n, 2) end, in a flow (2, Y, X)."""
    last = np.array(flow.shape[1:]) - 1
    place = starts.astype(np.float32)
    for _ in range(_STEPS):
        y, x = np.rint(place).astype(np.intp).T
        place = np.clip(place + _STEP * flow[:, y, x].T, 0, last)
    return np.rint(place).astype(np.intp)


HEADS: dict[Head, Callable[[Decoding], InstancesObjective]] = {
    "distances": InstancesObjective,
    "centre": lambda decoding: OneDistance(decoding, InstanceMap.CENTRE),
    "border": lambda decoding: OneDistance(decoding, InstanceMap.BORDER),
    "flows": Flows,
}


def segment(
    picture: Picture, net: Network, objective: InstancesObjective, device: str
) -> LabelMap:
    """Find objects in a picture as it is, in one pass, whatever the head."""
    image = torch.from_numpy(picture.image)[None]
    height, width = picture.values.shape
    image = F.pad(image, (0, -width % net.stride, 0, -height % net.stride), "reflect")
    with torch.inference_mode():
        maps = objective.activate(net.to(device)(image.to(device)).float())
    return cast(LabelMap, objective.decode(maps[0, :, :height, :width].cpu().numpy()))
