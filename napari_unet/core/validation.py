"""Data that pydantic checks, and what is wrong with it in words for people."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

_PREFIX = "Value error, "


class Frozen(BaseModel):
    """A description that never changes and in which nothing unknown is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def first_problem(error: ValidationError, whole: str = "the whole") -> tuple[str, str]:
    """Return the place of the first problem, or `whole`, and what the problem is."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return place or whole, first["msg"].removeprefix(_PREFIX)
