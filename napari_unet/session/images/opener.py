"""Opening the image that a person chose last, unless it is open already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_unet.project.identity import ImageIdentity
from napari_unet.project.project import Project
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.opening import Held, LookUpImage, Opened, Request
from napari_unet.session.images.saving import Saving
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import ImageState, ImageStatus

if TYPE_CHECKING:
    from napari_unet.session.images.images import Images


class Opener:
    """Opens one image at a time: the last one that was wanted.

    Attributes
    ----------
    wanted : Request or None
        What shall be opened, until it is.
    """

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        images: Images,
        saving: Saving,
        projects: Projects,
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._images = images
        self._saving = saving
        self._projects = projects
        self._opening: Running | None = None
        self.wanted: Request | None = None

    def drop(self) -> None:
        """Open nothing after all."""
        self.wanted = None
        self.cancel()

    def cancel(self) -> None:
        """Let go of what is being opened."""
        if self._opening is not None:
            self._opening.cancel()

    def want(self, request: Request) -> None:
        """Open an image next, once `go` is called; it is told already."""
        self.wanted = request
        image = ImageState(request.name, request.axes, tuple(request.source.shape))
        words = f"Opening {request.name}…"
        self._holder.say(words, "image", images=ImageStatus(image))

    def go(self) -> None:
        """Open what is wanted, as all other images are now."""
        if self.wanted is None:
            return
        project = self.wanted.project
        request = self.wanted = replace(
            self.wanted,
            held=self._held(project),
            kept=self._projects.kept_for(project),
        )
        self._opening = self._runner.start(
            LookUpImage(request),
            Handlers(
                result=lambda opened: self._on_opened(request, opened),
                error=lambda error: self._on_not_opened(request, error),
            ),
        )

    def _held(self, project: Project) -> Held:
        kept = [i for i in self._saving.images if not i.saving.moving.under_way]
        closing = tuple(
            image.identity
            for image in kept
            if image not in self._images and image.place.belongs_to is project
        )
        open_ones = tuple(image.identity for image in self._images)
        return Held(open_ones, closing, self._saving.keys(project))

    def _on_opened(self, request: Request, opened: Opened | ImageIdentity) -> None:
        if request is not self.wanted:
            return  # another one was chosen meanwhile
        if isinstance(opened, ImageIdentity):
            self._join_same(opened, request)
            return
        place = request.own(opened.place)
        if place.key in self._saving.keys(place.project):
            # Another image was saved, or moved to its place, meanwhile.
            self.go()
            return
        self.wanted = None
        image = opened.as_image(request.source, place)
        self._images.add(image)
        self._saving.add(image, opened.sequence, opened.seen)
        self._images.make_current(image)
        recovered = f"{opened.kept} {opened.recovered.describe()}".strip()
        status = replace(self._holder.parts.images, recovered=recovered)
        words = opened.told or f"{image.name} is open."
        self._holder.say(words, "image", images=status)
        if image.has_labels:
            self._images.labels_shown.emit(image)
        if opened.problem is not None:
            self._holder.report("correct", opened.problem)

    def _join_same(self, identity: ImageIdentity, request: Request) -> None:
        """Go to the image that is the same one, unless it was saved meanwhile."""
        same = [i for i in self._saving.images if i.identity == identity]
        if not same:
            self.go()
            return
        self.wanted = None
        self._join(same[0], request)

    def _join(self, image: OpenImage, request: Request) -> None:
        """Go to an image that is open, or is not saved yet, instead of a second one."""
        if image not in self._images:
            image.saving.keep()
            self._images.add(image)
            image.has_labels |= not image.annotation.empty  # its layer may be gone
        if not image.is_made_of(request.source):
            image.copies.append(request.source)
        self._images.make_current(image)
        words = f"{image.name} is open already; this layer shows the same work."
        self._holder.say(words, "image")
        if image.has_labels:
            self._images.labels_shown.emit(image)
        self._images.joined.emit(image)

    def _on_not_opened(self, request: Request, error: Exception) -> None:
        if request is self.wanted:
            self._holder.report("image", error)
