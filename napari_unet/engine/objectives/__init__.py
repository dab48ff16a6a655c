"""What a task means to the engine: one file a task.

Everything else in the engine is the same for all of them.
"""

from __future__ import annotations

from napari_unet.engine.losses import LossOptions
from napari_unet.engine.objectives.classes import ClassesObjective
from napari_unet.engine.objectives.instances import InstancesObjective
from napari_unet.engine.objectives.objective import Objective, Targets
from napari_unet.engine.objectives.regression import RegressionObjective
from napari_unet.nets.spec import ModelSpec

__all__ = ["Objective", "Targets", "objective_of"]


def objective_of(spec: ModelSpec, options: LossOptions | None = None) -> Objective:
    """Return what the task of a model means; `options` matter to training alone."""
    options = options or LossOptions()
    if spec.task == "classes":
        return ClassesObjective(len(spec.classes), options)
    if spec.task == "regression":
        return RegressionObjective(spec.variables, options)
    return InstancesObjective(spec.decoding)
