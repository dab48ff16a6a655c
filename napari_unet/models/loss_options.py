"""What a person may choose of the losses of classes and regression."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

RegressionLoss: TypeAlias = Literal["huber", "mse", "mae"]


class LossOptions(BaseModel):
    """What is chosen of the losses of classes and regression.

    Parameters
    ----------
    regression : {"huber", "mse", "mae"}
        See `napari_unet.tasks.objectives.losses.regression_loss`.
    dice : bool
        Whether Dice is added to the cross-entropy of classes.
    balance : bool
        Whether every class counts the same, however few pixels it has.
    border_weight, border_sigma : float
        Extra weight of the gaps between objects, see
        `napari_unet.instances.borders.border_weights`; 0 for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    regression: RegressionLoss = "huber"
    dice: bool = True
    balance: bool = False
    border_weight: float = Field(0.0, ge=0)
    border_sigma: float = Field(5.0, gt=0)
