"""Manifests of older versions, brought up to date one version at a time.

Every step is a pure function of plain JSON. Nothing is written here: the old manifest
stays as it is until the project is saved, and a copy of it is kept then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from napari_unet.models.record import built_in_uuid, uuid_of

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
    """Version 4 knows models by their records.

    What older versions wrote gets a uuid that is always the same, so that a project
    that is only looked at, which writes nothing, has the same models every time. Who
    descends from which built-in model was not written: a training started, as a rule,
    from the version before it.
    """
    models: list[Json] = []
    known: set[str] = set()
    replay = ""
    for model in found.get("models", []):
        built_in, score = model.get("built_in"), model.get("score")
        # A version without a score was opened, or made for another task.
        replay = built_in or (replay if score is not None else "")
        uuid = _uuid_of_older(model)
        if built_in and str(built_in_uuid(built_in)) not in known:
            uuid = str(built_in_uuid(built_in))
        known.add(uuid)
        record = {
            "uuid": uuid,
            "replay": replay[:100],
            "score": score,
            "start_score": model.get("start_score"),
            "created": model["created"],
        }
        others = {k: v for k, v in model.items() if k not in record}
        models.append({**others, "record": record})
    return {**found, "format_version": 4, "models": models}


def _uuid_of_older(model: Json) -> str:
    names = ("number", "built_in", "folder", "checksum", "created")
    return str(uuid_of("version 3", *(model.get(name) for name in names)))


_STEPS: dict[int, Callable[[Json], Json]] = {1: _from_1, 2: _from_2, 3: _from_3}

OLDEST = min(_STEPS)


def up_to_date(found: Json, version: int) -> Json:
    """Return what a manifest of an older version says, in the newest format.

    What is not like a manifest of its version raises KeyError, TypeError or
    AttributeError.
    """
    for step in range(found["format_version"], version):
        found = _STEPS[step](found)
    return found
