"""Annotations are saved by themselves: in the background, and once more at the end.

Every change is in the image's journal in the moment in which it happens. A save holds
everything at once; it is what other programs read, and the journal can be short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psygnal import Signal

from napari_unet.annotation.change import Change
from napari_unet.errors import StorageError
from napari_unet.project.autosave import Autosave
from napari_unet.project.journal_reader import Files
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.project import Project
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.moving import Moving, SaveImage, interrupted
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.status import Problem, SaveState


class Saving:
    """All images that are saved: those that are open, and those not saved yet.

    Attributes
    ----------
    ended : Signal()
        A save in the background is over, however it ended.
    """

    ended = Signal()

    def __init__(
        self, runner: Runner, projects: Projects, clock: Callable[[], float]
    ) -> None:
        self.runner = runner
        self.projects = projects
        self.clock = clock
        self._images: list[OpenImage] = []

    @property
    def images(self) -> tuple[OpenImage, ...]:
        """Those it takes care of, also what is released and not saved yet."""
        return tuple(self._images)

    def keys(self, project: Project) -> frozenset[str]:
        """Return the keys that these have, or will have, in a project."""
        each = (image.saving.keys(project) for image in self._images)
        return frozenset().union(*each)

    def add(self, image: OpenImage, sequence: int, seen: Files) -> None:
        """Take care of an image from now on; see `OpenImage.begin_journal`."""
        if not image.read_only:
            image.begin_journal(sequence, seen)
        image.saving = ImageSaving(image, self)
        self._images.append(image)

    def forget(self, image: OpenImage) -> None:
        """Take care of an image no more."""
        self._images.remove(image)

    def tick(self) -> None:
        """Start the saves that are due; call it about once a second."""
        for image in self.images:
            image.saving.tick()

    def finish_all(self) -> list[str]:
        """Save everything that is unsaved.

        Returns
        -------
        list of str
            What could not be saved where it belongs, in words.
        """
        images = self.images
        for image in images:
            image.saving.finish()
        lost = [each.saving.why_lost for each in images if each.saving.why_lost]
        away = [
            f"{image.name}: {image.place.home.describe(image.project.folder)}"
            for image in images
            if image.place.home is not None
        ]
        return lost + away


class ImageSaving:
    """How one image is saved.

    Attributes
    ----------
    moving : Moving
        How it comes to another project.
    """

    def __init__(self, image: OpenImage, everyone: Saving) -> None:
        self._image = image
        self._everyone = everyone
        self._projects = everyone.projects
        self._clock = everyone.clock
        self._policy = Autosave(image.project.name)
        self._noticed = self._last_change
        self.moving = Moving(image, self, everyone)
        self._then: Callable[[], None] | None = None

    @property
    def why_lost(self) -> str:
        """Why something is nowhere but in memory, or nothing."""
        status = self._policy.status
        if not self._policy.unsaved or not status.failure:
            return ""
        return f"{self._image.name} is not saved. {status.failure}"

    @property
    def over(self) -> bool:
        """Whether all of it was saved, and the image is forgotten."""
        return self._image not in self._everyone.images

    @property
    def _last_change(self) -> int:
        journal = self._image.journal
        return journal.sequence if journal is not None else 0

    def keys(self, project: Project) -> frozenset[str]:
        """Return the keys that the image has, or will have, in a project."""
        here = {self._image.key} if self._image.project is project else set()
        return self.moving.keys(project) | here

    def describe(self) -> SaveState:
        """Return how it goes."""
        place, journal = self._image.place, self._image.journal
        folder = place.project.folder
        if place.read_only:
            return SaveState(place.read_only, folder, failed=True)
        status, written = self._policy.status, journal.status if journal else None
        words = status.describe(self._clock(), written)
        if place.home is not None:
            return SaveState(f"{place.home.describe(folder)} {words}.", folder, True)
        failed = bool(status.failure or (written and written.failure))
        return SaveState(words, folder, failed)

    def note_change(self) -> None:
        """Note that the annotation changed."""
        self._noticed = self._last_change
        if not self._image.read_only:
            self._policy.changed(self._clock())

    def tick(self) -> None:
        """Save if it is time; call it about once a second."""
        if self._image.journal is not None:
            self._image.journal.flush()
        self._look()
        self.moving.tick()
        if self._policy.due(self._clock()):
            self.start()

    def start(self) -> None:
        """Save now, unless something of the project is being saved."""
        image, projects = self._image, self._projects
        if self._policy.status.saving or image.read_only:
            return
        if image.project in projects.busy:
            return
        try:
            task = self._begin()
        except StorageError as error:
            self.fail(error)
            return
        projects.busy.add(task.project)
        self._everyone.runner.start(
            task,
            Handlers(
                result=lambda entry: self._end(task, entry),
                error=lambda error: self._end(task, error),
                closed=lambda: self._end(task, interrupted()),
            ),
        )

    def release(self, then: Callable[[], None] = lambda: None) -> None:
        """Save what is unsaved, and forget the image after that.

        Parameters
        ----------
        then : callable
            Called once: when everything is saved, or could not be.
        """
        self._then = then
        self._look()
        if self._policy.unsaved:
            self.start()
        else:
            self._forget()

    def keep(self) -> None:
        """Take care again of an image that was released and is not saved yet."""
        self._then = None

    def finish(self) -> None:
        """Save what is unsaved before this returns."""
        self._image.canvas.flush()
        self._look()
        if self._policy.status.saving or not self._policy.unsaved:
            return
        if self._image.read_only:
            return
        try:
            task = self._begin()
            entry = task.save()
        except StorageError as error:
            self._policy.failed(self._clock(), str(error))
            self._save_elsewhere()
        else:
            self._end(task, entry)

    def note_moved(self, later: Sequence[Change]) -> None:
        """Go on in another project, that has all but some later changes."""
        self._policy.moved(self._image.project.name, self._clock())
        for change in later:
            if self._image.journal is not None:
                self._image.journal.append(change)
            self._policy.changed(self._clock())
        self._forget()

    def _look(self) -> None:
        """Notice what only the journal was told, such as objects that settled."""
        if self._last_change > self._noticed:
            self.note_change()

    def _save_elsewhere(self) -> None:
        try:
            if self.moving.move_now():
                self._policy.succeeded(self._clock())
        except StorageError as error:
            failure = f"{self._policy.status.failure} {error}"
            self._policy.failed(self._clock(), failure)

    def _begin(self) -> SaveImage:
        image = self._image
        image.canvas.flush()
        image.project.claim()
        self._policy.started()
        return SaveImage(
            image.project,
            image.identity,
            image.annotation.snapshot(),
            image.key,
            self._last_change,
        )

    def _end(self, task: SaveImage, outcome: ImageEntry | Exception) -> None:
        self._projects.busy.discard(task.project)
        if task.project is not self._image.project:
            # Meanwhile the person chose another folder, whose save is still due.
            return
        if isinstance(outcome, Exception):
            self.fail(outcome)
        else:
            self._policy.succeeded(self._clock())
            task.project.store.note_saved(outcome)
            if self._image.journal is not None:
                # A single save may be damaged: then the whole journal is needed.
                single = len(outcome.generations) == 1
                oldest = 0 if single else outcome.oldest.sequence
                self._image.journal.saved(task.sequence, oldest)
            self._forget()
        self._everyone.ended.emit()

    def fail(self, error: Exception) -> None:
        """Note why nothing is saved, and tell who waits for it."""
        self._policy.failed(self._clock(), Problem.of(error).text)
        if self._then is not None:
            then, self._then = self._then, lambda: None
            then()

    def _forget(self) -> None:
        """Let go of an image that was released, once all of it is saved."""
        if self._then is None or self.moving.under_way:
            return
        if self._policy.unsaved:
            self.start()  # it changed while an earlier save was under way
            return
        then, self._then = self._then, None
        self._everyone.forget(self._image)
        self._image.end_journal()
        then()
