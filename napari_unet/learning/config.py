"""How to train, and where to keep checkpoints; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from napari_unet.tasks.outputs import LossOptions

OptimizerName: TypeAlias = Literal["adamw", "sgd"]
Resume: TypeAlias = Literal["never", "if it fits", "always"]

_DEFAULT_MINUTES = 2.0


class Augmentation(BaseModel):
    """Strength of every random change; zero turns it off.

    Parameters
    ----------
    zoom : float
        Standard deviation of the natural logarithm of the zoom.
    rotate : bool
        Any angle and mirror image.
    elastic : float
        Standard deviation, in pixels, of a smooth displacement field.
    elastic_grid : int
        The field is drawn on so many points along each side of a crop, and
        interpolated bicubically.
    gamma, contrast, offset : float
        Spread of the grey-value curve, gain (both logarithmic) and offset.
    illumination : float
        Amplitude of a smooth multiplicative field.
    blur : float
        Largest Gaussian blur, in pixels.
    haze : float
        Largest share of light that comes from out of focus: a very blurred image is
        mixed in.
    clip : float
        How much of the upper grey values a camera that is overexposed may clip at most,
        as a share of the range.
    noise : float
        Largest standard deviation of camera noise, in normalised grey values.
    invert : float
        Probability that dark and bright change places.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    zoom: float = Field(0.15, ge=0)
    rotate: bool = True
    elastic: float = Field(0.0, ge=0)
    elastic_grid: int = Field(4, ge=2, le=64)
    gamma: float = Field(0.2, ge=0)
    contrast: float = Field(0.15, ge=0)
    offset: float = Field(0.05, ge=0)
    illumination: float = Field(0.1, ge=0)
    blur: float = Field(0.5, ge=0)
    haze: float = Field(0.0, ge=0, lt=1)
    clip: float = Field(0.0, ge=0, lt=1)
    noise: float = Field(0.05, ge=0)
    invert: float = Field(0.0, ge=0, le=1)


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
    full_precision : bool
        Compute in float32 everywhere: often slower, alike on all machines.
    optimizer : {"adamw", "sgd"}
        AdamW (Loshchilov and Hutter 2019), or stochastic gradient descent with
        `momentum`.
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
        Steps between two validations.
    average : float
        Decay of the exponential moving average (EMA) of the weights.
    blend : float, optional
        Weights that go live lie on the way from the start to those that were trained,
        at this share of it: they keep what the start knew of images that nobody
        verified (weight-space ensembles; Wortsman et al. 2022). Where it is missing, it
        grows with the verified objects and the images that they are in, and is the less
        the more the start has right (`napari_unet.learning.keeping.share_learned`); all
        of it without objects.
    pull : float
        L2-SP (Li et al. 2018): decoupled weight decay towards the starting weights
        instead of towards 0, relative to the learning rate.
    hardness : float
        Extra weight of pixels that the network has wrong.
    freeze_norm : bool
        Keep the statistics of batch normalisation as they are.
    loss : LossOptions, optional
        Instead of what the model chooses of the losses of classes and regression.
    fit_thresholds : bool
        Move the thresholds by which maps become objects, as held-out objects want it.
    replay : float
        Share of crops from the replay samples, where there are any.
    augmentation : Augmentation
        Random changes of the crops.
    seed : int
        Seed of everything random, and of what is held out.
    round : int
        Which of several trainings with this seed that follow each other: each draws
        other crops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    device: str = "auto"
    full_precision: bool = False
    optimizer: OptimizerName = "adamw"
    learning_rate: float = Field(3e-3, gt=0)
    momentum: float = Field(0.99, ge=0, lt=1)
    batch_size: int = Field(4, ge=1)
    crop: int = Field(192, ge=32)
    micro_batch: int | None = Field(None, ge=1)
    validate_every: int = Field(30, ge=1)
    average: float = Field(0.98, ge=0, lt=1)
    blend: float | None = Field(None, gt=0, le=1)
    pull: float = Field(1.0, ge=0)
    hardness: float = Field(2.0, ge=0)
    freeze_norm: bool = True
    fit_thresholds: bool = True
    replay: float = Field(0.1, ge=0, lt=1)
    loss: LossOptions | None = None
    augmentation: Augmentation = Augmentation()
    seed: int = 0
    round: int = Field(0, ge=0)

    def share_spent(self, steps: int, seconds: float) -> float:
        """Return how much of the budget is spent, from 0 to 1 and beyond."""
        minutes = self.minutes
        if minutes is None and self.steps is None:
            minutes = _DEFAULT_MINUTES
        by_time = seconds / (60 * minutes) if minutes else 0
        return max(by_time, steps / self.steps if self.steps else 0)

    @classmethod
    def from_scratch(cls) -> FitConfig:
        """Return a configuration for a network with random weights."""
        return cls(
            learning_rate=2e-3,
            batch_size=8,
            micro_batch=8,
            average=0.99,
            blend=1.0,
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
            blend=1.0,
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


@dataclass(frozen=True, slots=True)
class Checkpointing:
    """Whether and where a training keeps checkpoints.

    Parameters
    ----------
    path : Path
        The file, in a folder that exists. Whoever has saved the result removes it with
        `napari_unet.learning.checkpoint.remove_checkpoint`.
    every_seconds : float
        Time between two checkpoints; a better model is written sooner.
    resume : {"never", "if it fits", "always"}
        Whether to go on where the file says. "if it fits" starts anew, and says so,
        where the file is damaged or belongs to another training, and in silence where
        there is none; "always" refuses.
    """

    path: Path
    every_seconds: float = 30.0
    resume: Resume = "never"
