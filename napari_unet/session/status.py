"""What the state is made of: small frozen values."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from napari_unet.errors import NapariUnetError

Place: TypeAlias = Literal[
    "project",
    "images",
    "image",
    "model",
    "predict",
    "correct",
    "finetune",
    "objects",
    "results",
]
"""The part of the program that a problem belongs to; it is told beside its controls."""

DEFAULT_MINUTES = 2.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not work: one or two sentences, and details for a bug report.

    The text says what was expected, what was found, and what to do.
    """

    text: str
    details: str = ""

    @classmethod
    def of(cls, error: Exception) -> Problem:
        """Put an error into words."""
        if isinstance(error, NapariUnetError):
            return cls(str(error))
        first = f"{type(error).__name__}: {error}".splitlines()[0]
        return cls(
            f"Something unexpected went wrong ({first}). Your labels are unharmed; "
            "try again, and report it with the details if it stays.",
            "".join(traceback.format_exception(error)),
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job has come; a total of 0 means that nobody knows."""

    done: float = 0.0
    total: float = 0.0

    @property
    def share(self) -> float | None:
        """From 0 to 1, or None where nobody knows."""
        return min(1.0, self.done / self.total) if self.total else None


@dataclass(frozen=True, slots=True)
class LiveState:
    """Whether the view is predicted while a person looks around, and at this moment.

    `words` say why it is not, though that is switched on.
    """

    on: bool = False
    busy: bool = False
    words: str = ""


LIVE_OFF = LiveState()


@dataclass(frozen=True, slots=True)
class EffortState:
    """What the work so far took: views that were accepted, and minutes in all.

    The advice says what they needed, and whether to go on.
    """

    advice: str = ""
    views: int = 0
    minutes: int = 0


NO_EFFORT = EffortState()


@dataclass(frozen=True, slots=True)
class MeasuredState:
    """What is to be said of the table of objects, and of the file it was saved in.

    The table itself is large: see `napari_unet.session.measuring.Measuring`.
    """

    summary: str = ""
    saved: str = ""


NOT_MEASURED = MeasuredState()


@dataclass(frozen=True, slots=True)
class ExportState:
    """What leaves the program, and how that goes.

    Parameters
    ----------
    formats : tuple of str
        Names of the formats that are chosen.
    folder : Path or None
        Where results go; None while no image is open.
    chosen, there : bool
        Whether a person chose that folder; whether it was there at the last look.
    progress : Progress or None
        How far an export is; None while there is none.
    told : str
        What came of the last one, in a sentence.
    """

    formats: tuple[str, ...] = ()
    folder: Path | None = None
    chosen: bool = False
    there: bool = False
    progress: Progress | None = None
    told: str = ""


NOT_EXPORTED = ExportState()


@dataclass(frozen=True, slots=True)
class FollowState:
    """How far objects are followed through time, and whether their paths are shown."""

    progress: Progress | None = None
    shown: bool = False


NOT_FOLLOWED = FollowState()


@dataclass(frozen=True, slots=True)
class Target:
    """What Predict and Accept act on, as far as it is a question of what is on screen.

    Parameters
    ----------
    labels : str
        Name of the layer with the labels of the chosen image, if there is one.
    stranger : str
        Name of a labels layer that is selected and that nobody keeps.
    why_not_predict, why_not_accept : str
        Why the command would hit what the person does not look at, or nothing.
    """

    labels: str = ""
    stranger: str = ""
    why_not_predict: str = ""
    why_not_accept: str = ""


NO_TARGET = Target()
"""A front end without layers: commands act on the current image."""
