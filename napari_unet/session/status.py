"""What the state is made of: small frozen values."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from napari_unet.errors import NapariUnetError
from napari_unet.project.manifest import Done
from napari_unet.session.images.reading import GUESSED, Reading
from napari_unet.tasks.outputs import PixelClass, Variable

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
class ProjectImage:
    """An image of the chosen project: its key there, a name for people.

    `saved` says when its labels were saved last, and `done` how far the work was then,
    where that was counted. Without a path, its file is missing, or it is no file.
    """

    key: str
    name: str
    task: str
    saved: str
    path: Path | None
    is_file: bool = True
    names: tuple[str, ...] = ()
    done: Done | None = None


@dataclass(frozen=True, slots=True)
class ProjectState:
    """The chosen project; `told` is what a person must know of it, or nothing.

    `listed` are files that a person put into its list.
    """

    name: str
    folder: Path
    images: tuple[ProjectImage, ...] = ()
    told: str = ""
    listed: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchState:
    """All images are being predicted: how many are, of how many, and seconds left.

    `failed` could not be predicted; what they are is said in their rows.
    """

    done: int
    total: int
    failed: int = 0
    seconds_left: float | None = None
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class WorklistState:
    """What is to be said of the list of images; its rows are in the `Worklist`.

    Parameters
    ----------
    total, files, done, unseen : int
        How many images there are, how many of them are files that can be read, are
        verified, and were not predicted yet.
    place : int
        The row that a person works on or goes to, -1 if it is none of them.
    opening : bool
        Whether the image of that row is being read.
    taught : int
        How many images that are not open teach a model.
    adding : bool
        Whether folders are being looked through.
    batch, bringing : BatchState, Progress, or None
        A prediction of all images, and work that comes along into a new project.
    """

    total: int = 0
    files: int = 0
    done: int = 0
    unseen: int = 0
    place: int = -1
    opening: bool = False
    taught: int = 0
    adding: bool = False
    batch: BatchState | None = None
    bringing: Progress | None = None


NO_LIST = WorklistState()


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


@dataclass(frozen=True, slots=True)
class ModelState:
    """What there is to know about the chosen model.

    `about` says what it is for and how good it is, `card` all that is known of it, with
    headings, `predicts` its task and outputs, and `why_closed` why it cannot learn.
    """

    name: str
    about: str
    card: tuple[tuple[str, str], ...]
    channels: int
    predicts: str = "Finds objects"
    task: str = "instances"
    classes: tuple[PixelClass, ...] = ()
    variables: tuple[Variable, ...] = ()
    why_closed: str = ""


@dataclass(frozen=True, slots=True)
class VersionState:
    """One model version that can be brought back.

    Parameters
    ----------
    text : str
        Its name and its scores, in a line.
    name, details, when, about : str
        The name alone; scores, what it learned from and how long that took; when it
        was made; all of it in sentences.
    why_not_rename, why_not_delete : str
        Why that is refused, or nothing.
    """

    number: int
    text: str
    name: str = ""
    details: str = ""
    when: str = ""
    about: str = ""
    why_not_rename: str = ""
    why_not_delete: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version that is compared with what is shown now: its number and name.

    `words` say what differs, or what is being done; when there is something to show it
    is `ready`, and `flipped` while that is in the place of the labels.
    """

    number: int
    name: str
    words: str
    ready: bool = False
    flipped: bool = False


@dataclass(frozen=True, slots=True)
class ImageState:
    """What there is to know about the chosen image.

    Parameters
    ----------
    has_labels, worked_on : bool
        Whether there are labels to look at and to correct; whether there is anything in
        the labels, shown or not.
    snapshots : tuple of (int, str)
        Copies of earlier work: their numbers, and what they are, in words.
    has_prediction : bool
        Whether there is something to accept besides what a person painted.
    open : bool
        Whether earlier work on it was looked for and, if there was any, restored.
    verified_classes : int
        Of how many classes there are verified pixels, in all open images together.
    verified_share : float
        Verified share of all pixels, from 0 to 1.
    read_only : str
        Why it cannot be corrected, or nothing.
    stated_pixel_size : float or None
        Micrometres, as a file or a layer states; what a person said is in `reading`.
    """

    name: str
    axes: str
    shape: tuple[int, ...]
    has_labels: bool = False
    worked_on: bool = False
    snapshots: tuple[tuple[int, str], ...] = ()
    has_prediction: bool = True
    open: bool = False
    task: str = "instances"
    verified_classes: int = 0
    objects: int = 0
    verified_objects: int = 0
    verified_share: float = 0.0
    read_only: str = ""
    reading: Reading = GUESSED
    stated_pixel_size: float | None = None

    @property
    def has_planes(self) -> bool:
        """Whether it has several planes or frames."""
        sizes = zip(self.axes, self.shape, strict=False)
        return any(n > 1 for axis, n in sizes if axis in "TZ")


@dataclass(frozen=True, slots=True)
class SettingsState:
    """What may be set about the prediction of objects.

    Parameters
    ----------
    foreground, parting : float
        Thresholds, see `napari_unet.instances.decoding.Decoding`.
    parting_limits, parting_words : tuple of float, str
        Between which values the second one moves, and what it asks.
    min_size : int
        The least area of an object, in pixels that the network sees.
    knows_size : bool
        Whether the model zooms images to the size of objects that it knows.
    diameter, measured : float or None
        Sizes in pixels: what the person has set, and what the model has measured.
    pixel_size : float or None
        Width of a pixel in micrometres, where somebody knows it.
    warning : str
        What to look at, or nothing.
    thresholds_moved : bool
        Whether they are others than the model came with.
    """

    foreground: float
    parting: float
    parting_limits: tuple[float, float]
    parting_words: str
    min_size: int
    knows_size: bool = False
    diameter: float | None = None
    measured: float | None = None
    pixel_size: float | None = None
    warning: str = ""
    thresholds_moved: bool = False
