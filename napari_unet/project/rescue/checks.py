"""What was looked at in a project, and whether a model of it is whole; only reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from napari_unet.project.manifest import ModelEntry
from napari_unet.project.model_store import model_problem
from napari_unet.project.rescue.survey import MODELS

State: TypeAlias = Literal["sound", "note", "problem"]


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
    return judged(f"{MODELS}/{model.folder}", entry_problem(folder, model))


def entry_problem(folder: Path, model: ModelEntry) -> str:
    """Return what is wrong with a version of the model in a project, or nothing."""
    if model.folder is None:
        return ""
    return model_problem(folder / MODELS / model.folder, model.checksum)


def count(number: int, noun: str) -> str:
    """Return how many, in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
