"""How to train."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from napari_unet.learning.augment import Augmentation
from napari_unet.tasks.outputs import LossOptions

OptimizerName: TypeAlias = Literal["adamw", "sgd"]


class FitConfig(BaseModel):
    """How to train; the defaults are for fine-tuning on a few corrected objects.

    Parameters
    ----------
    minutes : float, optional
        Time limit.
    steps : int, optional
        Limit of optimiser steps. Two minutes, where neither is given.
    device : str
        As in `predict`.
    optimizer : {"adamw", "sgd"}
        AdamW, or stochastic gradient descent with `momentum`.
    learning_rate : float
        Highest learning rate.
    momentum : float
        Of stochastic gradient descent.
    batch_size : int
        Crops per step.
    crop : int
        Extent of a crop, in pixels; rounded up to the network's stride.
    micro_batch : int, optional
        Crops computed at once; chosen by the device where it is missing.
    validate_every : int
        Steps between two looks at the held-out pixels.
    average, pull, hardness, freeze_norm
        See `napari_unet.learning.optimize.Strengths`.
    loss : LossOptions, optional
        Instead of what the model chooses of the losses of classes and regression.
    replay : float
        Share of crops from the replay samples, where there are any.
    augmentation : Augmentation
        Random changes of the crops.
    seed : int
        Seed of everything random.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    device: str = "auto"
    optimizer: OptimizerName = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    momentum: float = Field(0.99, ge=0, lt=1)
    batch_size: int = Field(4, ge=1)
    crop: int = Field(192, ge=32)
    micro_batch: int | None = Field(None, ge=1)
    validate_every: int = Field(15, ge=1)
    average: float = Field(0.98, ge=0, lt=1)
    pull: float = Field(1.0, ge=0)
    hardness: float = Field(2.0, ge=0)
    freeze_norm: bool = True
    replay: float = Field(0.1, ge=0, lt=1)
    loss: LossOptions | None = None
    augmentation: Augmentation = Augmentation()
    seed: int = 0

    @classmethod
    def from_scratch(cls) -> FitConfig:
        """Return a configuration for a network with random weights."""
        return cls(
            learning_rate=2e-3,
            batch_size=8,
            micro_batch=8,
            average=0.99,
            pull=0.0,
            hardness=0.0,
            freeze_norm=False,
            augmentation=Augmentation(zoom=0.3, elastic=1.0, blur=1.0, noise=0.1),
        )

    @classmethod
    def original_2015(cls) -> FitConfig:
        """Return the recipe of Ronneberger, Fischer and Brox (2015), section 3.

        One large tile a step (572 px in, 388 out), gradient descent with momentum
        0.99, pixel-wise cross-entropy weighted by class balance and by the gaps
        between cells (w0 = 10, sigma = 5 px), elastic deformation from a coarse 3x3
        grid of displacements with a standard deviation of 10 px, shifts, rotations
        and variation of grey values. The learning rate, which the paper does not
        give, is ours; so are the averaged weights.
        """
        return cls(
            optimizer="sgd",
            learning_rate=1e-3,
            batch_size=1,
            micro_batch=1,
            crop=572,
            average=0.99,
            pull=0.0,
            hardness=0.0,
            freeze_norm=False,
            loss=LossOptions(dice=False, balance=True, border_weight=10.0),
            augmentation=Augmentation(
                zoom=0.0, elastic=10.0, elastic_grid=3, blur=0.0, noise=0.0
            ),
        )


PRESETS = {
    "fine-tune": FitConfig(),
    "from-scratch": FitConfig.from_scratch(),
    "original-2015": FitConfig.original_2015(),
}
"""Ways to train by the names that the command line uses."""
