"""Manifests of older versions, brought up to date one version at a time.

By pure functions of plain JSON, which is checked only after that.
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

    What older versions wrote gets a uuid that is always the same, since a project that
    is only looked at is not written. Which built-in model a version descends from was
    not written: a training started, as a rule, from the version before it.
    """
    own = ("number", "built_in", "folder", "checksum", "created")
    models: list[Json] = []
    known: set[str] = set()
    replay = ""
    for model in found.get("models", []):
        built_in, score = model.get("built_in"), model.get("score")
        # A version without a score was opened, or made for another task.
        replay = built_in or (replay if score is not None else "")
        uuid = str(uuid_of("version 3", *(model.get(name) for name in own)))
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


def _from_4(found: Json) -> Json:
    """Version 5 has names of models, and what they learned from; none were known."""
    return {**found, "format_version": 5}


def _from_5(found: Json) -> Json:
    """Version 6 counts what is done in a save, and lists files without work."""
    return {**found, "format_version": 6}


def _from_6(found: Json) -> Json:
    """Version 7 knows which object of a time-lapse came from which; none was known."""
    return {**found, "format_version": 7}


_STEPS: dict[int, Callable[[Json], Json]] = {
    1: _from_1,
    2: _from_2,
    3: _from_3,
    4: _from_4,
    5: _from_5,
    6: _from_6,
}


OLDEST_VERSION = min(_STEPS)


def up_to_date(found: Json, version: int) -> Json:
    """Migrate a manifest; KeyError, TypeError or AttributeError if it is malformed."""
    for step in range(found["format_version"], version):
        found = _STEPS[step](found)
    return found
