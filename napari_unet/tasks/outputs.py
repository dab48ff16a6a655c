"""What a model of a task predicts, as its description says it, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from napari_unet.errors import InputError
from napari_unet.instances.decoding import Decoding

if TYPE_CHECKING:
    from napari_unet.tasks.sample import Sample

RegressionLoss: TypeAlias = Literal["huber", "mse", "mae"]


class PixelClass(BaseModel):
    """A class of pixels; the viewer chooses a colour where "#rrggbb" is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=60)]
    color: Annotated[str, Field(pattern="^#[0-9a-fA-F]{6}$")] | None = None


class Variable(BaseModel):
    """A quantity that is regressed, less its mean and divided by its scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=60)]
    unit: Annotated[str, Field(max_length=60)] = ""
    mean: float = Field(0.0, allow_inf_nan=False)
    scale: float = Field(1.0, gt=0, allow_inf_nan=False)


class LossOptions(BaseModel):
    """What is chosen of the losses of classes and regression.

    Parameters
    ----------
    regression : {"huber", "mse", "mae"}
        See `napari_unet.tasks.objectives.losses.regression_loss`.
    dice : bool
        Whether Dice is added to the cross-entropy of classes.
    balance : bool
        Whether every class counts the same, however few pixels it has.
    border_weight, border_sigma : float
        Extra weight of the gaps between objects, see
        `napari_unet.instances.borders.border_weights`; 0 for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    regression: RegressionLoss = "huber"
    dice: bool = True
    balance: bool = False
    border_weight: float = Field(0.0, ge=0)
    border_sigma: float = Field(5.0, gt=0)


class HasDims(Protocol):
    """What is for planes or for volumes."""

    @property
    def dims(self) -> int:
        """2 or 3."""


class Described(Protocol):
    """What the description of a model says of its outputs."""

    @property
    def task(self) -> str:
        """Name of the task."""

    @property
    def classes(self) -> tuple[PixelClass, ...]:
        """Classes by their numbers."""

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Regressed quantities."""

    @property
    def architecture(self) -> HasDims:
        """Options of the network."""

    @property
    def decoding(self) -> Decoding:
        """Thresholds."""

    @property
    def loss(self) -> LossOptions:
        """What was chosen of the loss."""


@dataclass(frozen=True, slots=True)
class OutputNames:
    """The classes, or the variables, that a model predicts."""

    classes: tuple[PixelClass, ...] = ()
    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """What a person says of the outputs of a new model.

    Names of classes, background first, or of variables, with their unit and the values
    between which these usually lie.
    """

    names: tuple[str, ...] = ()
    unit: str = ""
    low: float = 0.0
    high: float = 1.0


class Outputs:
    """The outputs of the models of a task; without names, unless a task has them."""

    classes: ClassVar[bool] = False
    """Whether outputs are classes, one of which every pixel has."""

    variables: ClassVar[bool] = False
    """Whether outputs are variables, with units, usual values and a loss to choose."""

    head_starts_at_zero: ClassVar[bool] = False
    """Whether a new head predicts 0 everywhere, or anything."""

    @property
    def named(self) -> bool:
        """Whether outputs have names."""
        return self.classes or self.variables

    def channels(self, spec: Described) -> int:
        """Return how many maps the network predicts."""
        return len(spec.classes) + len(spec.variables)

    def map_names(self, spec: Described) -> tuple[str, ...]:
        """Return what each of these maps is called."""
        classes = tuple(each.name for each in spec.classes)
        return classes + tuple(each.name for each in spec.variables)

    def decoded(self, spec: Described) -> str:
        """Say what the maps hold, and how they become what a person wants."""
        return "They are what the network says."

    def check(self, spec: Described) -> None:
        """Raise a ValueError if a description has the outputs of another task."""
        if self.classes != (len(spec.classes) > 1):
            raise ValueError("two or more classes belong to the task 'classes'")
        if self.variables != (len(spec.variables) > 0):
            raise ValueError("one or more variables belong to the task 'regression'")

    def why_not(self, request: OutputRequest) -> str:
        """Return why there can be no model with such outputs, or nothing."""
        names = request.names
        return "Give every name once." if len(set(names)) < len(names) else ""

    def requested(self, request: OutputRequest) -> OutputNames:
        """Return the outputs that a person asked for."""
        return OutputNames()

    def from_samples(
        self, samples: Sequence[Sample], names: Sequence[str]
    ) -> OutputNames:
        """Return the outputs that can be learned from annotated images.

        Names are made up where there are none. Raises an InputError if the samples do
        not fit the task, or the names do not fit the samples.
        """
        if names:
            raise InputError(
                "Objects have no names; give names of classes or variables."
            )
        return OutputNames()
