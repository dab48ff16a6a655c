"""What a model is, apart from its weights: the JSON beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from napari_unet import tasks
from napari_unet.core.validation import Frozen, first_problem
from napari_unet.errors import InputError
from napari_unet.images.normalize import AnyNormalization, PercentileNormalization
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.diameter import SPREAD, SPREAD_IN_NATURE, UsualSize
from napari_unet.instances.kinds import AnyDecoding
from napari_unet.models.architecture import Architecture
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.tasks.outputs import LossOptions, PixelClass, Variable

FORMAT_VERSION: Literal[1] = 1

TaskName = Annotated[str, AfterValidator(lambda name: tasks.check_name(name))]
"""Name of a task, as JSON has it; tasks are imported when the first one is read."""

Words = Annotated[str, Field(max_length=10_000)]

_Diameter = Annotated[float, Field(gt=0, le=4096)]


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the smallest diameter must not exceed the largest one")
    return ends


_Diameters = Annotated[tuple[_Diameter, _Diameter], AfterValidator(_rising)]

_SIZES = (
    "diameters",
    "zoomed_to",
    "object_size",
    "spacings",
    "usual_diameter",
    "diameter_spread",
)
"""What is known of the sizes of objects."""

# The rest follows from the images, the task and the training.
_OPEN = (
    "architecture",
    "decoding",
    "description",
    "loss",
    "normalization",
    "pixel_size",
)


class ModelCard(Frozen):
    """Where a model comes from and how good it is, for the person who chooses it.

    Parameters
    ----------
    data : str
        What it was trained on.
    license : str
        Licence of data and weights.
    score : dict
        Named scores, such as ``{"AP50 pooled": 0.8}``.
    notes : str
        What it is for, and what it is not for.
    """

    data: Words = ""
    license: Words = ""
    score: dict[str, float] = Field(default_factory=dict, max_length=1000)
    notes: Words = ""

    @property
    def dice(self) -> dict[str, float]:
        """Dice of all classes but background, by their names."""
        return {
            name.removeprefix("Dice "): value
            for name, value in self.score.items()
            if name.startswith("Dice ") and name != "Dice background"
        }

    @property
    def headline(self) -> str:
        """The scores that matter most, such as "AP50 0.84", or nothing.

        The first one, or those of all classes but background.
        """
        if self.dice:
            found = (f"{name} {value:.2f}" for name, value in self.dice.items())
            return f"Dice {', '.join(found)}"
        name, value = next(iter(self.score.items()), ("", 0.0))
        return f"{name.removesuffix(' pooled')} {value:.2f}" if name else ""


class Tiling(Frozen):
    """How a network is tiled whose tiles depend on what lies beyond them.

    Window and halo, extent of a tile and context around its core in pixels, are always
    the same, so that a result does not depend on the machine. The difference is that
    between the maps of tiles and of a whole image, mean and absolute, in standard
    deviations of the maps, as it was measured after training.
    """

    window: int = Field(ge=64, le=8192)
    halo: int = Field(ge=0, le=2048)
    difference: float = Field(ge=0, allow_inf_nan=False)


class ModelSpec(Frozen):
    """Everything that is needed to use a model's weights.

    Parameters
    ----------
    format_version : int
        Version of this description.
    name : str
        Short name, also the name of a built-in model's folder.
    task : str
        Name of the task: what the outputs mean.
    classes : tuple of PixelClass
        Classes by their numbers, two or more; only for that task.
    variables : tuple of Variable
        Regressed quantities, one or more; only for that task.
    in_channels : int
        Channels the image must have.
    architecture : Architecture
        Options of the network, see `napari_unet.models.architectures`.
    normalization : Normalization
        How images are brought to the grey values the network knows.
    decoding : Decoding
        How maps become objects.
    tiling : Tiling, optional
        Only for networks that cannot be tiled exactly.
    loss : LossOptions
        What is chosen of the losses of classes and regression, whenever it is trained.
    pixel_size : float, optional
        Width of a pixel of the images it was trained on, in micrometres.
    diameters : tuple of float, optional
        Smallest and largest typical diameter of the objects it was trained on, in
        pixels.
    zoomed_to : tuple of float, optional
        The part of that range in which it is best: images with smaller or larger
        objects are zoomed, see `napari_unet.inference.model_input`. All of it where it
        is missing.
    object_size : float, optional
        Usual diameter of the objects in nature, in micrometres: where an image knows
        its pixel size, it tells how large they are before anything was measured.
    spacings : tuple of float, optional
        Smallest and largest distance of the planes of the volumes it was trained on, in
        pixels of a plane: other volumes are zoomed along Z.
    usual_diameter : float, optional
        Typical diameter of the objects that it was fine-tuned on, in pixels of their
        images: how large those of other images will be, most likely.
    diameter_spread : float, optional
        How far images differ in that: standard deviation of the logarithm.
    card : ModelCard
        Data, licence, scores.
    checksum : str, optional
        Hash of the weights that lie beside the description in a model folder.
    """

    format_version: Literal[1] = FORMAT_VERSION
    name: Annotated[str, Field(min_length=1, max_length=100)]
    description: Words = ""
    task: TaskName = "instances"
    classes: Annotated[tuple[PixelClass, ...], Field(max_length=255)] = ()
    variables: Annotated[tuple[Variable, ...], Field(max_length=255)] = ()
    in_channels: int = Field(1, ge=1, le=256)
    architecture: Architecture = UNetConfig()
    normalization: AnyNormalization = PercentileNormalization()
    decoding: AnyDecoding = ReachDecoding()
    tiling: Tiling | None = None
    loss: LossOptions = LossOptions()
    pixel_size: float | None = Field(None, gt=0, allow_inf_nan=False)
    diameters: _Diameters | None = None
    zoomed_to: _Diameters | None = None
    object_size: float | None = Field(None, gt=0, le=1e4)
    spacings: _Diameters | None = None
    usual_diameter: float | None = Field(None, gt=0, le=1e6)
    diameter_spread: float | None = Field(None, gt=0, le=100)
    card: ModelCard = ModelCard()
    checksum: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _only_objects_have_sizes(cls, content: Any) -> Any:
        """Forget the sizes that a model of objects left to another head."""
        if not isinstance(content, dict):
            return content
        try:
            task = tasks.find_task(
                content.get("task", cls.model_fields["task"].default)
            )
        except (InputError, TypeError):  # refused below, with its place
            return content
        left = () if task.labels.objects else _SIZES
        return {key: each for key, each in content.items() if key not in left}

    @model_validator(mode="after")
    def _fits_its_task_within_reason(self) -> ModelSpec:
        tasks.task_of(self).outputs.check(self)
        return self

    @model_serializer(mode="wrap")
    def _leave_out_what_is_usual(
        self, content: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """Write what earlier versions can read, unless a loss was chosen.

        New ways to find objects they cannot, but then they have no use for the weights.
        """
        written: dict[str, Any] = content(self)
        if self.loss == LossOptions():
            del written["loss"]
        for name in ("spacings", "usual_diameter", "diameter_spread"):
            if getattr(self, name) is None:
                written.pop(name, None)
        if self.decoding == ReachDecoding() and not tasks.task_of(self).labels.objects:
            written.pop("decoding", None)
        return written

    def for_task(
        self,
        task: str,
        *,
        classes: Sequence[PixelClass] = (),
        variables: Sequence[Variable] = (),
    ) -> ModelSpec:
        """Return the description for another task, without what belonged to the old.

        Sizes and thresholds belong to objects, so they are gone where something else
        is predicted; what a network knows of sizes of objects, its new head does not.
        """
        changes: dict[str, Any] = {
            "task": task,
            "classes": tuple(classes),
            "variables": tuple(variables),
        }
        if task != self.task:
            changes |= dict.fromkeys(_SIZES) | {"decoding": ReachDecoding()}
        return self.model_copy(update=changes)

    @property
    def best_diameters(self) -> tuple[float, float] | None:
        """Typical diameters that need no zoom, in pixels; None if nobody knows."""
        return self.zoomed_to or self.diameters

    def expected_size(self, pixel_size: float | None) -> UsualSize | None:
        """Return how large objects should be in pixels, if anybody can know.

        The objects it was fine-tuned on tell more than those of all images of a kind.

        Parameters
        ----------
        pixel_size : float or None
            Width of a pixel, in micrometres; one that is not above 0 tells nothing.
        """
        if self.usual_diameter is not None:
            return UsualSize(self.usual_diameter, self.diameter_spread or SPREAD)
        if pixel_size is None or self.object_size is None or not pixel_size > 0:
            return None
        return UsualSize(self.object_size / pixel_size, SPREAD_IN_NATURE)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes or variables; objects have none."""
        classes = tuple(each.name for each in self.classes)
        return classes or tuple(each.name for each in self.variables)

    @property
    def map_names(self) -> tuple[str, ...]:
        """What each map that the network predicts is called."""
        return tasks.task_of(self).outputs.map_names(self)

    @property
    def out_channels(self) -> int:
        """Maps that the network predicts."""
        return tasks.task_of(self).outputs.channels(self)


