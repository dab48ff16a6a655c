"""Manifests of older versions, brought up to date one version at a time.

Every step is a pure function of plain JSON. Nothing is written here: the old manifest
stays as it is until the project is saved, and a copy of it is kept then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def _from_1(found: Json) -> Json:
    """Version 2 knows tasks; what is older is about objects, the default."""
    return {**found, "format_version": 2}


def _from_2(found: Json) -> Json:
    """Version 3 has a journal, which begins after older saves.

    Number 1 is theirs: a journal from number 1 on would tell all that ever happened.
    """
    images = [
        {
            **image,
            "generations": [
                {**generation, "sequence": 1} for generation in image["generations"]
            ],
        }
        for image in found.get("images", [])
    ]
    return {**found, "format_version": 3, "images": images}


def _from_3(found: Json) -> Json:
    """Version 4 remembers how images are read; before, nobody had said anything."""
    return {**found, "format_version": 4}


_STEPS: dict[int, Callable[[Json], Json]] = {1: _from_1, 2: _from_2, 3: _from_3}

OLDEST = min(_STEPS)


def up_to_date(found: Json, version: int) -> Json:
    """Return what a manifest of an older version says, in the newest format.

    Raises
    ------
    KeyError, TypeError, AttributeError
        If it is not what a manifest of its version looks like.
    """
    for step in range(found["format_version"], version):
        found = _STEPS[step](found)
    return found
