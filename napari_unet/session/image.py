"""An image that is open: its pixels, its annotation, and where that is saved."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_unet.core.annotation import Annotation
from napari_unet.core.box import Box
from napari_unet.core.channels import take_channels
from napari_unet.core.rules import rules_for
from napari_unet.core.subject import Subject
from napari_unet.core.values import ValueAnnotation
from napari_unet.errors import StorageError
from napari_unet.io.image_header import ImageHeader
from napari_unet.io.read import read_header
from napari_unet.io.samples import sample_folder
from napari_unet.project.identity import ImageIdentity, iter_identify
from napari_unet.project.journal import Journal
from napari_unet.project.project import Project
from napari_unet.project.recovery import (
    NOTHING,
    Recovered,
    recover,
    saved_annotation,
)
from napari_unet.project.store import StoredAnnotation
from napari_unet.session.reading import (
    GUESSED,
    Reading,
    as_worked_on,
    first_axes,
    other_axes_told,
    recall,
)


class Canvas(Protocol):
    """Where a person edits an annotation; a front end has one for every image."""

    @property
    def busy(self) -> bool:
        """Whether a stroke is under way: keep predictions out of the labels."""
        ...

    def flush(self) -> None:
        """Tell the annotation what was edited so far."""
        ...

    def settle(self) -> None:
        """Accept the objects that were touched so far."""
        ...

    def refresh(self, box: Box) -> None:
        """Show what the program changed inside a box."""
        ...


@dataclass(frozen=True, slots=True)
class BareCanvas:
    """The canvas of a session without a front end."""

    annotation: Annotation

    @property
    def busy(self) -> bool:
        """Nobody paints here."""
        return False

    def flush(self) -> None:
        """Do nothing: nothing is pending."""

    def settle(self) -> None:
        """Accept the objects that were touched so far."""
        self.annotation.settle()

    def refresh(self, box: Box) -> None:
        """Do nothing: nobody looks."""


@dataclass(eq=False, slots=True)
class OpenImage:
    """An image and everything that belongs to it; lives on the main thread.

    Parameters
    ----------
    source : ndarray
        What was given to be opened; anything that numpy can turn into an array.
    pixels : ndarray
        The same in memory.
    identity : ImageIdentity
        Name, axes and content.
    annotation : Annotation
        Labels and their provenance.
    project : Project
        Where the annotation is saved.
    key : str
        The image's name in the project.
    path : Path or None
        The image file.
    has_labels : bool
        Whether there are labels to look at.
    canvas : Canvas
        Where the labels are edited.
    journal : Journal or None
        Where every change is written down.
    read_only : str
        Why nothing can be saved, or nothing.
    waiting : bool
        Whether that is because somebody else works in the project.
    diameter : float or None
        Typical diameter of the objects, in pixels, if the person has said so.
    measured : float or None
        What the model has measured.
    pixel_size : float or None
        Width of a pixel in micrometres, where somebody knows it.
    reading : Reading
        Who says which axis is which, and which channels a model gets.
    """

    source: npt.NDArray[Any]
    pixels: npt.NDArray[Any]
    identity: ImageIdentity
    annotation: Annotation
    project: Project
    key: str
    path: Path | None
    has_labels: bool
    canvas: Canvas
    journal: Journal | None = None
    read_only: str = ""
    waiting: bool = False
    diameter: float | None = None
    measured: float | None = None
    pixel_size: float | None = None
    reading: Reading = GUESSED

    @property
    def model_input(self) -> tuple[npt.NDArray[Any], str]:
        """What a model gets: pixels of the chosen channels, and their axes."""
        return take_channels(self.pixels, self.axes, self.reading.channels)

    @property
    def name(self) -> str:
        """File or layer name."""
        return self.identity.name

    @property
    def axes(self) -> str:
        """One letter per axis."""
        return self.identity.axes

    @property
    def subject(self) -> Subject:
        """What the annotation says of the pixels."""
        return self.identity.subject

    def begin_journal(self, sequence: int) -> None:
        """Write down every change from now on.

        Parameters
        ----------
        sequence : int
            Number of the last change that is written down already.
        """
        self.journal = self.project.begin_journal(self.identity, self.key, sequence)
        self.annotation.listener = self.journal.append

    def end_journal(self) -> None:
        """Write down no more."""
        self.annotation.listener = None
        if self.journal is not None:
            self.project.end_journal(self.journal)
        self.journal = None

    def leave_canvas(self) -> None:
        """Go on without a front end: nobody edits the labels any more."""
        self.canvas = BareCanvas(self.annotation)


@dataclass(frozen=True, slots=True)
class Opened:
    """An image that was just opened.

    Parameters
    ----------
    image : OpenImage
        With the work that was saved earlier, if there was any.
    sequence : int
        Number of the last change in its journal.
    told : str
        What the person should know about that work, or nothing.
    recovered : Recovered
        What the journal held beyond the last save.
    problem : StorageError or None
        Why earlier work could not be read.
    """

    image: OpenImage
    sequence: int = 0
    told: str = ""
    recovered: Recovered = NOTHING
    problem: StorageError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """An image that shall be opened.

    Parameters
    ----------
    source : ndarray
        Its pixels.
    name, axes : str
        For people and for the project; one letter per axis.
    path : Path or None
        The file.
    subject : Subject
        On what work shall go on.
    project : Project
        Where work is kept.
    pixel_size : float or None
        Width of a pixel in micrometres; the file is asked where it is missing.
    layer : str or None
        Axes that came with the array; the file is asked where they are missing.
    colour : bool
        Whether the last axis is known to be colour.
    reading : Reading or None
        How it is to be read with `axes`, whatever is known otherwise.
    told : str
        What the person should know when it is open, or nothing.
    """

    source: npt.NDArray[Any]
    name: str
    axes: str
    path: Path | None
    subject: Subject
    project: Project
    pixel_size: float | None = None
    layer: str | None = None
    colour: bool = False
    reading: Reading | None = None
    told: str = ""


def iter_open(request: Request) -> Generator[None, None, Opened]:
    """Identify an image by its content and load what was saved for it; only reads.

    Raises
    ------
    InputError
        If it cannot be used.
    """
    pixels = np.asarray(request.source)
    header = read_header(request.path) if request.path else ImageHeader()
    axes, reading = _read_axes(pixels, request, header)
    yield
    identity = yield from iter_identify(request.name, pixels, axes, request.subject)
    identity = replace(identity, path=request.path)
    project, stored, problem = request.project, None, None
    diameter, told = None, request.told
    key, why_not = identity.key, ""
    try:
        why_not = project.why_read_only()
        settings = project.store.read()[0].settings
        if request.reading is None:
            identity, reading, told = _as_before(identity, reading, project)
        stored = project.store.load_work(identity)
        key = stored.key if stored else project.store.key_for(identity)
        diameter = settings.diameters.get(key)
    except StorageError as error:
        problem, why_not = error, str(error)
    yield
    annotation = _annotation(identity, stored)
    recovered = recover(annotation, stored) if stored else NOTHING
    image = OpenImage(
        request.source,
        pixels,
        identity,
        annotation,
        project,
        key,
        request.path,
        has_labels=stored is not None,
        canvas=BareCanvas(annotation),
        read_only=why_not,
        waiting=bool(why_not) and problem is None,
        diameter=diameter,
        pixel_size=request.pixel_size or header.pixel_size.get("X"),
        reading=reading,
    )
    sequence = max(stored.sequence, stored.journal.last) if stored else 0
    return Opened(image, sequence, told or _told(stored), recovered, problem)


def _read_axes(
    pixels: npt.NDArray[Any], request: Request, header: ImageHeader
) -> tuple[str, Reading]:
    if request.reading is not None:
        return request.axes, replace(request.reading, names=header.channels)
    known = first_axes(pixels, request.layer, colour=request.colour, header=header)
    return known.letters, Reading(known.origin, names=header.channels)


def _as_before(
    known: ImageIdentity, reading: Reading, project: Project
) -> tuple[ImageIdentity, Reading, str]:
    """Return an image as it was read before in a project, and what is to be told."""
    manifest = project.store.read()[0]
    identity, reading = recall(known, reading, manifest)
    if manifest.find(identity) is not None or project.store.load_work(identity):
        return identity, reading, ""
    earlier = as_worked_on(identity, manifest)
    if earlier is None:
        return identity, reading, ""
    told = other_axes_told(identity, earlier)
    return earlier, replace(reading, origin="project", channels=None), told


def _told(stored: StoredAnnotation | None) -> str:
    if stored is None or (stored.saved_at is None and not stored.notice):
        return ""
    if stored.notice or stored.saved_at is None:
        return stored.notice or ""
    return f"Your work of {stored.saved_at.astimezone():%d %B, %H:%M} is here again."


def _annotation(identity: ImageIdentity, stored: StoredAnnotation | None) -> Annotation:
    """Return the annotation that was saved, or an empty one."""
    subject = identity.subject
    if stored is None:
        nothing = np.zeros(identity.labels_shape, np.int32)
        if subject.task == "regression":
            return ValueAnnotation(nothing, len(subject.names))
        return Annotation(nothing, rules=rules_for(subject))
    return saved_annotation(subject, stored)


def file_of(path: Path | None) -> Path | None:
    """Return the path beside which work may be saved.

    Nothing is written beside the sample images: they belong to the package.
    """
    if path is None or path.is_relative_to(sample_folder()):
        return None
    return path
