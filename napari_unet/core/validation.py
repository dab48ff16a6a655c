"""Data from strangers: plain JSON, checked by pydantic, and what is wrong in words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

D = TypeVar("D", bound=BaseModel)

_PREFIX = "Value error, "
_DEEPEST = 32
_LONGEST_NUMBER = 30


class Frozen(BaseModel):
    """A description that never changes and in which nothing unknown is allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_description(path: Path, kind: type[D], *, most_bytes: int) -> D | None:
    """Return what a small JSON file describes, None if that cannot be read."""
    try:
        with path.open("rb") as file:
            return kind.model_validate_json(file.read(most_bytes))
    except (OSError, ValueError):
        return None


def first_problem(error: ValidationError, whole: str = "the whole") -> tuple[str, str]:
    """Return the place of the first problem, or `whole`, and what the problem is."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return place or whole, first["msg"].removeprefix(_PREFIX)


def parse_json(text: bytes, *, most_bytes: int) -> Any:
    """Read JSON in UTF-8 that may come from anywhere.

    It holds dicts, lists, text, finite numbers of at most 30 digits, true, false and
    None. A ValueError says in words what is wrong: it is no JSON, too long or nested
    too deep, a number is none, or a key is there twice. Of two equal keys Python
    keeps the second and others the first, so that a text could mean one thing where
    it is checked and another where it is used.
    """
    if len(text) > most_bytes:
        raise ValueError(f"it is longer than {most_bytes:,} bytes")
    try:
        found = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_twins,
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error
    if _depth(found) > _DEEPEST:
        raise ValueError("it is nested too deep")
    return found


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:60]!r} is there twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:_LONGEST_NUMBER]} is too large a number")
    return number


def _depth(found: Any) -> int:
    """Return how deep it is nested, level by level, without recursion."""
    level, depth = [found], 0
    while level:
        depth += 1
        level = [child for one in level for child in _children(one)]
    return depth


def _children(one: Any) -> list[Any]:
    if isinstance(one, dict):
        return list(one.values())
    return one if isinstance(one, list) else []
