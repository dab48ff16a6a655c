"""The images that are open, and the one that a person works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from psygnal import Signal

from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.errors import NapariUnetError
from napari_unet.project.project import Project
from napari_unet.session.finetune import TrainingSnapshot
from napari_unet.session.images.held import Held
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.opening import Opened, OpenJob, Request, file_of
from napari_unet.session.images.reading import Reading, first_axes
from napari_unet.session.images.saving import Saving
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import ImageState, ImageStatus
from napari_unet.session.words import describe_image
from napari_unet.tasks.task import goes_with


class Images:
    """Open images with their annotations; one of them is current.

    Attributes
    ----------
    labels_shown : Signal(OpenImage)
        The image has labels to look at, from now on or from earlier work.
    put_away : Signal(OpenImage)
        Other work on the same pixels comes in its place. The front end tells the
        annotation what was edited last, and takes its layers away.
    released : Signal(OpenImage)
        The image is closed.
    current_changed : Signal()
        Another image is current, or none is.
    joined : Signal(OpenImage)
        What was to be opened is an image that is open already.
    """

    labels_shown = Signal(OpenImage)
    put_away = Signal(OpenImage)
    released = Signal(OpenImage)
    current_changed = Signal()
    joined = Signal(OpenImage)

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        saving: Saving,
        projects: Projects,
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._saving = saving
        self._projects = projects
        self._all: list[OpenImage] = []
        self._current: OpenImage | None = None
        self._opening: Running | None = None
        self._schema = INSTANCES
        self._wanted: Request | None = None

    def __iter__(self) -> Iterator[OpenImage]:
        return iter(tuple(self._all))

    @property
    def schema(self) -> LabelSchema:
        """On what a person works."""
        return self._schema

    @property
    def current(self) -> OpenImage | None:
        """The image that the state describes and that is predicted."""
        return self._current

    @property
    def home(self) -> Project | None:
        """The project where work and models are kept now, if they can be."""
        place, locked = self.place
        return None if locked else place

    @property
    def place(self) -> tuple[Project | None, bool]:
        """The project where the person works, and whether it can only be read."""
        image = self._current
        if self._projects.chosen is not None:
            return self._projects.chosen, False
        return (image.project, bool(image.read_only)) if image else (None, False)

    def find(self, source: object) -> OpenImage | None:
        """Return the image that was opened from this very object, or is the same."""
        return next((each for each in self._all if each.is_made_of(source)), None)

    def diameters(self, project: Project) -> dict[str, float | None]:
        """Return what a person has said of sizes, by the keys of a project's images."""
        return {
            each.key: each.diameter for each in self._all if each.project is project
        }

    def open(
        self,
        source: npt.NDArray[Any],
        name: str,
        axes: str | None = None,
        path: Path | None = None,
        pixel_size: float | None = None,
        *,
        colour: bool = False,
    ) -> None:
        """Open an image with the work that was saved for it, and make it current.

        It is current a moment later; the state tells, or says why not. Nothing is
        written.

        Parameters
        ----------
        source : ndarray
            Pixels; nobody may change them afterwards.
        name : str
            For people and for the project.
        axes : str, optional
            One letter of "TCZYX" per axis, where they came with the array; else the
            file is asked, and what nobody states is guessed.
        path : Path, optional
            The file, beside which work is saved.
        pixel_size : float, optional
            Width of a pixel in micrometres; the file is asked where it is missing.
        colour : bool
            Whether the last axis is known to be colour.
        """
        self.select(None)
        try:
            known = first_axes(source, axes, colour=colour)
        except NapariUnetError as error:
            self._holder.report("image", error)
            return
        path = path.absolute() if path is not None else None
        project = self._projects.for_image(file_of(path), name)
        schema = self._schema
        self._want(
            Request(
                source,
                name,
                known.letters,
                path,
                schema,
                project,
                pixel_size,
                axes,
                colour,
            )
        )
        self._open_wanted()

    def select(self, image: OpenImage | None) -> None:
        """Make an open image current, or none."""
        self._wanted = None
        if self._opening is not None:
            self._opening.cancel()
        self._set_current(image)

    def reopen(
        self,
        image: OpenImage,
        axes: str | None = None,
        reading: Reading | None = None,
        told: str = "",
    ) -> None:
        """Open other work on the pixels of an image, when its own is saved.

        Parameters
        ----------
        axes, reading : str, Reading
            How it is read then; as before where they are missing.
        told : str
            What the person should know.
        """
        self.put_away.emit(image)
        request = Request(
            image.source,
            image.name,
            axes or image.axes,
            image.path,
            self._schema,
            image.place.belongs_to,
            image.pixel_size,
            reading=reading or image.reading,
            told=told,
        )

        def open_it() -> None:
            if request is self._wanted:
                self._open_wanted()

        self._all.remove(image)
        self._set_current(None)
        self._want(request)
        image.saving.release(open_it)

    def set_schema(self, schema: LabelSchema) -> None:
        """Label something else from now on, such as classes instead of objects.

        The current image is opened again with the work that belongs to the schema.
        All other work stays saved, and is here again when its schema is.
        """
        self._schema = schema
        for image in tuple(self._all):
            if goes_with(image.schema, schema):
                image.identity = replace(image.identity, schema=schema)
            elif image is self._current:
                self.reopen(image)
            else:
                self.put_away.emit(image)
                self.release(image)
        if self._wanted is not None and self._wanted.schema != schema:
            if self._opening is not None:
                self._opening.cancel()
            self._want(replace(self._wanted, schema=schema))
            self._open_wanted()
        self.tell()

    def release(self, image: OpenImage) -> None:
        """Save what is unsaved of an image, and forget it."""
        self._all.remove(image)
        if self._current is image:
            self._set_current(None)
        image.saving.release()
        self.released.emit(image)

    def release_all(self) -> None:
        """Put the work on every image away; it is here again when it is opened."""
        self.select(None)
        for image in tuple(self._all):
            self.put_away.emit(image)
            self.release(image)

    def look_again(self) -> None:
        """Open an image again that waited for another window, if that is gone."""
        image = self._current
        if image is None or not image.place.waiting or image.project.why_read_only():
            return
        self.reopen(image)

    def dismiss_recovered(self) -> None:
        """Note that the person has read what came back from the journal."""
        self._holder.show(images=replace(self._holder.parts.images, recovered=""))

    def note_change(self, image: OpenImage) -> None:
        """Note that labels or provenance changed, whoever changed them."""
        if image not in self._all:
            return  # a prediction came to its end after the image was let go
        image.saving.note_change()
        self.show_labels(image)
        if image is self._current:
            self.tell()

    def show_labels(self, image: OpenImage) -> None:
        """Let the front end show the labels of an image, if it does not yet."""
        if not image.has_labels:
            image.has_labels = True
            self.labels_shown.emit(image)
            self.tell()

    def training_snapshots(self) -> list[TrainingSnapshot]:
        """Return copies of everything that is verified now."""
        for image in self._all:
            image.canvas.flush()
        return [
            TrainingSnapshot.of(image)
            for image in self._all
            if image.annotation.counts().verified_pixels
        ]

    def tell(self) -> None:
        """Describe the current image in the state."""
        image = self._current
        if image is not None:
            save = image.saving.describe()
            classes = len(self.verified_labels())
            status = self._holder.parts.images
            shown = describe_image(image, classes)
            self._holder.show(images=replace(status, image=shown, save=save))

    def verified_labels(self) -> frozenset[int]:
        """Return the labels of which some pixel is verified in an open image."""
        each = (image.annotation.verified_labels() for image in self._all)
        return frozenset().union(*each)

    def _want(self, request: Request) -> None:
        self._wanted = request
        image = ImageState(request.name, request.axes, tuple(request.source.shape))
        words = f"Opening {request.name}…"
        self._holder.say(words, "image", images=ImageStatus(image))

    def _open_wanted(self) -> None:
        if self._wanted is None:
            return
        project = self._wanted.project
        request = self._wanted = replace(
            self._wanted,
            held=self._held(project),
            kept=self._projects.kept_for(project),
        )
        self._opening = self._runner.start(
            OpenJob(request),
            Handlers(
                result=lambda opened: self._on_opened(request, opened),
                error=lambda error: self._on_not_opened(request, error),
            ),
        )

    def _held(self, project: Project) -> Held:
        kept = [i for i in self._saving.images if not i.saving.moving.under_way]
        closing = tuple(
            i for i in kept if i not in self._all and i.place.belongs_to is project
        )
        return Held(tuple(self._all), closing, self._saving.keys(project))

    def _set_current(self, image: OpenImage | None) -> None:
        self._current = image
        self._holder.clear("image", "predict", "correct", "finetune")
        # So that an image of the same name and shape is seen to be another one.
        self._holder.show(images=ImageStatus())
        self.tell()
        self.current_changed.emit()

    def _on_opened(self, request: Request, opened: Opened) -> None:
        if request is not self._wanted:
            return  # another one was chosen meanwhile
        image = opened.image
        if self._is_outdated(opened):
            self._open_wanted()
            return
        self._wanted = None
        if opened.again:
            self._join(image, request)
            return
        self._all.append(image)
        self._saving.add(image, opened.sequence, opened.seen)
        self._set_current(image)
        recovered = f"{opened.kept} {opened.recovered.describe()}".strip()
        status = replace(self._holder.parts.images, recovered=recovered)
        words = opened.told or f"{image.name} is open."
        self._holder.say(words, "image", images=status)
        if image.has_labels:
            self.labels_shown.emit(image)
        if opened.problem is not None:
            self._holder.report("correct", opened.problem)

    def _is_outdated(self, opened: Opened) -> bool:
        """Whether another image was saved, or moved to its place, meanwhile."""
        image = opened.image
        if opened.again:
            return image not in self._saving.images
        return image.key in self._saving.keys(image.project)

    def _join(self, image: OpenImage, request: Request) -> None:
        """Go to an image that is open, or is not saved yet, instead of a second one."""
        if image not in self._all:
            image.saving.keep()
            self._all.append(image)
            image.has_labels |= not image.annotation.empty  # its layer may be gone
        if not image.is_made_of(request.source):
            image.copies.append(request.source)
        self._set_current(image)
        words = f"{image.name} is open already; this layer shows the same work."
        self._holder.say(words, "image")
        if image.has_labels:
            self.labels_shown.emit(image)
        self.joined.emit(image)

    def _on_not_opened(self, request: Request, error: Exception) -> None:
        if request is self._wanted:
            self._holder.report("image", error)
