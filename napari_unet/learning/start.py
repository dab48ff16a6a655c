"""Where a training starts: a new model for a task, or an old one with another head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.schema import Task
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.images.known_axes import resolve_axes
from napari_unet.learning.planes import variables_first
from napari_unet.models.spec import ModelCard, ModelSpec, PixelClass, Variable
from napari_unet.tasks.objectives.classes import IGNORE
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model, fresh

_MOST_CLASSES = 64


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model should predict.

    Parameters
    ----------
    task : {"instances", "classes", "regression"}
        What the outputs mean.
    names : sequence of str
        Names of the classes or variables; made up where there are none.
    """

    task: Task = "instances"
    names: Sequence[str] = ()


def fill_in(spec: ModelSpec, wish: Wish, samples: Sequence[Sample]) -> ModelSpec:
    """Return a description for another task, from the samples that train it.

    Parameters
    ----------
    spec : ModelSpec
        Everything that does not depend on the task.
    samples : sequence of Sample
        They tell how many classes there are, and the spread of regressed values.

    Raises
    ------
    InputError
        If the samples do not fit the task, or the names the samples.
    """
    classes: tuple[PixelClass, ...] = ()
    variables: tuple[Variable, ...] = ()
    if wish.task == "classes":
        classes = _classes(samples, wish.names)
    elif wish.task == "regression":
        variables = _variables(samples, wish.names)
    elif wish.names:
        raise InputError("Objects have no names; give names of classes or variables.")
    return spec.for_task(wish.task, classes=classes, variables=variables)


def with_new_head(model: Model, spec: ModelSpec) -> Model:
    """Return a model for another task that keeps all but the head of the network.

    Its score is not known yet, so the card keeps the data alone.
    """
    net = model.copy_net()
    net.replace_head(spec.out_channels)
    card = ModelCard(data=model.spec.card.data, license=model.spec.card.license)
    return fresh(spec.model_copy(update={"card": card}), net)


def adapt(model: Model, wish: Wish, samples: Sequence[Sample]) -> Model:
    """Return the model to start from: itself, or with a new head where that is needed.

    A model whose task and classes fit already is kept as it is.

    Raises
    ------
    InputError
        As `fill_in`.
    """
    old = model.spec
    same_task = wish.task == old.task
    if same_task and (wish.task == "instances" or not wish.names):
        return model
    spec = fill_in(old, wish, samples)
    if same_task and old.names == spec.names:
        return model
    return with_new_head(model, spec)


def _classes(samples: Sequence[Sample], names: Sequence[str]) -> tuple[PixelClass, ...]:
    highest = max((_highest_class(sample) for sample in samples), default=-1)
    if highest >= _MOST_CLASSES:
        raise InputError(
            f"The labels go up to {highest}; that looks like object ids, not like "
            f"classes (at most {_MOST_CLASSES}); use --task instances, or labels that "
            "hold the class of every pixel."
        )
    count = max(highest + 1, 2)
    if names and len(names) < count:
        raise InputError(
            f"{len(names)} names are given, but the labels hold the numbers 0 to "
            f"{highest}; name {count} classes, background first."
        )
    made_up = ["background", *(f"class {i}" for i in range(1, count))]
    return tuple(PixelClass(name=name) for name in names or made_up)


def _highest_class(sample: Sample) -> int:
    """Return the highest class among the verified pixels, -1 if there is none."""
    labels = sample.labels
    if not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"Expected class numbers, found values of type {labels.dtype}; use "
            "--task regression, or labels of integers."
        )
    known = labels[labels != IGNORE]
    if sample.verified is not None and sample.verified.shape == labels.shape:
        known = labels[(labels != IGNORE) & sample.verified]
    if known.size and known.min() < 0:
        raise InputError(
            f"The labels hold the class {int(known.min())}; number classes from 0."
        )
    return int(known.max()) if known.size else -1


def _variables(samples: Sequence[Sample], names: Sequence[str]) -> tuple[Variable, ...]:
    parts = [_finite_values(sample) for sample in samples]
    counts = {len(part) for part in parts}
    if len(counts) != 1:
        raise InputError(
            f"The targets have {sorted(counts)} variables; give all images the same."
        )
    count = counts.pop()
    if names and len(names) != count:
        raise InputError(
            f"{len(names)} variables are named, but the targets have {count}; name "
            "each of them once."
        )
    names = names or [f"variable {i}" for i in range(1, count + 1)]
    return tuple(
        _variable(name, np.concatenate([part[i] for part in parts]))
        for i, name in enumerate(names)
    )


def _finite_values(sample: Sample) -> list[npt.NDArray[Any]]:
    """Return the known values of every variable of a sample."""
    shape, dtype = sample.image.shape, sample.image.dtype
    axes = resolve_axes(shape, dtype, person=sample.axes).letters
    values = variables_first(sample.labels, len(result_axes(axes)))
    known = np.ones(values.shape[1:], bool)
    if sample.verified is not None and sample.verified.shape == known.shape:
        known = sample.verified
    return [one[known & np.isfinite(one)] for one in values]


def _variable(name: str, values: npt.NDArray[Any]) -> Variable:
    if values.size == 0:
        raise InputError(
            f"No verified pixel has a finite value of {name!r}; give targets with "
            "numbers where they are known and NaN elsewhere."
        )
    mean, spread = (float(f(values, dtype=float)) for f in (np.mean, np.std))
    return Variable(name=name, mean=mean, scale=spread if spread > 0 else 1.0)
