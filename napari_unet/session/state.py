"""What a front end shows: one frozen value, replaced whenever something changes."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from napari_unet.annotation.schema import Task
from napari_unet.errors import NapariUnetError
from napari_unet.models.library import OwnModel
from napari_unet.session.allowed import why_not_learn
from napari_unet.session.current import Topic
from napari_unet.session.project_state import NOT_SAVED, ProjectState, SaveState
from napari_unet.session.reading import GUESSED, Reading
from napari_unet.session.target import NO_TARGET, Target

Place: TypeAlias = Literal[
    "project", "image", "model", "predict", "correct", "finetune"
]
"""The part of the program that a problem belongs to; it is told beside its controls."""


DEFAULT_MINUTES = 2.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not work.

    Parameters
    ----------
    text : str
        One or two sentences: what was expected, what was found, what to do.
    details : str
        For a bug report; empty where the text says everything.
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
class ClassState:
    """A class of pixels: its name, and its colour as "#rrggbb" or None."""

    name: str
    color: str | None = None


@dataclass(frozen=True, slots=True)
class VariableState:
    """A regressed variable: its name, its unit or nothing, and how it is spread.

    Parameters
    ----------
    name, unit : str
        For people.
    mean, scale : float
        Of the values that a model was trained with.
    """

    name: str
    unit: str = ""
    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelState:
    """What there is to know about the chosen model.

    Parameters
    ----------
    name : str
        Short name.
    about : str
        What it is for and how good it is, in a line.
    card : tuple of (str, str)
        All that is known of it: headings and texts.
    channels : int
        Channels that the image must have.
    predicts : str
        Task and names, in a line.
    task : str
        What it predicts.
    classes : tuple of ClassState
        The classes by their numbers.
    variables : tuple of VariableState
        The regressed variables.
    """

    name: str
    about: str
    card: tuple[tuple[str, str], ...]
    channels: int
    predicts: str = "Finds objects"
    task: Task = "instances"
    classes: tuple[ClassState, ...] = ()
    variables: tuple[VariableState, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageState:
    """What there is to know about the chosen image.

    Parameters
    ----------
    name : str
        File or layer name.
    axes : str
        One letter per axis.
    shape : tuple of int
        Extent of every axis.
    has_labels : bool
        Whether there are labels to look at and to correct.
    worked_on : bool
        Whether there is anything in the labels, shown or not.
    snapshots : tuple of (int, str)
        Copies of earlier work: their numbers, and what they are, in words.
    has_prediction : bool
        Whether there is something to accept besides what a person painted.
    open : bool
        Whether earlier work on it was looked for and, if there was any, restored.
    task : str
        What its labels are.
    objects, verified_objects : int
        How many there are, and how many of them a person stands behind.
    verified_classes : int
        Of how many classes there are verified pixels, in all open images together.
    verified_share : float
        Verified share of all pixels.
    read_only : str
        Why it cannot be corrected, or nothing.
    reading : Reading
        Who says which axis is which, and which channels a model gets.
    """

    name: str
    axes: str
    shape: tuple[int, ...]
    has_labels: bool = False
    worked_on: bool = False
    snapshots: tuple[tuple[int, str], ...] = ()
    has_prediction: bool = True
    open: bool = False
    task: Task = "instances"
    verified_classes: int = 0
    objects: int = 0
    verified_objects: int = 0
    verified_share: float = 0.0
    read_only: str = ""
    reading: Reading = GUESSED


@dataclass(frozen=True, slots=True)
class TuningState:
    """What may be set about the prediction of objects.

    Parameters
    ----------
    foreground, prominence : float
        Thresholds, see `napari_unet.instances.decoding.Decoding`.
    knows_size : bool
        Whether the model zooms images to the size of objects that it knows.
    diameter : float or None
        Size that the person has set, in pixels.
    measured : float or None
        Size that the model has measured, in pixels.
    pixel_size : float or None
        Width of a pixel in micrometres, where somebody knows it.
    warning : str
        What to look at, or nothing.
    thresholds_moved : bool
        Whether they are others than the model came with.
    """

    foreground: float
    prominence: float
    knows_size: bool = False
    diameter: float | None = None
    measured: float | None = None
    pixel_size: float | None = None
    warning: str = ""
    thresholds_moved: bool = False


@dataclass(frozen=True, slots=True)
class VersionState:
    """One model version that can be brought back."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything that a front end shows.

    Parameters
    ----------
    ready : bool
        Whether the engine is loaded.
    device : str
        Where the engine computes, in words.
    models : tuple of str
        Names of the built-in models.
    model : ModelState or None
        The chosen model.
    loading : str
        The model that is being loaded, or nothing.
    versions : tuple of VersionState
        The chosen model and what training made of it, oldest first.
    version : int
        The version that predicts.
    source : str
        The built-in model or the model folder that it is; nothing if training made it.
    own_models : tuple of OwnModel
        Model folders that the person saved or opened, also on other days.
    image : ImageState or None
        The chosen image.
    predicting, training : Progress or None
        None while nothing of the kind is going on.
    refreshing : bool
        Whether the prediction that goes on was started by training.
    cancelling, stopping : bool
        Whether the prediction, or the training, was asked to stop.
    notice : str
        What a person should know about the last training, or nothing.
    message : str
        What is going on or what came of it; never empty.
    about : tuple of Topic
        To what the message belongs: it goes when that is another one.
    problems : dict
        What did not work, by the place where it is told.
    save : SaveState
        How saving goes.
    recovered : str
        What came back from the journal after a crash, or nothing.
    project : ProjectState or None
        The chosen project; without one, work is kept beside each image.
    minutes : float
        How long the next training lasts.
    tuning : TuningState or None
        Size of objects and thresholds, where objects are predicted.
    target : Target
        What of the image is selected and in sight.
    """

    ready: bool = False
    device: str = ""
    models: tuple[str, ...] = ()
    model: ModelState | None = None
    loading: str = ""
    versions: tuple[VersionState, ...] = ()
    version: int = 0
    source: str = ""
    own_models: tuple[OwnModel, ...] = ()
    image: ImageState | None = None
    predicting: Progress | None = None
    training: Progress | None = None
    refreshing: bool = False
    cancelling: bool = False
    stopping: bool = False
    notice: str = ""
    message: str = "Getting ready…"
    about: tuple[Topic, ...] = ()
    problems: dict[Place, Problem] = field(default_factory=dict)
    save: SaveState = NOT_SAVED
    recovered: str = ""
    project: ProjectState | None = None
    minutes: float = DEFAULT_MINUTES
    tuning: TuningState | None = None
    target: Target = NO_TARGET

    @property
    def why_not_predict(self) -> str:
        """Return why Predict is refused now, or nothing if it is not."""
        if self.predicting:
            return "A prediction is going on."
        reason = self._why_no_image() or self._why_no_model()
        return reason or self.target.why_not_predict

    @property
    def why_not_paint(self) -> str:
        """Return why there can be no labels yet, or nothing if there can."""
        if self.image and self.image.has_labels:
            return "The labels are there already."
        return self._why_no_image() or self._why_read_only()

    @property
    def why_not_accept(self) -> str:
        """Return why Accept is refused now, or nothing if it is not."""
        if reason := self._why_no_image() or self._why_read_only():
            return reason
        if self.image and not self.image.has_labels:
            return "There are no labels yet; press Predict first."
        if self.image and not self.image.has_prediction:
            return "There are no predicted values to accept; press Predict first."
        return self.target.why_not_accept

    @property
    def why_not_accept_object(self) -> str:
        """Return why an object cannot be accepted now, or nothing if it can."""
        if self.image and self.image.task != "instances":
            return "There are no objects here; accept a view."
        return self.why_not_accept

    @property
    def why_not_change(self) -> str:
        """Return why nothing can be done with the labels now, or nothing if it can."""
        return self._why_no_image() or self._why_read_only()

    @property
    def why_not_finetune(self) -> str:
        """Return why Fine-tune is refused now, or nothing if it is not."""
        if self.training:
            return "A training is going on."
        if reason := self._why_no_image() or self._why_no_model():
            return reason
        return why_not_learn(self.image) if self.image else ""

    def _why_no_image(self) -> str:
        if problem := self.problems.get("image"):
            return problem.text
        if self.image is None:
            return "Choose an image first, or drop one into the window."
        return "" if self.image.open else "The image is still being opened."

    def _why_read_only(self) -> str:
        return self.image.read_only if self.image else ""

    def _why_no_model(self) -> str:
        if self.loading or not (self.ready or self.model):
            return "The model is still being loaded."
        return "" if self.model else "Choose a model first."
