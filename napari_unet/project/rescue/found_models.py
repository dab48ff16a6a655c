"""Which versions of the model of a damaged project can still be used; only reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from napari_unet.project.manifest import ModelEntry
from napari_unet.project.rescue.checks import model_problem, weights_checksum
from napari_unet.project.rescue.survey import MODELS, Survey

_NUMBERED = re.compile(r"([1-9][0-9]{0,8})-[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Models:
    """Versions of the model.

    Parameters
    ----------
    models : tuple of ModelEntry
        Those that can be used.
    active : int or None
        Number of the one that predicts.
    dropped : tuple of str
        Folders of those that cannot.
    words : tuple of str
        What is otherwise than the manifest says, in sentences.
    """

    models: tuple[ModelEntry, ...] = ()
    active: int | None = None
    dropped: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def find_models(found: Survey) -> Models:
    """Return which versions of the model are whole, with those nobody names.

    Folders that no manifest names count only where the newest manifest is damaged:
    else an interrupted training left them.
    """
    named = found.manifest.models
    problems = {model: model_problem(found.folder, model) for model in named}
    kept = [model for model in named if not problems[model]]
    words = [
        f"The model {model.folder} cannot be used: {problem}"
        for model, problem in problems.items()
        if problem
    ]
    dropped = [model.folder for model in named if problems[model] and model.folder]
    if found.current.manifest is None:
        for model in _unnamed(found):
            kept.append(model)
            words.append(f"The model {model.folder} is named again.")
    kept.sort(key=lambda model: model.number)
    numbers = [model.number for model in kept]
    active = found.manifest.active_model
    if found.current.manifest is None and found.previous.manifest is None:
        active = numbers[-1] if numbers else None
    elif active is not None and active not in numbers:
        active = max((n for n in numbers if n < active), default=None)
    return Models(tuple(kept), active, tuple(dropped), tuple(words))


def _unnamed(found: Survey) -> Iterator[ModelEntry]:
    named = {model.folder for model in found.manifest.models}
    taken = {model.number for model in found.manifest.models}
    for name in found.models:
        number = _NUMBERED.fullmatch(name)
        if name in named or not number or int(number[1]) in taken:
            continue
        with suppress(ValidationError, OSError):
            place = found.folder / MODELS / name
            model = ModelEntry(
                number=int(number[1]),
                folder=name,
                checksum=weights_checksum(place),
                note=f"found again: {name}",
                created=datetime.fromtimestamp(place.stat().st_mtime, UTC),
            )
            if not model_problem(found.folder, model):
                taken.add(model.number)
                yield model
