"""Other losses of the network that finds objects, to compare with the shipped one.

The shipped one is the cross-entropy of all maps, weighed up inside of objects but for
the foreground; soft Dice of the foreground; and squared differences of opposite maps,
where there are any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from torch import Tensor

from napari_unet.tasks.objectives.instances import InstancesObjective
from napari_unet.tasks.objectives.losses import (
    Add,
    all_here,
    instance_loss,
    soft_dice,
    weighted_mean,
)

Loss: TypeAlias = Literal["usual", "without Dice", "alike everywhere", "squares"]


@dataclass(frozen=True)
class WithoutDice(InstancesObjective):
    """The usual loss but for Dice."""

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """Return the usual loss without the part that is Dice."""
        foreground = targets[:, :1].clamp(0, 1)
        usual = super().loss(logits, targets, weight, hard_pixel_weight, add)
        said = logits[:, :1].sigmoid()
        return usual - soft_dice(said, foreground, weight[:, :1], add)


@dataclass(frozen=True)
class AlikeEverywhere(InstancesObjective):
    """No map counts more inside of objects than outside."""

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """Return the usual loss with equal weights."""
        return instance_loss(
            logits,
            targets.clamp(0, 1),
            weight,
            hard_pixel_weight=hard_pixel_weight,
            inside=0.0,
            opposites=self.decoding.opposites(self.dims),
            add=add,
        )


@dataclass(frozen=True)
class Squares(InstancesObjective):
    """All maps but the foreground are learned by squared errors, as in torch-em."""

    def loss(
        self,
        logits: Tensor,
        targets: Tensor,
        weight: Tensor,
        hard_pixel_weight: float,
        add: Add = all_here,
    ) -> Tensor:
        """Return the usual loss of the foreground, and squares of the other maps."""
        known = targets.clamp(0, 1)
        weight = weight.expand_as(known)
        squares = (logits[:, 1:].sigmoid() - known[:, 1:]) ** 2
        inner = weight[:, 1:] * (1 + 3 * known[:, :1])
        others = weighted_mean(squares, inner, add)
        foreground = instance_loss(
            logits[:, :1],
            known[:, :1],
            weight[:, :1],
            hard_pixel_weight=hard_pixel_weight,
            add=add,
        )
        return foreground + others


OTHER_LOSSES: dict[Loss, type[InstancesObjective]] = {
    "without Dice": WithoutDice,
    "alike everywhere": AlikeEverywhere,
    "squares": Squares,
}
