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
    from napari_unet.models.record import Found
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True)
class ModelImproved:
    """A model that agrees with held-out pixels better than the start.

    And no worse than any before it, but for what may be chance where they are few. What
    it has `found` of the objects there is known where it was just judged.
    """

    model: Model
    step: int
    score: float
    found: Found | None = None


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
    """The newest good model, or the start where nothing was better, and its training.

    Scores are the agreement of this and of the starting model with the held-out
    pixels; where there was too little to hold out, with the pixels that trained.
    """

    model: Model
    steps: int
    score: float
    start_score: float
    held_out: bool
    seconds: float
