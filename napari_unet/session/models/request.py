"""A model for another task: a new head on the loaded network, or a new network."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from napari_unet import learning, models, weights
from napari_unet.core.jobs import Job
from napari_unet.core.validation import first_problem
from napari_unet.errors import InputError
from napari_unet.tasks import task_of
from napari_unet.tasks.outputs import LossOptions, OutputRequest, RegressionLoss

if TYPE_CHECKING:
    from napari_unet.models.architectures import Architecture
    from napari_unet.models.spec import ModelSpec
    from napari_unet.weights.model import Model

_MOST_NAME = 100


@dataclass(frozen=True, slots=True)
class NetworkRequest:
    """A network that begins anew.

    Its name is that in `napari_unet.models.architectures.ARCHITECTURES`; the pixel size
    is that of the images, in micrometres. A `pretrained` backbone starts with ImageNet
    weights, which are downloaded.
    """

    name: str
    architecture: Architecture
    in_channels: int = 1
    pixel_size: float | None = None
    pretrained: bool = False


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model should predict from now on.

    `names` are those of the classes, background first, or of the variables, which have
    a unit and usually lie between `low` and `high`. For the loss, see
    `tasks.objectives.losses.regression_loss`. Without a network to start anew with, the
    loaded one keeps all but its head.
    """

    task: str
    names: tuple[str, ...] = ()
    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    loss: RegressionLoss = "huber"
    network: NetworkRequest | None = None

    @property
    def outputs(self) -> OutputRequest:
        """What is asked for of the outputs."""
        return OutputRequest(self.names, self.unit, self.low, self.high)

    @property
    def problem(self) -> str:
        """Return why no model can be made of this, or nothing."""
        return task_of(self).outputs.why_not(self.outputs)

    @property
    def note(self) -> str:
        """Say in a few words what it is."""
        what = ", ".join(self.names) or self.task
        return f"new {self.network.name if self.network else 'head'}: {what}"


@dataclass(frozen=True, slots=True, eq=False)
class MakeModel(Job[None, "Model"]):
    """Make a model that knows nothing of its task yet."""

    old: Model | None
    request: ModelRequest

    def run(self) -> Generator[None, None, Model]:
        """Make it.

        An InputError says that the request cannot be fulfilled, a ModelError that a
        package is missing or that pretrained weights cannot be downloaded.
        """
        old, request = self.old, self.request
        if request.problem:
            raise InputError(request.problem)
        yield
        if request.network is not None:
            return weights.new_model(
                _new_spec(request.network, request),
                pretrained=request.network.pretrained,
            )
        if old is None:
            raise InputError("Choose a model first, or a new network.")
        name = f"{old.name} {request.task}"[:_MOST_NAME]
        return learning.with_new_head(old, _for_task(old.spec, request, name))


def _new_spec(network: NetworkRequest, request: ModelRequest) -> models.ModelSpec:
    spec = models.ModelSpec(
        name="new",
        in_channels=network.in_channels,
        architecture=network.architecture,
        pixel_size=network.pixel_size,
    )
    return _for_task(spec, request, f"{network.name} {request.task}")


def _for_task(old: ModelSpec, request: ModelRequest, name: str) -> ModelSpec:
    try:
        found = task_of(request).outputs.requested(request.outputs)
    except ValidationError as error:
        _, reason = first_problem(error)
        raise InputError(f"These names cannot be used: {reason}.") from error
    spec = old.for_task(request.task, classes=found.classes, variables=found.variables)
    loss = LossOptions(regression=request.loss)
    return spec.model_copy(update={"name": name, "description": "", "loss": loss})
