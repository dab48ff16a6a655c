"""The description in a package of BioImage.IO, formats 0.4 and 0.5, as it is read.

Read is what is needed to predict; what else stands there is no concern of ours. It is
plain YAML: text, numbers, lists and tables. Nothing that it names is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_unet.core.validation import first_problem
from napari_unet.errors import ModelError

NAMES = ("rdf.yaml", "bioimageio.yaml", "model.yaml", "rdf.yml")
"""How the description in a package may be called, with anything and a dot before it."""

_LARGEST = 2**20
_MOST_ALIASES = 20
_DEEPEST = 32
_KNOWN = (0, 5)
_OLDEST = (0, 4)

Text = Annotated[str, Field(max_length=10_000)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class File(_Read):
    """A file of the package, or of somewhere else."""

    source: Text
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")] | None = None


class Processing(_Read):
    """A step before or after the network; it was called `name` in 0.4."""

    id: Text = ""
    name: Text = ""
    options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _named_in_python(cls, content: Any) -> Any:
        """Options are called `kwargs` there, which mypy has another use for."""
        if not isinstance(content, dict):
            return content
        return {**content, "options": content.get("kwargs") or {}}

    @property
    def called(self) -> str:
        """What it is."""
        return self.id or self.name


class Stepped(_Read):
    """Extents: ``min + k * step`` pixels."""

    min: int = Field(ge=1, le=4096)
    step: int = Field(ge=0, le=4096)


class Referring(_Read):
    """An extent like that of another axis, and so many pixels more."""

    axis_id: Text
    offset: int = Field(0, ge=-8192, le=8192)


class Axis(_Read):
    """An axis of format 0.5."""

    type: Literal["batch", "channel", "index", "time", "space"]
    id: Text = ""
    size: int | Stepped | Referring | dict[str, Any] | None = None
    halo: int = Field(0, ge=0, le=4096)
    scale: Number = 1.0
    channel_names: Annotated[list[Text], Field(max_length=256)] | Text | None = None

    @property
    def letter(self) -> str:
        """One letter, as 0.4 has it."""
        return (self.id or self.type)[0]


class Data(_Read):
    """What the numbers of a tensor are."""

    range: list[Any] | None = None


class SteppedShape(_Read):
    """Extents of all axes of an input of format 0.4."""

    min: list[int]
    step: list[int]


class LikeInput(_Read):
    """Extents of all axes of an output of format 0.4, by those of its input."""

    scale: list[Number | None]
    offset: list[Number]


class Tensor(_Read):
    """What goes in, or what comes out."""

    axes: list[Axis] | Text
    preprocessing: Annotated[list[Processing], Field(max_length=20)] = []
    postprocessing: Annotated[list[Processing], Field(max_length=20)] = []
    data: Data | list[Data] = Data()
    test_tensor: File | None = None
    # of 0.4
    shape: list[int] | SteppedShape | LikeInput | None = None
    halo: list[int] | None = None
    data_range: list[Any] | None = None


class Weights(_Read):
    """Where the weights are, by their format."""

    torchscript: File | None = None
    pytorch_state_dict: File | None = None


class Author(_Read):
    """Who made it."""

    name: Text


class Citation(_Read):
    """What to cite."""

    text: Text


class Description(_Read):
    """A model of BioImage.IO."""

    format_version: Text
    type: Literal["model"] = "model"
    name: Text
    description: Text = ""
    license: Text | dict[str, Any] | None = None
    authors: list[Author] = []
    cite: list[Citation] = []
    inputs: Annotated[list[Tensor], Field(min_length=1)]
    outputs: Annotated[list[Tensor], Field(min_length=1)]
    weights: Weights
    test_inputs: list[Any] = []
    test_outputs: list[Any] = []
    kinds_of_weights: tuple[str, ...] = ()


def find_description(members: Mapping[str, bytes]) -> str:
    """Return the name of the description among the files of a package, or nothing."""
    for name in members:
        file = name.rpartition("/")[2]
        if file in NAMES or file.endswith(tuple(f".{each}" for each in NAMES)):
            return name
    return ""


def read_description(text: bytes, name: str) -> Description:
    """Return what a description says; `name` is for a ModelError."""
    content = _parse(text, name)
    _refuse_version(content, name)
    weights = content.get("weights")
    kinds = tuple(map(str, weights))[:20] if isinstance(weights, dict) else ()
    try:
        return Description.model_validate(content | {"kinds_of_weights": kinds})
    except ValidationError as error:
        where, words = first_problem(error)
        raise ModelError(
            f"The description in {name} is none of a BioImage.IO model: {where[:200]}: "
            f"{words}; ask who made it."
        ) from error


def _parse(text: bytes, name: str) -> dict[str, Any]:
    try:
        if len(text) > _LARGEST:
            raise ValueError(f"it is longer than {_LARGEST:,} bytes")
        _refuse_endless(text)
        content = yaml.load(text, yaml.SafeLoader)
        if not isinstance(content, dict):
            raise ValueError("it is no table")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = str(error).splitlines()[0] if str(error) else "nested too deep"
        raise ModelError(
            f"The description in {name} cannot be read ({why[:200]}); ask who made it."
        ) from error
    return {str(key): value for key, value in content.items()}


def _refuse_endless(text: bytes) -> None:
    """Refuse what is short and would take for ever: a ValueError says what it is.

    That is a text in which parts stand for parts that stand for parts, or one that is
    nested deeper than any description.
    """
    aliases = depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if aliases > _MOST_ALIASES:
            raise ValueError("too many parts of it stand for others")
        if depth > _DEEPEST:
            raise ValueError("it is nested too deep")


def _refuse_version(content: Mapping[str, Any], name: str) -> None:
    found = re.match(r"(\d{1,4})\.(\d{1,4})", str(content.get("format_version", "")))
    version = tuple(map(int, found.groups())) if found else None
    if version is None or version < _OLDEST:
        raise ModelError(
            f"{name} names no format of BioImage.IO that this program reads (0.4 and "
            f"0.5; found {str(content.get('format_version'))[:20]!r}); ask who made it "
            "for a newer one."
        )
    if version > _KNOWN:
        raise ModelError(
            f"{name} has a newer format of BioImage.IO "
            f"({str(content.get('format_version'))[:20]}, this program reads 0.4 and "
            "0.5); update napari-unet."
        )