def with_settings(spec: ModelSpec, settings: Sequence[str]) -> ModelSpec:
    """Return a description with other options.

    Parameters
    ----------
    settings : sequence of str
        Such as ``architecture.base_channels=32`` or ``pixel_size=0.65``; values are
        read as JSON, and as text where they are none.

    Raises
    ------
    InputError
        If there is no such option, or its value is not allowed.
    """
    content = {"loss": spec.loss.model_dump(), **spec.model_dump(mode="json")}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals:
            raise InputError(
                f"Expected PATH=VALUE, found {setting!r}; write for instance "
                "architecture.base_channels=32."
            )
        _put(content, path.strip(), _parse(value.strip()))
    try:
        return ModelSpec.model_validate(content)
    except ValidationError as error:
        where, words = first_problem(error)
        if not error.errors()[0]["loc"]:
            raise InputError(f"That is not possible: {words}.") from error
        # The kind of an architecture is in the place of an error, but in no path.
        where = where.replace(
            f"architecture.{spec.architecture.kind}.", "architecture."
        )
        value = error.errors()[0]["input"]
        raise InputError(f"{where}={value} is not possible: {words}.") from error


def _put(content: dict[str, Any], path: str, value: Any) -> None:
    *groups, name = path.split(".")
    if path.split(".")[0] not in _OPEN:
        raise InputError(
            f"{path!r} cannot be set; choose something in: {', '.join(_OPEN)}."
        )
    place: Any = content
    for group in groups:
        place = place.get(group) if isinstance(place, dict) else None
    if not isinstance(place, dict) or name not in place or name == "kind":
        known = [k for k in place if k != "kind"] if isinstance(place, dict) else []
        raise InputError(
            f"There is no option {path!r}; choose one of: {', '.join(known or _OPEN)}."
        )
    place[name] = value


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
