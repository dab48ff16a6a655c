"""Where a training starts: a new model for a task, or an old one with another head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_unet.models.spec import ModelCard, ModelSpec
from napari_unet.tasks import task_of
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, fresh


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a model should predict: names of classes or variables may be made up."""

    task: str = "instances"
    names: Sequence[str] = ()


def fill_in(
    spec: ModelSpec, request: TaskRequest, samples: Sequence[Sample]
) -> ModelSpec:
    """Return a description for another task, from the samples that train it.

    The samples tell how many classes there are, and the spread of regressed values.
    Raises an InputError if they do not fit the task, or the names do not fit them.
    """
    found = task_of(request).outputs.from_samples(samples, request.names)
    return spec.for_task(request.task, classes=found.classes, variables=found.variables)


def with_new_head(model: Model, spec: ModelSpec) -> Model:
    """Return a model for another task that keeps all but the head of the network.

    Its score is not known yet, so the card keeps the data alone.
    """
    net = model.copy_net()
    net.replace_head(spec.out_channels)
    card = ModelCard(data=model.spec.card.data, license=model.spec.card.license)
    return fresh(spec.model_copy(update={"card": card}), net)


def adapt(model: Model, request: TaskRequest, samples: Sequence[Sample]) -> Model:
    """Return the model to start from: itself, or with a new head where that is needed.

    A model whose task and classes fit already is kept as it is. Raises as `fill_in`.
    """
    old = model.spec
    same_task = request.task == old.task
    if same_task and not (request.names and task_of(request).outputs.named):
        return model
    spec = fill_in(old, request, samples)
    if same_task and old.names == spec.names:
        return model
    return with_new_head(model, spec)
