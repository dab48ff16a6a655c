"""Changes of a model description that a person writes as ``PATH=VALUE``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from napari_unet.core.validation import first_problem
from napari_unet.errors import InputError
from napari_unet.models.spec import ModelSpec

# The rest follows from the images, the task and the training.
_OPEN = (
    "architecture",
    "decoding",
    "description",
    "loss",
    "normalization",
    "pixel_size",
)


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
        where = where.replace(f"architecture.{_kind(content)}.", "architecture.")
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


def _kind(content: dict[str, Any]) -> Any:
    architecture = content["architecture"]
    return architecture["kind"] if isinstance(architecture, dict) else None
