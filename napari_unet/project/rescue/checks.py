"""What was looked at in a project, and whether a model of it is whole; only reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, TypeAlias

from napari_unet.project.manifest import ModelEntry
from napari_unet.project.rescue.survey import MODELS

State: TypeAlias = Literal["sound", "note", "problem"]

_SPEC, _WEIGHTS = "model.json", "weights.safetensors"
_CHUNK = 2**22


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    what : str
        Such as the name of a file.
    words : str
        What was found, in a sentence.
    state : {"sound", "note", "problem"}
        Notes are worth to know and harmless, such as a stroke that was under way when
        the program was killed.
    """

    what: str
    words: str = "Sound."
    state: State = "sound"


@dataclass(frozen=True, slots=True)
class Report:
    """All that was looked at in a project."""

    checks: tuple[Check, ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """What is wrong."""
        return tuple(check for check in self.checks if check.state == "problem")

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def judged(what: str, problem: str) -> Check:
    """Return the check of something that has a problem, or none."""
    return Check(what, problem, "problem") if problem else Check(what)


def check_model(folder: Path, model: ModelEntry) -> Check:
    """Check that a version of the model is there, without loading it."""
    if model.folder is None:
        return Check(f"model {model.number}", f"Built in: {model.built_in}.")
    return judged(f"{MODELS}/{model.folder}", model_problem(folder, model))


def model_problem(folder: Path, model: ModelEntry) -> str:
    """Return what is wrong with a version of the model in a project, or nothing."""
    if model.folder is None:
        return ""
    place = folder / MODELS / model.folder
    linked = any(path.is_symlink() for path in (place.parent, place))
    if linked or not place.is_dir():
        return "It is missing."
    for name in (_SPEC, _WEIGHTS):
        path = place / name
        if path.is_symlink() or not path.is_file():
            return f"{name} is missing."
    return _content_problem(place, model.checksum)


def _content_problem(place: Path, checksum: str | None) -> str:
    try:
        if not isinstance(json.loads((place / _SPEC).read_bytes()), dict):
            return f"{_SPEC} is damaged."
        if checksum and weights_checksum(place) != checksum:
            return f"{_WEIGHTS} is not what was saved."
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    except (ValueError, RecursionError):
        return f"{_SPEC} is damaged."
    return ""


def weights_checksum(model: Path) -> str:
    """Return the hash of the weights in a model folder that the manifest has."""
    digest = blake2b(digest_size=16)
    with (model / _WEIGHTS).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def count(number: int, noun: str) -> str:
    """Return how many, in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
