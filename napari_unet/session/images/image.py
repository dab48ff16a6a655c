"""An image that is open: its pixels, its annotation, and where that is saved."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.large import ChunkedSnapshot, LargeAnnotation
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.annotation.schema import LabelSchema
from napari_unet.geometry.box import Box
from napari_unet.images.channels import take_channels
from napari_unet.images.source import anisotropy_of
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.journal import Journal
from napari_unet.project.journal_reader import Files
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.project import Project
from napari_unet.project.snapshots import Snapshot
from napari_unet.session.images.place import Place
from napari_unet.session.images.reading import GUESSED, Reading

if TYPE_CHECKING:
    from napari_unet.session.images.saving import ImageSaving


_STEP = 1.2


class Canvas(Protocol):
    """Where a person edits an annotation; a front end has one for every image."""

    @property
    def busy(self) -> bool:
        """Whether a stroke is under way: keep predictions out of the labels."""
        return False

    def flush(self) -> None:
        """Tell the annotation what was edited so far."""
        return

    def settle(self) -> None:
        """Accept the objects that were touched so far."""
        self.do(Settle())

    def do(self, edit: Edit) -> Change | None:
        """Do an edit that nobody painted, and show it; return what changed."""

    def undo(self) -> object:
        """Take back what was done last, and show it."""

    def refresh(self, box: Box) -> None:
        """Show what the program changed inside a box."""


@dataclass(frozen=True, slots=True)
class BareCanvas(Canvas):
    """The canvas of a session without a front end: nobody paints, and nobody looks."""

    annotation: Annotation

    def do(self, edit: Edit) -> Change | None:
        """Do an edit."""
        return self.annotation.do(edit)

    def undo(self) -> None:
        """Take back what was done last."""
        self.annotation.undo()

    def refresh(self, box: Box) -> None:
        """Do nothing."""


@dataclass(eq=False, slots=True)
class OpenImage:
    """An image and everything that belongs to it; lives on the main thread.

    Parameters
    ----------
    sources : list of ndarray
        What was given to be opened and is this image, the first one first; anything
        that numpy can turn into an array.
    pixels : ndarray or ImageSource
        The same in memory: what is predicted and learned from. Of a large image, what
        reads regions of it.
    annotation : Annotation
        Labels and their provenance.
    place : Place
        Where the annotation is saved; only `saving` gives it another one.
    has_labels : bool
        Whether there are labels to look at.
    canvas : Canvas
        Where the labels are edited.
    journal : Journal or None
        Where every change is written down; begun and ended by `saving`.
    diameter : float or None
        Typical diameter of the objects in pixels, as the person has said.
    measured : (str, float) or None
        A model, and the typical diameter that it has measured.
    stated_pixel_size : float or None
        Width of a pixel in micrometres, where a file or a layer states it.
    stated_depth : float or None
        Distance of two planes in micrometres, where a file states it.
    scale : tuple of float
        How far apart pixels are along the axes, as a layer states it, in any unit.
    snapshots : tuple of Snapshot
        Copies of earlier work on it, the newest first.
    reading : Reading
        Who says which axis is which, and which channels a model gets.
    heard : callable or None
        Told of every change, after it was written down.
    """

    sources: list[npt.NDArray[Any]]
    pixels: Any
    identity: ImageIdentity
    annotation: Annotation
    place: Place
    has_labels: bool
    canvas: Canvas
    journal: Journal | None = None
    diameter: float | None = None
    measured: tuple[str, float | None] | None = None
    stated_pixel_size: float | None = None
    stated_depth: float | None = None
    scale: tuple[float, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    reading: Reading = GUESSED
    heard: Callable[[Change], object] | None = None
    saving: ImageSaving = field(init=False, repr=False)

    @property
    def large(self) -> bool:
        """Whether it is larger than memory; see `napari_unet.session.images.size`."""
        return isinstance(self.annotation, LargeAnnotation)

    @property
    def occupied(self) -> bool:
        """Whether a stroke, or a long step, is under way: nobody else writes then."""
        return self.canvas.busy or self.annotation.in_parts.under_way

    @property
    def pixel_size(self) -> float | None:
        """Width of a pixel in micrometres, where somebody knows it."""
        return self.reading.pixel_size or self.stated_pixel_size

    @property
    def voxel_size(self) -> dict[str, float]:
        """Micrometres along Z, Y and X, as far as somebody knows them.

        Where nobody knows how wide pixels are, and a layer how much farther sections
        are apart, these are pixels, and X is missing.
        """
        wide, apart = self.pixel_size, self.stated_depth
        if not apart and (times := self.layer_anisotropy) is not None:
            if not wide:
                return {"Z": times, "Y": 1.0}
            apart = times * wide
        known = {"Z": apart, "Y": wide, "X": wide}
        return {axis: size for axis, size in known.items() if size}

    @property
    def layer_anisotropy(self) -> float | None:
        """How many times as far apart sections are as pixels are wide, by the layer.

        None where it states nothing: napari's own scale is 1 along all axes.
        """
        along = dict(zip(self.axes, map(abs, self.scale), strict=False))
        if all(each == 1 for each in self.scale):
            return None
        return anisotropy_of(along)

    @property
    def model_input(self) -> tuple[npt.NDArray[Any], str]:
        """What a model gets: pixels of the chosen channels, and their axes."""
        return take_channels(self.pixels, self.axes, self.reading.channels)

    @property
    def project(self) -> Project:
        """Where the annotation is saved."""
        return self.place.project

    @property
    def key(self) -> str:
        """The image's name in the project."""
        return self.place.key

    @property
    def read_only(self) -> str:
        """Why nothing can be saved, or nothing."""
        return self.place.read_only

    @property
    def name(self) -> str:
        """File or layer name."""
        return self.identity.name

    @property
    def axes(self) -> str:
        """One letter per axis."""
        return self.identity.axes

    @property
    def schema(self) -> LabelSchema:
        """What the annotation says of the pixels."""
        return self.identity.schema

    @property
    def shown_diameter(self) -> float | None:
        """Typical diameter of verified objects, in steps of a fifth; None for too few.

        Every stroke moves it a little, and what is predicted in view should stay.
        """
        sections = dict(zip(self.axes, self.identity.shape, strict=True)).get("Z", 1)
        found = self.annotation.pixels.objects.verified_diameter(sections)
        return None if found is None else _STEP ** round(math.log(found, _STEP))

    @property
    def known_diameter(self) -> float | None:
        """How large the person has said or shown that objects are, in pixels."""
        return self.diameter or self.shown_diameter

    def measured_by(self, model: str) -> float | None:
        """Return the diameter that a model has measured, if it was the last one."""
        return self.measured[1] if self.measured and self.measured[0] == model else None

    def is_made_of(self, source: object) -> bool:
        """Whether this very object was given to be opened, and is this image."""
        return any(each is source for each in self.sources)

    def begin_journal(self, sequence: int, seen: Files | None = None) -> None:
        """Write down every change after one; see `Project.begin_journal`."""
        self.journal = self.project.begin_journal(
            self.identity, self.key, sequence, seen
        )
        self.annotation.listener = self.write_down

    def write_down(self, change: Change) -> None:
        """Write a change down, and tell who wants to know."""
        if self.journal is not None:
            self.journal.append(change)
        if self.heard is not None:
            self.heard(change)

    def end_journal(self) -> None:
        """Write down no more."""
        self.annotation.listener = None
        if self.journal is not None:
            self.project.end_journal(self.journal)
        self.journal = None

    def note_saved(
        self,
        project: Project,
        entry: ImageEntry,
        done: AnnotationSnapshot | ChunkedSnapshot,
    ) -> None:
        """Take note of a save; what lies on the disk need not stay in memory."""
        project.store.note_saved(entry)
        if isinstance(self.annotation, LargeAnnotation) and isinstance(
            done, ChunkedSnapshot
        ):
            saved = project.store.files.chunks_of(entry, entry.newest)
            if saved is not None:
                self.annotation.note_saved(done, saved)

    def leave_canvas(self) -> None:
        """Go on without a front end: nobody edits the labels any more."""
        self.canvas = BareCanvas(self.annotation)
