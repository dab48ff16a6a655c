"""What is to be said of models, their versions and thresholds: frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.tasks.outputs import PixelClass, Variable


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
