"""Which versions of the model of a damaged project can still be used; only reads."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.project.manifest import ModelEntry
from napari_unet.project.model_store import unnamed_models
from napari_unet.project.rescue.checks import entry_problem
from napari_unet.project.rescue.survey import MODELS, Survey


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

    Folders that no manifest names count here only where the newest manifest is damaged:
    else a crash left them, opening lists them, and nothing has to be mended.
    """
    named = found.manifest.models
    problems = {model: entry_problem(found.folder, model) for model in named}
    kept = [model for model in named if not problems[model]]
    words = [
        f"The model {model.folder} cannot be used: {problem}"
        for model, problem in problems.items()
        if problem
    ]
    dropped = [model.folder for model in named if problems[model] and model.folder]
    if found.current.manifest is None:
        for model in unnamed_models(found.folder / MODELS, named):
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
