"""Other heads of the network that finds objects, to compare with the shipped one.

Each is a `napari_unet.tasks.objectives.objective.Objective` as far as training
and scoring need it. The usual head has the maps that the decoding of a recipe reads.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.core.jobs import drain
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.crumbs import remove_small
from napari_unet.instances.decoding import Decoding
from napari_unet.instances.distances import InstanceMap, instance_targets
from napari_unet.nets.device import choose_execution
from napari_unet.nets.network import Network
from napari_unet.tasks.objectives.instances import InstancesObjective
from napari_unet.tasks.objectives.losses import (
    Add,
    all_here,
    instance_loss,
    weighted_mean,
)
from napari_unet.tasks.objectives.objective import Objective, Targets, Values
from training.flows import (
    flow_field,
    follow,
    group,
    turned,
    without_holes,
    without_misfits,
)
from training.pictures import Picture

Head: TypeAlias = Literal["usual", "centre", "border", "flows"]

FLOW_SCALE = 5.0
"""The network says flows times this, as in Cellpose: so they weigh in the loss."""

MOST_MISFIT = 1.0
"""Cellpose's flow threshold, which is 0.4 there: after some hundred batches, that takes
away many objects that are right, and flows are to be compared at their best."""


def other_head(head: Head, decoding: Decoding) -> Objective:
    """Return what a head means that is not the usual one."""
    if head == "flows":
        return FlowsObjective(decoding)
    thresholds = DistancesDecoding(min_size=decoding.min_size)
    return OneDistanceObjective(thresholds, distance=InstanceMap[head.upper()])


@dataclass(frozen=True)
class OneDistanceObjective(InstancesObjective):
    """Foreground and one of the two distance maps, from which alone the seeds come."""

    distance: InstanceMap = field(default=InstanceMap.CENTRE)

    @property
    def channels(self) -> int:
        """Foreground and distance."""
        return 2

    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return two of the three maps."""
        maps = instance_targets(values)[[InstanceMap.FOREGROUND, self.distance]]
        return Targets(maps, verified[None].astype(np.float32))

    def iter_decode(
        self, maps: npt.NDArray[np.float32], zoom: float = 1.0
    ) -> Generator[None, None, Values]:
        """Return int32 ids from 1: the mean of two equal maps is that map."""
        return super().iter_decode(maps[[0, 1, 1]], zoom)


@dataclass(frozen=True)
class FlowsObjective(InstancesObjective):
    """Foreground and flows to the centre (Stringer et al., Nature Methods 2021)."""

    @property
    def channels(self) -> int:
        """Foreground and flow along y and x."""
        return 3

    def targets(self, values: Values, verified: Mask) -> Targets:
        """Return foreground, flow and, as two more maps, the place of each pixel.

        A crop is turned, mirrored and bent; the places that arrive in it tell how the
        vectors have to be turned.
        """
        places = np.indices(values.shape, np.float32)
        maps = np.concatenate([values[None] > 0, flow_field(values), places])
        return Targets(maps.astype(np.float32), verified[None].astype(np.float32))

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """Return the shipped loss of the foreground, and Cellpose's of the flow.

        The flow counts inside of objects alone, where it is followed; but its error is
        divided by all that is known, as in Cellpose: else it outweighs the foreground.
        """
        foreground = targets[:, :1].clamp(0, 1)
        flow = turned(targets[:, 1:3], targets[:, 3:5])
        # The place beyond the plane is 0: beside it no derivative is right.
        trusted = -F.max_pool2d(-weight, 3, 1, 1)
        error = foreground * (logits[:, 1:] - FLOW_SCALE * flow) ** 2
        residual = weighted_mean(error, trusted, add)
        pixel = instance_loss(
            logits[:, :1],
            foreground,
            weight,
            hard_pixel_weight=hard_pixel_weight,
            add=add,
        )
        return pixel + residual / 2

    def activate(self, logits: Tensor) -> Tensor:
        """Return the probability of the foreground, and the flow."""
        return torch.cat([logits[:, :1].sigmoid(), logits[:, 1:] / FLOW_SCALE], 1)

    def disagreement(
        self, maps: Tensor, targets: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return that of the foreground."""
        return super().disagreement(maps[:, :1], targets[:, :1], weight)

    def iter_decode(
        self, maps: npt.NDArray[np.float32], zoom: float = 1.0
    ) -> Generator[None, None, Values]:
        """Return int32 ids from 1; maps beyond the third are not looked at."""
        del zoom
        yield
        foreground = maps[0] >= self.decoding.foreground
        flow = maps[1:3]
        labels = group(follow(flow, foreground), foreground)
        labels = without_misfits(labels, flow, MOST_MISFIT)
        return remove_small(without_holes(labels), self.decoding.min_size)


def segment(
    picture: Picture, net: Network, objective: Objective, device: torch.device
) -> LabelMap:
    """Segment a picture as it is, without zoom and as a whole.

    The network goes to the device and is left there.
    """
    height, width = picture.image.shape[1:]
    extents = (net.input_size(height), net.input_size(width))
    beyond = ((0, 0), (0, extents[0] - height), (0, extents[1] - width))
    image = torch.from_numpy(np.pad(picture.image, beyond, "reflect"))[None]
    execution = choose_execution(device)
    net = execution.place_net(net).eval()
    with torch.inference_mode(), execution.precision():
        maps = objective.activate(net(execution.place(image)).float())[0]
    found = drain(objective.iter_decode(maps[:, :height, :width].cpu().numpy()))
    return np.asarray(found, np.int32)
