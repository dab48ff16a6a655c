"""Opening the image that a person chose last, unless it is open already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet.annotation.schema import LabelSchema
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.project import Project
from napari_unet.session.images.held import Held
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.opening import LookUpImage, Opened, Request
from napari_unet.session.images.place import NOT_SAVED
from napari_unet.session.images.saving import ImageSaving
from napari_unet.session.images.status import ImageState
from napari_unet.session.runner import Handlers, Running

if TYPE_CHECKING:
    from napari_unet.session.images.images import Images


class Opener:
    """Opens one image at a time: the last one that was wanted.

    Attributes
    ----------
    wanted : Request or None
        What shall be opened, until it is.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self._hub = images.hub
        self._opening: Running | None = None
        self.wanted: Request | None = None

    def drop(self) -> None:
        """Open nothing after all."""
        self.wanted = None
        if self._opening is not None:
            self._opening.cancel()

    def want(self, request: Request) -> None:
        """Open an image next, once `go` is called; it is told already."""
        self.wanted = request
        image = ImageState(request.name, request.axes, tuple(request.source.shape))
        words = f"Opening {request.name}…"
        self._hub.say(words, "image", image=image, save=NOT_SAVED, recovered="")

    def follow(self, schema: LabelSchema) -> None:
        """Open what is wanted with other work on it."""
        wanted = self.wanted
        if wanted is not None and wanted.schema != schema:
            self.drop()
            self.want(replace(wanted, schema=schema))
            self.go()

    def go(self) -> None:
        """Open what is wanted, as all other images are now."""
        if self.wanted is None:
            return
        project = self.wanted.project
        kept = self._images.projects.kept_for(project)
        request = replace(self.wanted, held=self.held(project), kept=kept)
        self.wanted = request
        self._opening = self._hub.runner.start(
            LookUpImage(request),
            Handlers(
                result=lambda opened: self._on_opened(request, opened),
                error=lambda error: self._on_failed(request, error),
            ),
        )

    def held(self, project: Project) -> Held:
        """Return what is open, or not saved yet, as it matters in a project."""
        closing = tuple(
            image.identity
            for image in self._images.all
            if image.saving.closing
            and not image.saving.moving.under_way
            and image.place.belongs_to is project
        )
        open_ones = tuple(image.identity for image in self._images)
        return Held(open_ones, closing, self._images.keys(project))

    def take_in(self, request: Request, opened: Opened) -> OpenImage | None:
        """Go on with an image that a job has opened; it is not current by that.

        None if another image was saved, or moved to its place, meanwhile.
        """
        image = opened.image
        place = request.own(image.place)
        if place.key in self._images.keys(place.project):
            return None
        # Which saves the job has read is noted in the session's own project.
        place.project.store.note(place.key, image.project.store)
        image.sources, image.place = [request.source], place
        image.saving = ImageSaving(image, self._images, opened.sequence, opened.seen)
        self._images.all.append(image)
        return image

    def _on_opened(self, request: Request, opened: Opened | ImageIdentity) -> None:
        if request is not self.wanted:
            return  # another one was chosen meanwhile
        if isinstance(opened, ImageIdentity):
            self._join(opened, request)
            return
        image = self.take_in(request, opened)
        if image is None:
            self.go()
            return
        self.wanted = None
        self._images.make_current(image)
        words = opened.told or f"{image.name} is open."
        self._hub.say(words, "image", recovered=opened.recovered)
        if image.has_labels:
            self._images.labels_shown.emit(image)
        if opened.problem is not None:
            self._hub.report("correct", opened.problem)

    def _join(self, identity: ImageIdentity, request: Request) -> None:
        """Go to an image that is open, or is not saved yet, instead of a second one."""
        same = [i for i in self._images.all if i.identity == identity]
        if not same:  # it was saved meanwhile
            self.go()
            return
        self.wanted, image = None, same[0]
        if image.saving.closing:
            image.saving.keep()
            image.has_labels |= not image.annotation.empty  # its layer may be gone
        if not image.is_made_of(request.source):
            image.sources.append(request.source)
        self._images.make_current(image)
        words = f"{image.name} is open already; this layer shows the same work."
        self._hub.say(words, "image")
        if image.has_labels:
            self._images.labels_shown.emit(image)
        self._images.joined.emit(image)

    def _on_failed(self, request: Request, error: Exception) -> None:
        if request is self.wanted:
            self._hub.report("image", error)
