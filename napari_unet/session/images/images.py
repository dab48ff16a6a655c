"""The images that are open, and the one that a person works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from psygnal import Signal

from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.errors import NapariUnetError
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.opener import Opener
from napari_unet.session.images.opening import Request, file_of
from napari_unet.session.images.place import NOT_SAVED
from napari_unet.session.images.reading import Manners, Reading, first_axes
from napari_unet.session.images.size import MOST_BYTES, is_large
from napari_unet.session.projects import Projects
from napari_unet.session.words import describe_image
from napari_unet.tasks import goes_with


class Images:
    """Open images with their annotations, to iterate over; one of them is current.

    Attributes
    ----------
    all : list of OpenImage
        Those that are open, and those that were closed and are not saved yet.
    current : OpenImage or None
        The image that the state describes and that is predicted.
    schema : LabelSchema
        On what a person works; `set_schema` changes it.
    opener : Opener
        Brings images in that were opened by jobs.
    manners : callable
        Returns how a file is read of which nothing is known, or None.
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
    saved : Signal()
        A save in the background is over, however it ended.
    """

    labels_shown = Signal(OpenImage)
    put_away = Signal(OpenImage)
    released = Signal(OpenImage)
    current_changed = Signal()
    joined = Signal(OpenImage)
    saved = Signal()

    def __init__(self, hub: Hub, projects: Projects) -> None:
        self.hub = hub
        self.projects = projects
        self.all: list[OpenImage] = []
        self.current: OpenImage | None = None
        self.schema = INSTANCES
        self.manners: Callable[[Path], Manners | None] = lambda _path: None
        self.opener = Opener(self)
        self.most_bytes = MOST_BYTES  # of labels that are in memory as a whole

    def __iter__(self) -> Iterator[OpenImage]:
        return iter([image for image in self.all if not image.saving.closing])

    @property
    def home(self) -> Project | None:
        """The project where work and models are kept now, if they can be."""
        place, locked = self.place
        return None if locked else place

    @property
    def place(self) -> tuple[Project | None, bool]:
        """The project where the person works, and whether it can only be read."""
        image = self.current
        if self.projects.chosen is not None:
            return self.projects.chosen, False
        return (image.project, bool(image.read_only)) if image else (None, False)

    def find(self, source: object) -> OpenImage | None:
        """Return the image that was opened from this very object, or is the same."""
        return next((each for each in self if each.is_made_of(source)), None)

    def keys(self, project: Project) -> frozenset[str]:
        """Return the keys that images have, or will have, in a project."""
        return frozenset().union(*(image.saving.keys(project) for image in self.all))

    def open(
        self,
        source: npt.NDArray[Any],
        name: str,
        axes: str | None = None,
        path: Path | None = None,
        pixel_size: float | None = None,
        *,
        colour: bool = False,
        scale: tuple[float, ...] = (),
    ) -> None:
        """Open an image with the work that was saved for it, and make it current.

        It is current a moment later, or the state says why not. Nobody may change the
        pixels afterwards. `axes`, `pixel_size` (in micrometres) and `scale` are a
        layer's; else the file is asked. With `colour` the last axis is that.
        """
        self.select(None)
        try:
            known = first_axes(source, axes, colour=colour)
        except NapariUnetError as error:
            self.hub.report("image", error)
            return
        path = path.absolute() if path is not None else None
        project = self.projects.for_image(file_of(path), name)
        letters, schema = known.letters, self.schema
        large = is_large(source.shape, letters, self.most_bytes)
        request = Request(
            source, name, letters, path, schema, project, pixel_size, axes, colour
        )
        like = self.manners(path) if path else None
        self.opener.want(replace(request, like=like, scale=scale, large=large))
        self.opener.go()

    def select(self, image: OpenImage | None) -> None:
        """Make an open image current, or none."""
        self.opener.drop()
        self.make_current(image)

    def reopen(
        self,
        image: OpenImage,
        axes: str | None = None,
        reading: Reading | None = None,
        told: str = "",
    ) -> None:
        """Open other work on the pixels of an image, when its own is saved.

        It is read with other axes or another reading then, where they are given.
        """
        self.put_away.emit(image)
        request = Request(
            image.sources[0],
            image.name,
            axes or image.axes,
            image.identity.path,
            self.schema,
            image.place.belongs_to,
            image.stated_pixel_size,
            reading=reading or image.reading,
            told=told,
            scale=image.scale,
        )

        def open_it() -> None:
            if request is self.opener.wanted:
                self.opener.go()

        image.saving.closing = True
        self.make_current(None)
        request = replace(request, large=image.large)
        self.opener.want(request)
        image.saving.release(open_it)

    def set_schema(self, schema: LabelSchema) -> None:
        """Label something else from now on, such as classes instead of objects.

        The current image is opened again with the work that belongs to the schema.
        All other work stays saved, and is here again when its schema is.
        """
        self.schema = schema
        for image in self:
            if goes_with(image.schema, schema):
                image.identity = replace(image.identity, schema=schema)
            elif image is self.current:
                self.reopen(image)
            else:
                self.put_aside(image)
        self.opener.follow(schema)
        self.tell()

    def release(self, image: OpenImage) -> None:
        """Save what is unsaved of an image, and forget it."""
        image.saving.closing = True
        if self.current is image:
            self.make_current(None)
        image.saving.release()
        self.released.emit(image)

    def put_aside(self, image: OpenImage) -> None:
        """Save what is unsaved, and let image and layers leave the memory."""
        self.put_away.emit(image)
        self.release(image)

    def release_all(self) -> None:
        """Put the work on every image away; it is here again when it is opened."""
        self.select(None)
        for image in self:
            self.put_aside(image)

    def look_again(self) -> None:
        """Open an image again that waited for another window, if that is gone."""
        image = self.current
        if image and image.place.waiting and not image.project.why_read_only():
            self.reopen(image)

    def dismiss_recovered(self) -> None:
        """Note that the person has read what came back from the journal."""
        self.hub.show(recovered="")

    def note_change(self, image: OpenImage) -> None:
        """Note that labels or provenance changed, whoever changed them."""
        if image.saving.closing:
            return  # a prediction came to its end after the image was let go
        image.saving.note_change()
        self.show_labels(image)
        if image is self.current:
            self.tell()

    def show_labels(self, image: OpenImage) -> None:
        """Let the front end show the labels of an image, if it does not yet."""
        if not image.has_labels:
            image.has_labels = True
            self.labels_shown.emit(image)
            self.tell()

    def tell(self) -> None:
        """Describe the current image in the state."""
        image = self.current
        if image is not None:
            save = image.saving.describe()
            known = (each.annotation for each in self)
            # Of objects nobody asks, and there may be many.
            verified = (a.verified_labels() for a in known if not a.rules.objects)
            classes = len(frozenset().union(*verified))
            self.hub.show(image=describe_image(image, classes), save=save)

    def make_current(self, image: OpenImage | None) -> None:
        """Describe another image in the state, or none."""
        self.current = image
        self.hub.clear("image", "predict", "correct", "finetune")
        # So that an image of the same name and shape is seen to be another one.
        self.hub.show(image=None, save=NOT_SAVED, recovered="")
        self.tell()
        self.current_changed.emit()

    def tick(self) -> None:
        """Start the saves that are due; call it about once a second."""
        for image in tuple(self.all):
            image.saving.tick()
        self.look_again()
        self.tell()

    def forget(self, image: OpenImage) -> None:
        """Note that all of a closed image is saved."""
        self.all.remove(image)

    def finish_all(self) -> list[str]:
        """Save everything that is unsaved; return what could not be, in words."""
        images = tuple(self.all)
        for image in images:
            image.saving.finish()
        lost = [each.saving.why_lost for each in images if each.saving.why_lost]
        return lost + [
            f"{image.name}: {image.place.home.describe(image.project.folder)}"
            for image in images
            if image.place.home is not None
        ]
