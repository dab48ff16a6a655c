"""Targets, loss, decoding and score of every task, one file a task; needs torch."""

from __future__ import annotations

from napari_unet.errors import InputError
from napari_unet.tasks.objectives.objective import Objective, Targets
from napari_unet.tasks.outputs import Described, LossOptions
from napari_unet.tasks.registry import task_of

__all__ = ["Objective", "Targets", "objective_of", "refuse_idle_loss_options"]


def objective_of(spec: Described, options: LossOptions | None = None) -> Objective:
    """Return what is learned for a model, and how its maps are decoded.

    The options matter to training alone; the model's, where they are missing.
    """
    return task_of(spec).objective(spec, options or spec.loss)


def refuse_idle_loss_options(spec: Described) -> None:
    """Raise an InputError if an option was chosen that has no effect on a model."""
    usual = LossOptions().model_dump()
    chosen = {k for k, v in spec.loss.model_dump().items() if v != usual[k]}
    known = objective_of(spec).loss_options
    if idle := sorted(chosen - known):
        choices = ", ".join(f"loss.{name}" for name in sorted(known)) or "none"
        raise InputError(
            f"The option loss.{idle[0]} has no effect on a model that predicts "
            f"{spec.task}; those that have one: {choices}."
        )
