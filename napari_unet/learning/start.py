"""Where a training starts: a new model for a task, or an old one with another head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from napari_unet.errors import InputError
from napari_unet.geometry.axes import resolve_axes
from napari_unet.images.channels import channel_count
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.spec import ModelCard, ModelSpec, with_settings
from napari_unet.tasks import find_task, task_names, task_of
from napari_unet.tasks.outputs import OutputNames, PixelClass
from napari_unet.tasks.sample import Sample, as_samples
from napari_unet.weights.model import Model, fresh
from napari_unet.weights.model import new_model as model_of

_USUAL_ARCHITECTURE = next(iter(ARCHITECTURES))
_USUAL_TASK = task_names()[0]


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a model should predict: names of classes or variables may be made up.

    Colours are those of the classes, "#rrggbb"; a viewer chooses others.
    """

    task: str = _USUAL_TASK
    names: Sequence[str] = ()
    colours: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse a name for two: nobody could tell their results apart."""
        twice = [name for n, name in enumerate(self.names) if name in self.names[:n]]
        if twice:
            raise InputError(
                f"The name {twice[0]!r} is given twice; give every class or variable "
                "one of its own."
            )


def new_model(
    samples: Sequence[Sample],
    task: str | None = None,
    *,
    names: Sequence[str] = (),
    colours: Sequence[str] = (),
    architecture: str = _USUAL_ARCHITECTURE,
    settings: Sequence[str] = (),
    pretrained: bool = False,
) -> Model:
    """Return a model that knows nothing yet of what the samples show; `fit` trains it.

    Parameters
    ----------
    samples : sequence of Sample
        They tell how many channels and classes there are, and the spread of values.
    task : str, optional
        "instances", "classes" or "regression"; objects where it is missing.
    names : sequence of str
        Of the classes, from 0, or of the regressed variables; made up where missing.
    colours : sequence of str
        Of the classes, from 0, such as "#ff8800".
    architecture : str
        Network, such as "unet" or "resnet34".
    settings : sequence of str
        Other options, such as "architecture.base_channels=32" or "pixel_size=0.65".
    pretrained : bool
        Start a backbone with ImageNet weights, which are downloaded.

    Returns
    -------
    Model
        With random weights, or pretrained ones in its contracting path.

    Raises
    ------
    InputError
        If samples, names and options do not fit each other.
    ModelError
        If a package is missing, or pretrained weights cannot be downloaded.
    """
    given = as_samples(samples)
    request = TaskRequest(task or _USUAL_TASK, names, colours)
    find_task(request.task)
    if not given:
        raise InputError("Expected annotated images, found none; give some samples.")
    if architecture not in ARCHITECTURES:
        raise InputError(
            f"Architecture {architecture!r} is not available; choose one of: "
            f"{', '.join(ARCHITECTURES)}."
        )
    first = given[0].image
    axes = resolve_axes(first.shape, first.dtype, person=given[0].axes).letters
    spec = ModelSpec(
        name="new",
        in_channels=channel_count(first.shape, axes),
        architecture=ARCHITECTURES[architecture],
    )
    spec = fill_in(spec, request, given)
    return model_of(with_settings(spec, settings), pretrained=pretrained)


def fill_in(
    spec: ModelSpec, request: TaskRequest, samples: Sequence[Sample]
) -> ModelSpec:
    """Return a description for another task, from the samples that train it.

    The samples tell how many classes there are, and the spread of regressed values.
    Raises an InputError if they do not fit the task, or names and colours do not fit
    them.
    """
    found = task_of(request).outputs.from_samples(samples, request.names)
    found = _coloured(found, request.colours)
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

    A model whose task and classes fit already is kept as it is, but for the colours of
    classes. Raises as `fill_in`.
    """
    old = model.spec
    same_task = request.task == old.task
    if same_task and not (request.names and task_of(request).outputs.named):
        return _with_colours(model, request.colours)
    spec = fill_in(old, request, samples)
    if same_task and old.names == spec.names:
        return _with_colours(model, request.colours)
    return with_new_head(model, spec)


def _with_colours(model: Model, colours: Sequence[str]) -> Model:
    if not colours:
        return model
    spec = model.spec
    found = _coloured(OutputNames(spec.classes, spec.variables), colours)
    painted = spec.for_task(spec.task, classes=found.classes, variables=found.variables)
    return Model(painted, model.net)


def _coloured(outputs: OutputNames, colours: Sequence[str]) -> OutputNames:
    """Return the outputs with colours for their classes, or as they are without."""
    if not colours:
        return outputs
    classes = outputs.classes
    if len(colours) != len(classes):
        raise InputError(
            f"{len(colours)} colours are given for {len(classes)} classes; give each "
            "class one, from the class 0, and none where there are no classes."
        )
    try:
        painted = [
            PixelClass(name=each.name, color=colour)
            for each, colour in zip(classes, colours, strict=True)
        ]
    except ValidationError as error:
        wrong = error.errors()[0]["input"]
        raise InputError(
            f"Expected colours such as #ff8800 (red, green and blue), found {wrong!r}."
        ) from error
    return replace(outputs, classes=tuple(painted))
