"""Other losses of the network that finds objects, to compare with the shipped one.

The shipped one is the cross-entropy of all three maps, that of the distances weighed
up inside of objects, and soft Dice of the foreground.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor

from napari_unet.tasks.objectives.instances import InstancesObjective
from napari_unet.tasks.objectives.losses import instance_loss, soft_dice, weighted_mean

Loss: TypeAlias = Literal["usual", "without Dice", "alike everywhere", "squares"]


@dataclass(frozen=True, slots=True)
class WithoutDice(InstancesObjective):
    """Cross-entropy alone."""

    def loss(
        self, logits: Tensor, targets: Tensor, weight: Tensor, hard_pixel_weight: float
    ) -> Tensor:
        """Return the usual loss without the part that is Dice."""
        foreground = targets[:, :1].clamp(0, 1)
        usual = instance_loss(
            logits, targets.clamp(0, 1), weight, hard_pixel_weight=hard_pixel_weight
        )
        return usual - soft_dice(logits[:, :1].sigmoid(), foreground, weight)


@dataclass(frozen=True, slots=True)
class AlikeEverywhere(InstancesObjective):
    """Distances count no more inside of objects than outside."""

    def loss(
        self, logits: Tensor, targets: Tensor, weight: Tensor, hard_pixel_weight: float
    ) -> Tensor:
        """Return the usual loss with equal weights."""
        known = targets.clamp(0, 1)
        return instance_loss(
            logits, known, weight, hard_pixel_weight=hard_pixel_weight, inside=0.0
        )


@dataclass(frozen=True, slots=True)
class Squares(InstancesObjective):
    """Distances are learned by their squared error, as in torch-em."""

    def loss(
        self, logits: Tensor, targets: Tensor, weight: Tensor, hard_pixel_weight: float
    ) -> Tensor:
        """Return the usual loss of the foreground, and squares of the distances."""
        known = targets.clamp(0, 1)
        squares = (logits[:, 1:].sigmoid() - known[:, 1:]) ** 2
        distance = weighted_mean(squares, weight * (1 + 3 * known[:, :1]))
        foreground = instance_loss(
            logits[:, :1], known[:, :1], weight, hard_pixel_weight=hard_pixel_weight
        )
        return foreground + distance


OTHER_LOSSES: dict[Loss, type[InstancesObjective]] = {
    "without Dice": WithoutDice,
    "alike everywhere": AlikeEverywhere,
    "squares": Squares,
}
