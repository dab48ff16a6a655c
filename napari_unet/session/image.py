"""An image that is open: its pixels, its annotation, and where that is saved."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_unet.core.annotation import Annotation
from napari_unet.core.arrays import as_image
from napari_unet.core.axes import guess_axes, parse_axes
from napari_unet.core.box import Box
from napari_unet.core.rules import rules_for
from napari_unet.core.subject import Subject
from napari_unet.core.values import ValueAnnotation
from napari_unet.errors import InputError, StorageError
from napari_unet.io.read import read_pixel_size
from napari_unet.io.reread import as_file_means
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
from napari_unet.project.segments import Files
from napari_unet.project.snapshots import Snapshot, list_snapshots
from napari_unet.project.store import Found, StoredAnnotation
from napari_unet.session.catalogue import holds_image
from napari_unet.session.claims import NOTHING_HELD, Held
from napari_unet.session.home import Home, Kept, look_for_kept


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
    snapshots : tuple of Snapshot
        Copies of earlier work on it, the newest first.
    copies : list of ndarray
        What else was given to be opened and is this image.
    home : Home or None
        Where the work belongs, while it is kept elsewhere.
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
    snapshots: tuple[Snapshot, ...] = ()
    copies: list[npt.NDArray[Any]] = field(default_factory=list)
    home: Home | None = None

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

    def is_made_of(self, source: object) -> bool:
        """Whether this very object was given to be opened, and is this image."""
        return any(each is source for each in (self.source, *self.copies))

    def begin_journal(self, sequence: int, seen: Files | None = None) -> None:
        """Write down every change from now on.

        Parameters
        ----------
        sequence : int
            Number of the last change that is written down already.
        seen : tuple, optional
            The files of the journal when it was read.
        """
        self.journal = self.project.begin_journal(
            self.identity, self.key, sequence, seen
        )
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
    again : bool
        Whether the image was open, or about to be saved, already.
    seen : tuple
        The files of its journal when it was read.
    """

    image: OpenImage
    sequence: int = 0
    told: str = ""
    recovered: Recovered = NOTHING
    problem: StorageError | None = None
    again: bool = False
    seen: Files = ()


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
    held : Held
        What is open already.
    kept : Project or None
        Where work is that could not be saved in the project.
    """

    source: npt.NDArray[Any]
    name: str
    axes: str
    path: Path | None
    subject: Subject
    project: Project
    pixel_size: float | None = None
    held: Held = NOTHING_HELD
    kept: Project | None = None


def iter_open(request: Request) -> Generator[None, None, Opened]:
    """Identify an image by its content and load what was saved for it; only reads.

    Raises
    ------
    InputError
        If it cannot be used.
    """
    pixels = as_image(request.source).array
    identity = yield from iter_identify(
        request.name, pixels, request.axes, request.subject
    )
    identity = replace(identity, path=request.path)
    if image := request.held.same(identity):
        return Opened(image, again=True)
    project, stored, problem = request.project, None, None
    found, diameter, why_not = Found(identity.key), None, ""
    kept: Kept | None = None
    snapshots: tuple[Snapshot, ...] = ()
    try:
        why_not = project.why_read_only()
        found = project.store.look_up(identity, request.held.keys, holds_image)
        if not found.known and (image := request.held.renamed(identity)):
            return Opened(image, again=True)
        stored = project.store.load_work(identity, found)
        kept = None if why_not else _kept(request, identity, found, stored)
        if kept is not None and kept.home.may_return:
            project, found, stored = kept.project, kept.found, kept.stored
        snapshots = list_snapshots(project.folder, found.key)
        diameter = project.store.read()[0].settings.diameters.get(found.key)
    except StorageError as error:
        problem, why_not = error, str(error)
    yield
    annotation = _annotation(identity, stored)
    recovered = recover(annotation, stored) if stored else NOTHING
    # Known by what was opened, predicted and learned from by what that means.
    pixels, note = as_file_means(request.path, pixels)
    image = OpenImage(
        request.source,
        pixels,
        identity,
        annotation,
        project,
        found.key,
        request.path,
        has_labels=stored is not None,
        canvas=BareCanvas(annotation),
        read_only=why_not,
        waiting=bool(why_not) and problem is None,
        diameter=diameter,
        pixel_size=request.pixel_size or _pixel_size(request.path),
        snapshots=snapshots,
    )
    sequence, seen = (stored.last, stored.journal.files) if stored else (0, ())
    image.home = kept.home if kept and kept.home.may_return else None
    of_work = _told_of_kept(kept) or _told(stored) or _told_of_twins(found)
    told = " ".join(filter(None, [of_work, note and f"Of this image, {note}."]))
    return Opened(image, sequence, told, recovered, problem, seen=seen)


def _pixel_size(path: Path | None) -> float | None:
    return read_pixel_size(path) if path is not None and path.is_file() else None


def _told(stored: StoredAnnotation | None) -> str:
    if stored is None or (stored.saved_at is None and not stored.notice):
        return ""
    if stored.notice or stored.saved_at is None:
        return stored.notice or ""
    return f"Your work of {stored.saved_at.astimezone():%d %B, %H:%M} is here again."


def _kept(
    request: Request,
    identity: ImageIdentity,
    found: Found,
    stored: StoredAnnotation | None,
) -> Kept | None:
    """Return work that could not be saved in the project earlier."""
    if request.kept is None or request.kept.why_read_only():
        return None
    last = stored.last if stored else 0
    return look_for_kept(request.kept, Home(request.project, found.key, last), identity)


def _told_of_kept(kept: Kept | None) -> str:
    if kept is None:
        return ""
    work, home = kept.stored, kept.home.project
    when = f" of {work.saved_at.astimezone():%d %B, %H:%M}" if work.saved_at else ""
    told = (
        f"Your work{when} could not be saved in {home.name} and was kept in "
        f"{kept.project.folder}. "
    )
    if kept.home.may_return:
        return f"{told}It is here again, and goes back to {home.name}."
    return f"{told}{home.name} has other work by now, so it stays there."


def _told_of_twins(found: Found) -> str:
    if not found.twins:
        return ""
    return (
        f"The project has work on an image with the same pixels, {found.twins[-1]}; "
        "this image has none yet."
    )


def _annotation(identity: ImageIdentity, stored: StoredAnnotation | None) -> Annotation:
    """Return the annotation that was saved, or an empty one."""
    subject = identity.subject
    if stored is None:
        nothing = np.zeros(identity.labels_shape, np.int32)
        if subject.task == "regression":
            return ValueAnnotation(nothing, len(subject.names))
        return Annotation(nothing, rules=rules_for(subject))
    return saved_annotation(subject, stored)


def choose_axes(array: npt.NDArray[Any], axes: str | None) -> str:
    """Return checked axes of an image; guess them where they are missing.

    Raises
    ------
    InputError
        If the array is no image, or the axes do not fit.
    """
    if array.dtype.kind not in "buif":
        raise InputError(
            f"Expected an image of real numbers, found the data type {array.dtype}; "
            "convert it first, for example to its magnitude."
        )
    if 0 in array.shape:
        raise InputError(f"The image has no pixels (shape {tuple(array.shape)}).")
    if axes is None:
        return guess_axes(tuple(array.shape), array.dtype)
    return parse_axes(axes, array.ndim)


def file_of(path: Path | None) -> Path | None:
    """Return the path beside which work may be saved.

    Nothing is written beside the sample images: they belong to the package.
    """
    if path is None or path.is_relative_to(sample_folder()):
        return None
    return path
