"""What a training yields and returns, besides what any loop yields; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from napari_unet.core.events import (
    MicroBatch,
    Notice,
    Preparing,
    StepSkipped,
    TrainStep,
    Validated,
)

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True)
class ModelImproved:
    """A better model: it agrees with held-out pixels more than any before it."""

    model: Model
    step: int
    score: float


FitEvent: TypeAlias = (
    Notice
    | Preparing
    | MicroBatch
    | TrainStep
    | StepSkipped
    | Validated
    | ModelImproved
)


@dataclass(frozen=True, slots=True)
class FitResult:
    """The best model, or the starting one where nothing was better, and its training.

    Scores are the agreement of the best and of the starting model with the held-out
    pixels; where there was too little to hold out, with the pixels that trained.
    """

    model: Model
    steps: int
    score: float
    start_score: float
    held_out: bool
    seconds: float
