"""What is wrong with data that pydantic refuses, in words for people."""

from __future__ import annotations

from pydantic import ValidationError

_PREFIX = "Value error, "


def first_problem(error: ValidationError, whole: str = "the whole") -> tuple[str, str]:
    """Return the place of the first problem, or `whole`, and what the problem is."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return place or whole, first["msg"].removeprefix(_PREFIX)
