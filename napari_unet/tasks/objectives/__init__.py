"""What a task means to the engine: one file a task.

Everything else in the engine is the same for all of them.
"""

from __future__ import annotations

from napari_unet.errors import InputError
from napari_unet.models.loss_options import LossOptions
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks.objectives.classes import ClassesObjective
from napari_unet.tasks.objectives.instances import InstancesObjective
from napari_unet.tasks.objectives.objective import Objective, Targets
from napari_unet.tasks.objectives.regression import RegressionObjective

__all__ = ["Objective", "Targets", "objective_of", "refuse_idle_loss_options"]


def objective_of(spec: ModelSpec, options: LossOptions | None = None) -> Objective:
    """Return what the task of a model means.

    Parameters
    ----------
    options : LossOptions, optional
        They matter to training alone; those of the model where they are missing.
    """
    options = options or spec.loss
    if spec.task == "classes":
        return ClassesObjective(len(spec.classes), options)
    if spec.task == "regression":
        return RegressionObjective(spec.variables, options)
    return InstancesObjective(spec.decoding)


def refuse_idle_loss_options(spec: ModelSpec) -> None:
    """Refuse options of the loss that have no effect on what a model learns.

    Raises
    ------
    InputError
        If one was chosen; it names those that have an effect.
    """
    usual = LossOptions().model_dump()
    chosen = {k for k, v in spec.loss.model_dump().items() if v != usual[k]}
    known = objective_of(spec).loss_options
    if idle := sorted(chosen - known):
        choices = ", ".join(f"loss.{name}" for name in sorted(known)) or "none"
        raise InputError(
            f"The option loss.{idle[0]} has no effect on a model that predicts "
            f"{spec.task}; those that have one: {choices}."
        )
